"""One case in HTML: its row, and below it requirement, transcript, remedy and origin.

The only place that writes a case: the page without scripts has its output as it is, the page with many results has it
compressed and inserts it when it is opened. Everything passes ``shown``, so nothing that a server sent becomes markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote

from conformance.report import text
from conformance.report.summary import SEVERITIES, statement
from conformance.stream import Event, Result

SETUP_LINES = 4
"""A set-up of more entries than this is folded away."""

_ESCAPE = re.compile(r"\\(?:r\\n\Z|[rnt0\\]|x[0-9a-fA-F]{2})")
_RUN = re.compile(r"\[\.\.\. [0-9]+ (?:times .{1,4}|octets \.\.\.)\]")
_SYMBOLS = {"r": "\u240d", "n": "\u240a", "t": "\u2409", "0": "\u2400"}
_CONTROL = {f"{octet:02x}": chr(0x2400 + octet) for octet in range(0x20)} | {"7f": "\u2421"}

_EVENTS = {
    "connect": "connected to",
    "close": "connection closed",
    "reset": "connection reset",
    "silence": "silence for",
    "tls": "TLS",
    "wait": "waited",
    "delivered": "in the mailbox",
    "probe": "probe",
    "error": "",
}


def shown(value: object) -> str:
    """Return any value as text of the page: control characters visible, markup escaped."""
    return html.escape(text.visible(str(value)))


def anchor(name: str) -> str:
    """Return the fragment that leads to a case."""
    return html.escape(quote(text.visible(name), safe="/.-_~:@"))


# ---------------------------------------------------------------------- octets


def _symbol(match: re.Match[str]) -> str:
    escape = match[0]
    if escape == "\\r\\n":
        return "<i>\u240d\u240a</i>"
    if escape == "\\\\":
        return "\\"
    if escape[1] == "x":
        octet = escape[2:].lower()
        return f"<u>{_CONTROL.get(octet, octet)}</u>"
    return f"<u>{_SYMBOLS[escape[1]]}</u>"


@lru_cache(maxsize=4096)
def octets(escaped: str) -> str:
    """Return escaped octets as HTML: a line of its own for each line, control characters as symbols."""
    whole = text.without_runs(text.visible(escaped))
    return "\n".join(f"<span>{_line(line)}</span>" for line in text.lines(whole)) or "<span></span>"


def _line(line: str) -> str:
    parts: list[str] = []
    at = 0
    for match in _ESCAPE.finditer(line):
        parts += (_plain(line[at : match.start()]), _symbol(match))
        at = match.end()
    parts.append(_plain(line[at:]))
    return "".join(parts)


def _plain(part: str) -> str:
    escaped = html.escape(part, quote=False)
    return _RUN.sub(r"<em>\g<0></em>", escaped) if "[... " in escaped else escaped


# ---------------------------------------------------------------------- transcript


def transcript(result: Result, entries: Iterable[Event]) -> str:
    """Return the transcript as a table, its set-up folded where it is long."""
    entries = list(entries)
    setup = 0
    while setup < len(entries) and entries[setup].get("phase") == "start":
        setup += 1
    sessions = len({entry.get("session", 1) for entry in entries}) > 1
    rows = [_entry(result, entry, sessions=sessions) for entry in entries]
    head = (
        "<thead><tr><th>time<th><th>what was sent<th>what was expected</thead>"
        if any(entry.get("expected") for entry in entries)
        else ""
    )
    if setup <= SETUP_LINES or setup == len(entries):
        return f"<table class=t>{head}<tbody>{''.join(rows)}</tbody></table>"
    names = shown(" \u00b7 ".join(_steps(entries[:setup])))
    return (
        f"<details class=setup><summary>Set-up: {names}</summary><table class=t><tbody>{''.join(rows[:setup])}</tbody></table></details>"
        f"<table class=t>{head}<tbody>{''.join(rows[setup:])}</tbody></table>"
    )


def _steps(entries: Iterable[Event]) -> Iterator[str]:
    for entry in entries:
        if entry.get("from") == "C":
            words = str(entry.get("octets", "")).replace("\\r\\n", " ").split(" ")
            yield words[0][:20]
        elif entry.get("event") in ("connect", "tls"):
            yield "connection" if entry["event"] == "connect" else "TLS"


def _entry(result: Result, entry: Event, *, sessions: bool) -> str:
    sender, phase = entry.get("from"), entry.get("phase")
    session = str(entry.get("session", 1)) if sessions else ""
    time = entry.get("t")
    when = f"{time:.3f}" if isinstance(time, int | float) else ""
    decides = bool(entry.get("decides"))
    failed = entry.get("met") is False or (decides and result.verdict in ("fail", "warn", "error", "inconclusive"))
    classes = [
        "d" if decides else "",
        "x" if failed and phase is None else "",
        "dim" if phase in ("start", "finally") else "",
    ]
    if sender in ("C", "S"):
        who = f"<b>{sender}{shown(session)}:</b>"
        said = octets(str(entry.get("octets", "")))
    else:
        who, said = (f"<b>{shown(session)}</b>" if session else ""), _event(entry)
    named = " ".join(["c" if sender == "C" else "s" if sender == "S" else "e", *filter(None, classes)])
    return f'<tr class="{named}"><td>{when}<td>{who}<td>{said}<td>{_expectation(result, entry)}'


def _event(entry: Event) -> str:
    kind, detail = str(entry.get("event", "")), str(entry.get("detail", ""))
    words = f"{_EVENTS.get(kind, kind)} {detail}".strip()
    messages = entry.get("messages") or ()
    bodies = "".join(f"<div class=m>{octets(str(message))}</div>" for message in messages)
    return f"<span>{shown(words)}</span>{bodies}"


def _expectation(result: Result, entry: Event) -> str:
    expected = entry.get("expected")
    if not expected or result.id.startswith("lint/"):
        return ""
    wanted = f"<span>{shown(expected)}</span>"
    if entry.get("decides"):
        return f'{wanted}<strong class="v {verdict_class(result.verdict)}">decided: {shown(result.verdict)}</strong>'
    if entry.get("met") is False:
        return f"{wanted}<strong>not met</strong>"
    return f"{wanted}<small>\u2713</small>" if entry.get("met") else wanted


# ---------------------------------------------------------------------- the case


def verdict_class(verdict: str) -> str:
    """Return the name of a verdict in the style sheet."""
    return "na" if verdict == "n/a" else verdict if verdict.isalpha() and verdict.isascii() else "other"


def row(result: Result, *, reason: bool = True) -> str:
    """Return the line that stands for a case in the list."""
    severity = f'<span class="sev {result.severity}">{result.severity}</span>' if result.severity in SEVERITIES else ""
    told = (
        f"<span class=why>{shown(result.reason)}</span>"
        if reason and result.reason and result.verdict != "pass"
        else ""
    )
    return (
        f'<span class="v {verdict_class(result.verdict)}">{shown(result.verdict)}</span>'
        f"<span class=what><span class=title>{shown(result.title)}</span>{told}</span>"
        f"<span class=ref>{severity}<span>{shown(result.level)}</span> <span>{shown(_short(result.spec))}</span></span>"
    )


def _short(spec: str) -> str:
    return spec.replace(" section ", " \u00a7\u202f")


def case(result: Result, *, reason: bool = True) -> str:
    """Return a case: a row that opens."""
    return f"<details class=case><summary>{row(result, reason=reason)}</summary>{body(result)}</details>"


def body(result: Result) -> str:
    """Return what is below the row."""
    parts = [f'<div class=body id="{shown(result.id)}">']
    if not result.id.startswith("lint/") or result.requirement:
        parts.append("".join(_requirement(name, result.level) for name in result.requirement))
    if result.note:
        parts.append(f"<p class=note>{shown(result.note)}</p>")
    if result.transcript:
        parts.append(transcript(result, result.transcript))
    for number, entries in enumerate(result.earlier, 1):
        parts.append(
            f"<details class=earlier><summary>Attempt {number} of {len(result.earlier) + 1}, before this one</summary>"
            f"{transcript(result, entries)}</details>"
        )
    if result.remedy:
        remedies = "".join(f"<dt>{shown(product)}<dd>{shown(what)}" for product, what in result.remedy.items())
        parts.append(f"<h4>Remedy</h4><dl class=remedy>{remedies}</dl>")
    parts.append(_origin(result))
    return "".join(parts) + "</div>"


def _requirement(name: str, level: str) -> str:
    found = statement(name)
    words = f"<p>{shown(found[1])}</p>" if found else ""
    return f"<blockquote><cite>{shown(name)} \u00b7 {shown(found[0] if found else level)}</cite>{words}</blockquote>"


def _origin(result: Result) -> str:
    facts = [f'<a href="#{anchor(result.id)}">{shown(result.id)}</a>']
    if result.file:
        facts.append(f"{shown(result.file)}:{shown(result.line)}")
    if result.duration:
        facts.append(f"{result.duration:.3f}\u202fs")
    if result.attempts > 1:
        facts.append(f"played {result.attempts} times")
    facts.append(f"impact {shown(result.impact)}")
    if result.outcome != result.verdict:
        facts.append(f"outcome {shown(result.outcome)}")
    facts += [shown(name) for name in (*result.cwe, *result.cve)]
    if result.tags:
        facts.append(f"tags {shown(', '.join(result.tags))}")
    return f"<p class=origin>{' <span>\u00b7</span> '.join(facts)}</p>"
