r"""The result stream: JSON Lines, one event a line; every report is a view of it.

A header, one ``case`` event for each result, ``lint`` and ``note`` events between them, a footer. A stream without a
footer was cut off: what is there is still true. Octets are escaped text (``EHLO x\r\n``), so that a stream can be
read in any editor and nothing a server sent reaches a terminal or a page as it was.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from conformance.verdict import VERDICTS

SCHEMA_VERSION = 1

Event = dict[str, Any]

_NAMED = {0x0D: "\\r", 0x0A: "\\n", 0x09: "\\t", 0x00: "\\0", 0x5C: "\\\\"}
_ESCAPES = [_NAMED.get(o, chr(o) if 0x20 <= o < 0x7F else f"\\x{o:02x}") for o in range(256)]
_TABLE = {o: text for o, text in enumerate(_ESCAPES) if text != chr(o)}
_UNESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_UNNAMED = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def escape(octets: bytes) -> str:
    r"""Return octets as printable ASCII: control and 8-bit octets as ``\r \n \t \0 \xHH``, a backslash doubled."""
    return octets.decode("latin-1").translate(_TABLE)


def unescape(text: str) -> bytes:
    """Return the octets that ``escape`` was given. Raises UnicodeEncodeError for text it can't have made."""
    return _UNESCAPE.sub(
        lambda m: chr(int(m[1], 16)) if m[1] else _UNNAMED.get(m[2], "\\" + m[2]),
        text,
    ).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Result:
    """One case (or one row of one) as it was played."""

    id: str
    title: str
    outcome: str
    verdict: str
    reason: str = ""
    requirement: tuple[str, ...] = ()
    level: str = "MUST"
    spec: str = ""
    severity: str | None = None
    tags: tuple[str, ...] = ()
    impact: str = "session"
    file: str = ""
    line: int = 0
    duration: float = 0.0
    attempts: int = 1
    case_hash: str = ""
    note: str | None = None
    """Why a profile or a waiver changed the verdict."""
    about: str = ""
    """Why the test is as it is (``note`` of the case)."""
    meaning: str = ""
    """What it means for the owner of the server when it fails."""
    remedy: Mapping[str, str] | None = None
    cwe: tuple[str, ...] = ()
    cve: tuple[str, ...] = ()
    transcript: tuple[Event, ...] = ()
    earlier: tuple[tuple[Event, ...], ...] = ()
    broken: tuple[str, ...] = ()
    """Of a rule for every reply: those of its requirements that were broken, where it can tell them apart."""

    @property
    def at_issue(self) -> tuple[str, ...]:
        """The requirements that the verdict is about: those that were broken, or all."""
        return self.broken or self.requirement

    def event(self) -> Event:
        """Return the ``case`` event of the stream; empty optional fields are left out."""
        event: Event = {"type": "case"}
        for item in fields(self):
            value = getattr(self, item.name)
            if value or item.name in ALWAYS:
                event[item.name] = value
        return event


ALWAYS = {"id", "title", "outcome", "verdict", "reason", "requirement", "level", "spec", "severity", "tags"} | {
    "duration",
    "attempts",
    "case_hash",
    "transcript",
}
"""Keys that every ``case`` event has; the others are left out where they are empty."""

_FIELDS = {item.name for item in fields(Result)}
_TUPLES = {"requirement", "broken", "tags", "cwe", "cve", "transcript"}


def result_of(event: Mapping[str, Any]) -> Result:
    """Return the Result of a ``case`` event; unknown keys (of a newer version) are ignored. Raises StreamError."""
    values = {key: value for key, value in event.items() if key in _FIELDS}
    for key, value in values.items():
        if not _SHAPES.get(key, _is_text)(value):
            raise StreamError(f"the case {str(event.get('id'))[:100]!r} has {key} {str(value)[:60]!r}")
    for key in _TUPLES & values.keys():
        values[key] = tuple(values[key])
    if "earlier" in values:
        values["earlier"] = tuple(tuple(entries) for entries in values["earlier"])
    return Result(**values)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_optional_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _are_entries(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(item, dict) and isinstance(item.get("messages", []), list | tuple) for item in value
    )


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "verdict": lambda value: value in VERDICTS,
    "severity": _is_optional_text,
    "note": _is_optional_text,
    "line": _is_number,
    "attempts": _is_number,
    "duration": _is_number,
    "requirement": _are_texts,
    "broken": _are_texts,
    "tags": _are_texts,
    "cwe": _are_texts,
    "cve": _are_texts,
    "transcript": _are_entries,
    "earlier": lambda value: isinstance(value, list | tuple) and all(map(_are_entries, value)),
    "remedy": lambda value: value is None or (isinstance(value, Mapping) and _are_texts([*value, *value.values()])),
}
"""What the fields of a result must be; the others are text."""


@dataclass(frozen=True)
class Run:
    """A whole run as read from its stream."""

    header: Event
    results: list[Result] = field(default_factory=list)
    lints: list[Event] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    footer: Event | None = None

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many results have each verdict."""
        counts: dict[str, int] = {}
        for result in self.results:
            counts[result.verdict] = counts.get(result.verdict, 0) + 1
        return counts


class StreamError(Exception):
    """A result stream can't be read: says file, line and what is wrong."""


def collect(events: Iterable[Event]) -> Run:
    """Return the Run that a series of events describes. Raises StreamError when the header is missing."""
    run: Run | None = None
    for event in events:
        kind = event.get("type")
        if kind == "header":
            if not isinstance(event.get("target", {}), dict):
                raise StreamError("the header has no target")
            if event.get("schema_version", 0) > SCHEMA_VERSION:
                raise StreamError(f"schema_version {event['schema_version']} is newer than {SCHEMA_VERSION}: update")
            run = Run(event)
        elif run is None:
            raise StreamError("the first line is no header: is this a result stream (run --out FILE.jsonl)?")
        elif kind == "case":
            run.results.append(result_of(event))
        elif kind == "lint":
            run.lints.append(event)
        elif kind == "note":
            run.notes.append(str(event.get("text", "")))
        elif kind == "footer":
            run = Run(run.header, run.results, run.lints, run.notes, event)
    if run is None:
        raise StreamError("empty: not a result stream")
    return run


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of JSON Lines text; a last line that was cut off is left out. Raises StreamError."""
    broken: int | None = None
    for number, line in enumerate(lines, 1):
        if broken is not None:
            raise StreamError(_not_json(broken))
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError:
            broken = number
            continue
        if not isinstance(event, dict):
            raise StreamError(f"line {number}: not a JSON object")
        yield event
    if broken == 1:
        raise StreamError(_not_json(broken))


def _not_json(line: int) -> str:
    hint = ": is this a result stream (run --out FILE.jsonl writes one)?" if line == 1 else ""
    return f"line {line}: not JSON{hint}"


def read(path: Path) -> Run:
    """Return the run stored at path (``.gz``: compressed). Raises StreamError (with the file's name) and OSError."""
    try:
        with _open(path, "rt") as file:
            return collect(parse(file))
    except (StreamError, TypeError, UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise StreamError(f"{path}: {error}") from None


def write(run: Run, path: Path) -> None:
    """Store a run at path (``.gz``: compressed, with the same octets for the same run)."""
    notes: list[Event] = [{"type": "note", "text": text} for text in run.notes]
    with _open(path, "wt") as file:
        writer = Writer(file)
        for event in (run.header, *notes, *run.lints, *(result.event() for result in run.results)):
            writer.write(event)
        if run.footer is not None:
            writer.write(run.footer)


@contextmanager
def _open(path: Path, mode: str) -> Iterator[IO[str]]:
    if path.suffix != ".gz":
        with path.open(mode, encoding="utf-8", newline="\n") as file:
            yield file
        return
    kind = mode[0] + "b"
    with (
        path.open(kind) as raw,
        gzip.GzipFile("", kind, 9, raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as file,
    ):
        yield file


class Writer:
    """Writes events to a file as they come, so that an interrupted run keeps what it has."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, event: Event) -> None:
        """Write one event as one line and flush it."""
        self._file.write(json.dumps(event, separators=(",", ":"), ensure_ascii=True) + "\n")
        self._file.flush()
