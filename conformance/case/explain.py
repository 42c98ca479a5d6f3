"""A case for people: its dialogue as C: and S: lines, with the reason of each alternative."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from conformance.case.model import (
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
)
from conformance.case.octets import Base64, Chunk, Message, Octets, Part, Sasl, Variable
from conformance.stream import escape


def octets_text(octets: Octets) -> str:
    """Return a template as text: literal octets escaped, variables as ``$name``."""
    return "".join(_part(part) for part in octets.parts)


def regex_text(regex: Octets) -> str:
    """Return a regular expression as the case has it, variables as ``$name``."""
    return "".join(part.decode() if isinstance(part, bytes) else _part(part) for part in regex.parts)


def _part(part: Part) -> str:
    if isinstance(part, bytes):
        return escape(part)
    if isinstance(part, Variable):
        return f"${part.name}"
    if isinstance(part, Base64):
        return f"<base64 of {octets_text(part.of)}>"
    if isinstance(part, Message):
        return f"$header\\r\\n\\r\\n{octets_text(part.text)} <dot-stuffed> .\\r\\n"
    if isinstance(part, Chunk):
        return f"BDAT <length>{' LAST' if part.last else ''}\\r\\n{octets_text(part.of)}"
    if isinstance(part, Sasl):
        to = f"answer to {octets_text(part.challenge)}" if part.challenge is not None else "first message"
        return f"<{part.mechanism}: {to} for {octets_text(part.user)}, {octets_text(part.password)}>"
    number = part.times if part.octets is None else part.octets
    much = f"${number.name}" if isinstance(number, Variable) else str(number)
    minus = f" less the length of {octets_text(part.minus)}" if part.minus is not None else ""
    return f"<{octets_text(part.of)} {'x' if part.octets is None else 'up to octet'} {much}{minus}>"


def dialogue_lines(case: Case) -> Iterator[str]:
    """Yield the dialogue as lines, alternatives indented below their ``S:``."""
    for step in case.dialogue:
        yield from _lines(step)
    if case.finally_:
        yield "finally"
        for step in case.finally_:
            yield from _lines(step)


def _number(session: int) -> str:
    return "" if session == 1 else str(session)


def _lines(step: Step) -> Iterator[str]:
    if isinstance(step, Send):
        for piece in step.pieces:
            yield f"C{_number(step.session)}: {octets_text(piece).removesuffix(CRLF)}{slow(step)}"
    elif isinstance(step, Expect):
        if step.premise:
            yield f"S{_number(step.session)}: {step}"
        else:
            yield f"S{_number(step.session)}:"
            yield from (f"     {line}" for line in _alternatives(step.alternatives))
    elif isinstance(step, Tls):
        yield f"<TLS handshake{_number(step.session)}>"
        yield from (f"     {line}" for line in _alternatives(step.alternatives))
    elif isinstance(step, Certificate):
        yield "<certificate>"
        yield from (f"     {line}" for line in _alternatives(step.alternatives))
    elif isinstance(step, Wait):
        yield f"<{step.seconds:g} s go by>"
    elif isinstance(step, Hangup):
        yield f"<the client {'resets' if step.how == 'reset' else 'closes'} the connection>"
    elif isinstance(step, Repeat):
        yield f"{times(step)}:"
        for inner in step.steps:
            yield from (f"  {line}" for line in _lines(inner))
    elif isinstance(step, Crowd):
        yield f"<{step.sessions} sessions more are opened and stay>" if step.sessions else "<these sessions hang up>"
    elif isinstance(step, Compare):
        yield f"compare {samples(step)}:"
        for name, exchange in zip(step.names, step.exchanges, strict=True):
            yield f"  {name}:"
            for inner in exchange:
                yield from (f"    {line}" for line in _lines(inner))
        yield from (f"     {line}" for line in _alternatives(step.alternatives))
    else:
        yield f"<mailbox: {_delivered(step)}>"
        for word, verdict, reason in (("met", step.met, step.met_reason), ("otherwise", step.otherwise, step.reason)):
            if verdict is not None:
                yield f"     {word:<9}  {verdict}{f' - {octets_text(reason)}' if reason else ''}"


def times(step: Repeat) -> str:
    """Return how often, or for what, steps are repeated."""
    if step.values:
        return f"for ${step.name} = {', '.join(map(octets_text, step.values))}"
    return f"{step.times} times ($count = 1 to {step.times})"


def samples(step: Compare) -> str:
    """Return in words how two exchanges are compared."""
    renewed = f", a new session after {step.renew}" if step.renew else ""
    return (
        f"the times of {step.names[0]} and {step.names[1]}: {step.samples} of each in random order{renewed}; they "
        f"differ where the medians lie {step.least * 1000:g} ms apart, and chance alone parts them so once in "
        f"{1 / step.error:.0f} runs at most"
    )


CRLF = "\\r\\n"
"""A line end as ``octets_text`` has it."""


def slow(step: Send) -> str:
    """Return how slowly it is sent, or nothing."""
    if step.chop:
        size = step.chop if isinstance(step.chop, int) else f"${step.chop.name}"
        return f"   <{size} octets at a time, every {step.every:g} s>"
    return f"   <a segment of its own, every {step.every:g} s>" if len(step.pieces) > 1 else ""


def _alternatives(alternatives: tuple[Alternative, ...]) -> Iterator[str]:
    width = max((len(a.pattern.source) for a in alternatives), default=0)
    for a in alternatives:
        reason = octets_text(a.reason)
        yield f"{a.pattern.source:<{width}}  {a.verdict}{f' - {reason}' if reason else ''}"


def _delivered(step: Delivered) -> str:
    least, most = step.counts
    number = f"{most}" if least == most else f"{least} to {most}"
    parts = [f"{number} message{'s' * (most != 1)} for {octets_text(step.to)} within {step.within:g} s"]
    if step.body is not None:
        parts.append(f"body {octets_text(step.body)}")
    parts += [f"contains {octets_text(o)}" for o in step.contains] + [f"lacks {octets_text(o)}" for o in step.lacks]
    for field in step.header:
        state = "absent" if not field.present else f"matches /{field.regex}/" if field.regex else "present"
        parts.append(f"{field.name} {state}")
    parts += [f"matches /{regex_text(regex)}/" for regex in step.matches]
    parts += [f"fields above $header match /{regex_text(regex)}/" for regex in step.trace]
    if step.dated is not None:
        parts.append(f"Received fields dated now, within {step.dated:g} s")
    if step.crlf:
        parts.append("no CR or LF outside of CRLF")
    if step.sender is not None:
        parts.append(f"reverse-path {octets_text(step.sender)}")
    if step.recipient is not None:
        parts.append(f"forward-path {octets_text(step.recipient)}")
    parts += [f"MAIL and RCPT match /{regex_text(regex)}/" for regex in step.parameters]
    parts += [f"the commands before it match /{regex_text(regex)}/" for regex in step.commands]
    return "; ".join(parts)


def show(case: Case) -> str:
    """Return the case as ``smtp-conformance show`` prints it."""
    lines = [case.id, f"  {case.title}", ""]
    lines += [f"  {line}" for name in case.requirement for line in requirement_lines(name)]
    lines += ["", f"  starts at {case.start}; impact {case.impact}; {_needs(case)}"]
    if case.note:
        lines += ["", *(f"  {line}" for line in textwrap.wrap(case.note, 96))]
    for name, value in case.variables.items():
        lines.append(f"  ${name} = {octets_text(value)}")
    lines += ["", *(f"    {line}" for line in dialogue_lines(case)), "", f"  {case.file}:{case.line}"]
    if case.after:
        lines.insert(-1, f"  after: {', '.join(case.after)}")
    return "\n".join(lines)


def requirement_lines(name: str) -> list[str]:
    """Return a requirement as lines: id, level, place, statement."""
    from conformance.requirement.registry import find

    found = find(name)
    if found is None:
        return [name]
    head = f"{name}  {found.level}  {found.place}"
    return [head, *(f"  {line}" for line in textwrap.wrap(found.statement, 94))]


def _needs(case: Case) -> str:
    parts = [f"needs {keyword} in the EHLO reply" for keyword in case.needs.ehlo]
    if case.needs.greeting:
        parts.append(f"needs a server that refuses the session with {case.needs.greeting}")
    if case.needs.target:
        parts.append(f"needs {', '.join(case.needs.target)} in the target file")
    parts += ["needs a session that begins in clear text"] * case.needs.clear_text
    parts += ["needs a target on loopback"] * case.needs.loopback
    parts += ["may share its session"] * case.shared
    return "; ".join([*parts, f"for {', '.join(case.needs.role)}"])
