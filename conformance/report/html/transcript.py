"""A transcript in HTML: who said what, with control characters as symbols, and what was expected beside each reply.

Most cases start in the same way, so a set-up that many passed cases share is written once; they link to it.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from conformance.report import text
from conformance.stream import Event, Result

SETUP_LINES = 2
"""A set-up of more entries than this is folded away."""

SHARED = 3
"""A set-up that so many cases have is written once."""

TAIL = 3
"""Lines at the end of a text of the client that are shown where one line must do: there is what matters."""

SHORT = 160
"""Characters shown of an octet string where one line must do."""

_ESCAPE = re.compile(r"\\(?:r\\n\Z|[rnt0\\]|x[0-9a-fA-F]{2})")
_RUN = re.compile(r"\[\.\.\. [0-9]+ (?:times .{1,4}|octets \.\.\.)\]")
_SYMBOLS = {"r": "CR", "n": "LF", "t": "TAB", "0": "NUL"}
_NAMES = """
NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US
"""
_CONTROL = {f"{octet:02x}": name for octet, name in enumerate(_NAMES)} | {"7f": "DEL"}

_EVENTS = {
    "connect": "connected to",
    "shared": "in the session of",
    "close": "connection closed",
    "reset": "connection reset",
    "silence": "silence for",
    "tls": "TLS",
    "wait": "waited",
    "delivered": "in the mailbox:",
    "timing": "times:",
    "probe": "probe",
    "error": "",
}

Key = tuple[tuple[str, ...], ...]


def _shown(value: object) -> str:
    return html.escape(text.visible(str(value)))


# ---------------------------------------------------------------------- octets


def _symbol(match: re.Match[str]) -> str:
    escape = match[0]
    if escape == "\\r\\n":
        return "<i>CRLF</i>"
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


def short(entry: Event) -> str:
    """Return an entry as one short line of HTML."""
    sender = entry.get("from")
    if sender not in ("C", "S"):
        return f"<b></b> {_shown(_words(entry)[:SHORT])}"
    lines = list(text.lines(text.without_runs(text.visible(str(entry.get("octets", ""))))))
    if sender == "C" and len(lines) > TAIL:
        kept = " ".join(_line(line) for line in lines[-TAIL:] if len(line) <= SHORT)
        return f"<b>C:</b> \u2026 {kept}"
    first = lines[0] if lines else ""
    cut = first[:SHORT]
    if len(first) > SHORT:
        cut = cut.rpartition("\\")[0] if "\\" in cut[-4:] else cut
    more = " \u2026" if len(lines) > 1 or len(first) > SHORT else ""
    return f"<b>{sender}:</b> {_line(cut)}{more}"


# ---------------------------------------------------------------------- shared set-ups


def setup_length(entries: Sequence[Event]) -> int:
    """Return how many entries at the start of a transcript are set-up."""
    length = 0
    while length < len(entries) and entries[length].get("phase") == "start":
        length += 1
    return length


def _key(entries: Iterable[Event]) -> Key:
    names = ("session", "from", "event", "octets", "detail", "expected", "met")
    return tuple(tuple(str(entry.get(name, "")) for name in names) for entry in entries)


class Setups:
    """The set-ups that several passed cases of a run have in common, by number."""

    def __init__(self, results: Iterable[Result]) -> None:
        seen: Counter[Key] = Counter()
        entries: dict[Key, tuple[Event, ...]] = {}
        for result in results:
            length = setup_length(result.transcript)
            if length > SETUP_LINES and result.verdict in ("pass", "info"):
                key = _key(result.transcript[:length])
                seen[key] += 1
                entries.setdefault(key, tuple(result.transcript[:length]))
        shared = [key for key, count in seen.items() if count >= SHARED]
        self._numbers = {key: number for number, key in enumerate(shared, 1)}
        self.entries = [entries[key] for key in shared]
        self.counts = [seen[key] for key in shared]

    def number(self, result: Result, setup: Sequence[Event]) -> int | None:
        """Return the number of a result's set-up, or None where it is to be shown in place."""
        return self._numbers.get(_key(setup)) if result.verdict in ("pass", "info") else None


# ---------------------------------------------------------------------- transcript


def transcript(result: Result, entries: Iterable[Event], setups: Setups) -> str:
    """Return the transcript as a table, its set-up folded where it is long."""
    entries = list(entries)
    setup = setup_length(entries)
    sessions = len({entry.get("session", 1) for entry in entries}) > 1
    rows = [_entry(result, entry, sessions=sessions) for entry in entries]
    if setup <= SETUP_LINES or setup == len(entries):
        return _table(rows)
    names = _shown(" \u00b7 ".join(steps(entries[:setup])))
    number = setups.number(result, entries[:setup])
    if number is not None:
        return f'<p class=setup><a href="#setup-{number}">Set-up</a> {names}</p>{_table(rows[setup:])}'
    return (
        f"<details class=setup><summary>Set-up: {names}</summary>{_table(rows[:setup])}</details>{_table(rows[setup:])}"
    )


def setup_table(entries: Iterable[Event]) -> str:
    """Return a shared set-up as a table, without times."""
    result = Result("", "", "pass", "pass")
    return _table([_entry(result, {**entry, "t": None, "phase": None}, sessions=False) for entry in entries])


def _table(rows: Iterable[str]) -> str:
    return f"<table class=t><tbody>{''.join(rows)}</tbody></table>"


def steps(entries: Iterable[Event]) -> Iterator[str]:
    """Yield what a set-up does, in a word each."""
    for entry in entries:
        if entry.get("from") == "C":
            yield str(entry.get("octets", "")).replace("\\r\\n", " ").split(" ")[0][:20]
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
        "c" if sender == "C" else "s" if sender == "S" else "e",
        "d" if decides else "",
        "x" if failed and phase != "start" else "",
        "dim" if phase == "finally" else "",
    ]
    if sender in ("C", "S"):
        who, said = f"{sender}{_shown(session)}:", octets(str(entry.get("octets", "")))
        if detail := entry.get("detail"):
            said += f" <small>{_shown(detail)}</small>"
    else:
        who, said = _shown(session), _event(entry)
    named = " ".join(filter(None, classes))
    named = f'"{named}"' if " " in named else named
    return f"<tr class={named}><td>{when}<td>{who}<td>{said}<td>{_expectation(result, entry)}"


def _words(entry: Event) -> str:
    kind, detail = str(entry.get("event", "")), str(entry.get("detail", ""))
    return f"{_EVENTS.get(kind, kind)} {detail}".strip()


def _event(entry: Event) -> str:
    messages = entry.get("messages") or ()
    bodies = "".join(f"<div class=m>{octets(str(message))}</div>" for message in messages)
    return f"<span>{_shown(_words(entry))}</span>{bodies}"


def _expectation(result: Result, entry: Event) -> str:
    expected = entry.get("expected")
    if not expected or result.id.startswith("lint/"):
        return ""
    wanted = _shown(expected)
    if entry.get("decides"):
        verdict = result.verdict
        name = "na" if verdict == "n/a" else verdict if verdict.isalpha() and verdict.isascii() else "other"
        return f'{wanted} <b class="v {name}">{_shown(verdict)}</b>'
    if entry.get("met") is False:
        return f"{wanted} <b>not met</b>"
    return wanted
