"""A recording: what one real server sent in every case, and the outcome that it led to.

One compressed file a server. A line a case: the hash of the case, the outcome, and for each session the server's
octets and events, parted by what the client sent. Dates are made one date, so that recording twice changes little.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.stream import Result, unescape

FOLDER = Path(__file__).with_name("data")

_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), +\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d")
_CUT = re.compile(r"\[\.\.\. \d+ octets \.\.\.\]")
_TOKEN = re.compile(r"sc-[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Step:
    """What came from the server between two writes of the client: octets, and how it ended where it did."""

    seconds: float
    octets: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One case against one server. ``sessions``: for each session, for each write of the client, what followed."""

    case: str
    hash: str
    outcome: str
    sessions: dict[str, list[list[Step]]]
    messages: tuple[str, ...] = ()


def record(results: Iterable[Result]) -> Iterator[Recorded]:
    """Yield the recordings of a run; cases that were not played, or were cut for length, are left out."""
    for result in results:
        if result.transcript and not result.id.startswith("lint/") and not _was_cut(result):
            yield _recorded(result)


def _was_cut(result: Result) -> bool:
    return any(entry.get("from") == "S" and _CUT.search(entry["octets"]) for entry in result.transcript)


def _recorded(result: Result) -> Recorded:
    sessions: dict[str, list[list[Step]]] = {}
    last: dict[str, float] = {}
    messages: tuple[str, ...] = ()
    for entry in result.transcript:
        number = str(entry["session"])
        writes = sessions.setdefault(number, [[]])
        waited = round(max(0.0, entry["t"] - last.get(number, entry["t"])), 1)
        last[number] = entry["t"]
        if entry.get("from") == "C":
            writes.append([])
        elif entry.get("from") == "S":
            writes[-1].append(Step(waited, _DATE.sub("Thu, 01 Jan 2026 00:00:00", entry["octets"])))
        elif entry["event"] in ("close", "reset") and entry.get("detail") == "by the server":
            writes[-1].append(Step(waited, event=entry["event"]))
        elif entry["event"] == "tls":
            failed = str(entry.get("detail", "")).startswith("failed")
            writes[-1].append(Step(0.0, event="tls-failed" if failed else "tls"))
        elif entry["event"] == "delivered":
            messages = tuple(_TOKEN.sub("sc-TOKEN", text) for text in entry.get("messages", ()))
    return Recorded(result.id, result.case_hash, result.outcome, sessions, messages)


def write(recordings: Iterable[Recorded], file: Path) -> None:
    """Store recordings."""
    lines = []
    for item in recordings:
        sessions = {
            number: [[_packed(step) for step in steps] for steps in writes] for number, writes in item.sessions.items()
        }
        values: list[Any] = [item.case, item.hash, item.outcome, sessions, list(item.messages)]
        lines.append(json.dumps(values, separators=(",", ":")))
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(lzma.compress("\n".join(sorted(lines)).encode(), preset=9))


def _packed(step: Step) -> list[Any]:
    return [step.seconds, step.octets, step.event] if step.event else [step.seconds, step.octets]


def read(file: Path) -> list[Recorded]:
    """Return the recordings of a file."""
    recordings = []
    for line in lzma.decompress(file.read_bytes()).decode().splitlines():
        case, digest, outcome, sessions, messages = json.loads(line)
        unpacked = {n: [[Step(*step) for step in steps] for steps in writes] for n, writes in sessions.items()}
        recordings.append(Recorded(case, digest, outcome, unpacked, tuple(messages)))
    return recordings


def octets_of(step: Step) -> bytes:
    """Return what the server sent."""
    return unescape(step.octets)
