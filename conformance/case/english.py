"""A case in English: what the client does, what each answer means, and why; the rows of a table are told together."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from conformance.case.explain import CRLF, octets_text, regex_text, requirement_lines, samples, slow, times
from conformance.case.model import (
    GO,
    LEAVE,
    NEXT,
    Alternative,
    Case,
    Certificate,
    Compare,
    Crowd,
    Delivered,
    Expect,
    Hangup,
    Repeat,
    Send,
    Step,
    Tls,
    Wait,
    goes_on,
)

WIDTH = 96

_STARTS = {
    "tcp": "connects to a port that begins with TLS, and does not begin it",
    "connect": "connects, without reading the greeting",
    "greeting": "connects and reads the greeting",
    "ehlo": "connects and says EHLO",
    "tls": "connects, says EHLO, starts TLS and says EHLO again",
    "secure": "connects and says EHLO, in TLS where that is offered",
    "auth": "connects, says EHLO (in TLS where that is offered) and authenticates",
    "ready": "connects and gets ready for MAIL (EHLO; on a submission server TLS and AUTH too)",
    "mail": "opens a mail transaction (MAIL)",
    "rcpt": "opens a mail transaction with one recipient (MAIL, RCPT)",
    "data": "opens a mail transaction and sends DATA (MAIL, RCPT, DATA, 354)",
}

_VERDICTS = {
    "pass": "the case passes",
    "fail": "it fails",
    "warn": "it is a warning",
    "info": "that is noted",
    "n/a": "the case does not apply",
    "inconclusive": "nothing can be told",
    GO: "it goes on",
    LEAVE: "it goes on behind the repetition",
    NEXT: "it goes on with the next round",
}

_ENDS = ("close", "reset", "refused")

_BY_LEVEL = {"MUST": "fail", "MUST NOT": "fail", "SHOULD": "warn", "SHOULD NOT": "warn", "MAY": "info"}

_PREMISES = "Where a reply that is taken for granted here does not come, nothing can be told."


def explain(rows: Sequence[Case]) -> str:
    """Return what a case does and why; ``rows`` are those of its table, or it alone."""
    told = [row for row in rows if row.row != "control"] or list(rows)
    first = told[0]
    text = [f"{_title(first)}.", ""]
    stories: dict[str, list[Case]] = {}
    for case in told:
        stories.setdefault(_story(case, one_start=_same_start(told)), []).append(case)
    for story, cases in stories.items():
        text += [*_wrapped(story), ""]
        if first.row is not None:
            text += [*_rows(cases, one_start=_same_start(told)), ""]
    for control in (case for case in rows if case.row == "control" and case not in told):
        text += [*_wrapped(_control(control)), ""]
    names = dict.fromkeys(name for case in told for name in case.requirement)
    for index, name in enumerate(names):
        statement = " ".join(line.strip() for line in requirement_lines(name)[1:])
        text += _wrapped(f"{'Why: ' if not index else ''}{statement} ({name}, {_level(name, first)})")
    if first.note:
        text += ["", *_wrapped(first.note)]
    return "\n".join(text)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False)


def _level(name: str, case: Case) -> str:
    from conformance.requirement.registry import find

    found = find(name)
    return found.level if found is not None else case.level


def _title(case: Case) -> str:
    """Return the title without what the loader has added for the row."""
    return case.title.removesuffix(f" [{case.row}]").removesuffix(f" [control: {case.row}]")


def _same_start(rows: Iterable[Case]) -> bool:
    return len({case.start for case in rows}) == 1


def _rows(rows: Sequence[Case], *, one_start: bool) -> Iterator[str]:
    """Yield a line for each row: its name and its values."""
    width = max(len(case.row or "") for case in rows)
    for case in rows:
        values = [f"${name} = {octets_text(value)}" for name, value in case.variables.items()]
        if not one_start:
            values.insert(0, f"from {case.start} on")
        if case.control:
            values.append("(the control: where it does not pass, the other rows say nothing)")
        yield f"  {case.row or '':<{width}}  {', '.join(values)}".rstrip()


def _control(control: Case) -> str:
    values = ", ".join(f"${name} = {octets_text(value)}" for name, value in control.variables.items())
    last = control.dialogue[-1]
    wanted = f" gets {last.alternatives[0].pattern.source}" if isinstance(last, Expect) else " works"
    return f"The rows say nothing unless, as a control, the same{f' with {values}' if values else ''}{wanted}."


def _story(case: Case, *, one_start: bool = True) -> str:
    begin = _STARTS[case.start] if one_start else "begins where the row says"
    sentences = [f"The client {begin}."] + [_sentence(step, case) for step in case.dialogue]
    last = case.dialogue[-1]
    if isinstance(last, Delivered | Repeat) or (isinstance(last, Expect) and goes_on(last)):
        sentences.append("Then the case passes.")
    if any(isinstance(step, Expect) and not step.judges for step in case.dialogue):
        sentences.append(_PREMISES)
    return " ".join(sentences)


def _sentence(step: Step, case: Case) -> str:
    if isinstance(step, Send):
        who = "It" if step.session == 1 else f"A client of its own ({step.session})"
        return f"{who} sends {', then '.join(map(_sent, step.pieces))}{slow(step).replace('   ', ' ')}."
    if isinstance(step, Expect) and step.premise:
        return (
            f"The server answers {_codes(step.alternatives[0].pattern.source).replace('any', 'whatever it likes', 1)}."
        )
    if isinstance(step, Expect):
        return f"{_choices(step.alternatives, case)}."
    if isinstance(step, Tls):
        return f"A TLS handshake follows{': ' if step.alternatives else ''}{_tls(step.alternatives)}."
    if isinstance(step, Certificate):
        return f"The certificate that the server showed decides: {_certificate(step.alternatives)}."
    if isinstance(step, Wait):
        return f"{step.seconds:g} seconds go by."
    if isinstance(step, Hangup):
        return f"The client {'resets' if step.how == 'reset' else 'closes'} the connection."
    if isinstance(step, Repeat):
        words = times(step)
        return f"{words[0].upper()}{words[1:]}: {' '.join(_sentence(inner, case) for inner in step.steps)}"
    if isinstance(step, Crowd):
        return f"{step.sessions} sessions more are opened and stay." if step.sessions else "These sessions hang up."
    if isinstance(step, Compare):
        return _compared(step, case)
    return _mailbox(step, case)


def _compared(step: Compare, case: Case) -> str:
    told = [f"It compares {samples(step)}."]
    for name, exchange in zip(step.names, step.exchanges, strict=True):
        told.append(f"{name[0].upper()}{name[1:]}: {' '.join(_sentence(inner, case) for inner in exchange)}")
    differ, alike = (_verdict(a.verdict, octets_text(a.reason)) for a in step.alternatives)
    told.append(
        f"Where they differ {differ}; where such a difference would have shown {alike}; else nothing can be told."
    )
    return " ".join(told)


def _certificate(alternatives: tuple[Alternative, ...]) -> str:
    said = []
    for a in alternatives:
        reason = octets_text(a.reason)
        when = "otherwise" if a.pattern.source == "any" else f"on “{a.pattern.source}”"
        said.append(f"{when} {_VERDICTS[a.verdict]}{f' ({reason})' if reason else ''}")
    return "; ".join(said)


def _sent(piece: object) -> str:
    text = octets_text(piece)  # type: ignore[arg-type]
    if text == CRLF:
        return "an empty line"
    return f"“{text.removesuffix(CRLF)}”"


def _codes(source: str) -> str:
    """Return the alternatives of a pattern in words."""
    words, space, rest = source.partition(" ")
    parts = words.split("|")
    said = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"
    rest = rest.replace("offers ", "that offers ", 1).replace("lacks ", "that lacks ", 1)
    return f"{said}{space}{rest}".replace(" /", " with text that matches /", 1).replace("decoded with", "with decoded")


def _when(alternative: Alternative, case: Case, *, others: bool) -> str:
    """Return what has to happen for an alternative."""
    pattern = alternative.pattern
    if pattern.silence is not None:
        return f"when {'a reply stays unfinished' if pattern.unfinished else 'nothing comes'} for {pattern.silence:g} s"
    source = pattern.source
    for name, value in case.variables.items():
        if pattern.keyword is not None and pattern.keyword == octets_text(value).partition(" ")[0]:
            source = source.replace(octets_text(value), f"${name}")
    words, space, rest = source.partition(" ")
    codes = [word for word in words.split("|") if word not in (*_ENDS, "any")]
    ways = [f"on {_codes('|'.join(codes) + space + rest)}"] if codes else []
    if "any" in pattern.codes:
        ways.append(f"on any {'other ' if others else ''}reply{_codes(space + rest) if rest else ''}")
    ways += ["when the connection closes"] * ("close" in pattern.codes)
    ways += ["when no connection is taken"] * ("refused" in pattern.codes)
    ways += ["when the connection is reset"] * ("reset" in pattern.codes)
    return " or ".join(ways)


def _verdict(verdict: str, reason: str) -> str:
    return f"{_VERDICTS[verdict]}{f' ({reason})' if reason else ''}"


def _choices(alternatives: Sequence[Alternative], case: Case) -> str:
    said = []
    for index, a in enumerate(alternatives):
        others = any(b.pattern.silence is None and set(b.pattern.codes) - set(_ENDS) for b in alternatives[:index])
        said.append(f"{_when(a, case, others=others)} {_verdict(a.verdict, octets_text(a.reason))}")
    text = "; ".join(said)
    return text[:1].upper() + text[1:]


def _tls(alternatives: Sequence[Alternative]) -> str:
    return "; ".join(
        f"where it {'succeeds' if a.pattern.tls else 'fails'} {_verdict(a.verdict, octets_text(a.reason))}"
        for a in alternatives
    )


_NUMBERS = {0: "no message", 1: "one message", 2: "two messages"}


def _mailbox(step: Delivered, case: Case) -> str:
    least, most = step.counts
    number = _NUMBERS.get(most, f"{most} messages") if least == most else f"{least} to {most} messages"
    details = "; ".join(_details(step))
    found = f"Within {step.within:g} s there is {number} for {octets_text(step.to)}{f': {details}' if details else ''}"
    if step.met not in (None, GO):
        reason = octets_text(step.met_reason) if step.met_reason else ""
        return f"Where it is so that {found[0].lower()}{found[1:]}, {_verdict(step.met or GO, reason)}."
    otherwise = step.otherwise or _BY_LEVEL.get(case.level, "fail")
    if otherwise == GO:
        return f"{found}, or not."
    return f"{found}; otherwise {_verdict(otherwise, octets_text(step.reason) if step.reason else '')}."


def _details(step: Delivered) -> Iterator[str]:
    if step.body is not None:
        yield f"its body is “{octets_text(step.body)}”"
    yield from (f"it contains “{octets_text(o)}”" for o in step.contains)
    yield from (f"it does not contain “{octets_text(o)}”" for o in step.lacks)
    for field in step.header:
        state = f"matches /{field.regex}/" if field.regex else "is there"
        yield f"{field.name} {state if field.present else 'is not there'}"
    yield from (f"it matches /{regex_text(regex)}/" for regex in step.matches)
    yield from (f"the fields on top of it match /{regex_text(regex)}/" for regex in step.trace)
    if step.dated is not None:
        yield f"its Received fields have a date within {step.dated:g} s of now"
    if step.crlf:
        yield "no <CR> or <LF> stands alone in it"
    if step.sender is not None:
        yield f"its reverse-path is <{octets_text(step.sender)}>"
    if step.recipient is not None:
        yield f"its forward-path is <{octets_text(step.recipient)}>"
    yield from (f"the parameters of its MAIL and RCPT match /{regex_text(regex)}/" for regex in step.parameters)
    yield from (f"the commands before it match /{regex_text(regex)}/" for regex in step.commands)
