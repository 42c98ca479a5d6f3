"""The transcript: every octet both ways with its time, and the events between them; the evidence of a result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conformance.smtp.secret import NO_SECRETS, Secrets
from conformance.stream import Event, escape

MAX_ENTRIES = 2000
"""Entries kept of one play; what comes after is counted."""

MAX_ENTRY_OCTETS = 4096
"""Octets shown of one entry; of a longer one the start and the end are kept."""

MAX_MESSAGES = 4
"""Delivered messages shown in one event."""


@dataclass(slots=True)
class Entry:
    """One line of the transcript: octets of the client (C) or the server (S), or an event."""

    time: float
    session: int
    kind: str
    octets: bytes = b""
    detail: str = ""
    phase: str = ""
    expected: str = ""
    met: bool | None = None
    decides: bool = False
    messages: tuple[bytes, ...] = ()
    """What was found in the mailbox (a ``delivered`` event)."""

    def event(self, secrets: Secrets = NO_SECRETS) -> Event:
        """Return the entry as the result stream has it; secrets are replaced by stars."""
        event: dict[str, Any] = {"t": round(self.time, 6), "session": self.session}
        if self.kind in ("C", "S"):
            event["from"] = self.kind
            event["octets"] = shown(self.octets, secrets)
        else:
            event["event"] = self.kind
        if self.messages:
            event["messages"] = [shown(octets, secrets) for octets in self.messages[:MAX_MESSAGES]]
        if self.detail:
            event["detail"] = secrets.hide_text(self.detail)
        if self.phase:
            event["phase"] = self.phase
        if self.expected:
            event["expected"] = self.expected
        if self.met is not None:
            event["met"] = self.met
        if self.decides:
            event["decides"] = True
        return event


def shown(octets: bytes, secrets: Secrets = NO_SECRETS) -> str:
    """Return octets escaped, without secrets, long ones with their middle left out."""
    octets = secrets.hide(octets)
    if len(octets) <= MAX_ENTRY_OCTETS:
        return escape(octets)
    half = MAX_ENTRY_OCTETS // 2
    return f"{escape(octets[:half])}[... {len(octets) - 2 * half} octets ...]{escape(octets[-half:])}"


@dataclass
class Transcript:
    """The entries of one play, in the order in which they happened."""

    started: float
    entries: list[Entry] = field(default_factory=list)
    dropped: int = 0
    phase: str = "start"

    def add(self, now: float, session: int, kind: str, octets: bytes = b"", detail: str = "") -> Entry:
        """Append an entry and return it."""
        entry = Entry(now - self.started, session, kind, octets, detail, self.phase)
        if len(self.entries) < MAX_ENTRIES:
            self.entries.append(entry)
        else:
            self.dropped += 1
        return entry

    def events(self, secrets: Secrets = NO_SECRETS) -> tuple[Event, ...]:
        """Return the entries as the result stream has them."""
        events = tuple(entry.event(secrets) for entry in self.entries)
        if self.dropped:
            events += ({"t": events[-1]["t"], "session": 1, "event": "error", "detail": f"{self.dropped} more"},)
        return events
