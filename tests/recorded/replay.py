"""Plays a case against a recording: a wire that answers each write of the client with what the real server answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.case.model import Case
from conformance.engine.player import play
from conformance.engine.run import setting_for
from conformance.engine.session import Session
from conformance.engine.tls import TlsSettings
from conformance.observer import Message
from conformance.observer.maildir import sender_of
from conformance.stream import unescape
from conformance.target import Target
from tests.lab.kit import mx
from tests.lab.kit.place import SOURCE
from tests.recorded.recording import Recorded, Step, octets_of

TARGET = {name: value for name, value in mx(25).items() if name not in ("host", "port", "source")}
"""What the recorded servers' target files in the lab say."""


class RecordedWire:
    """A recorded session under a session."""

    def __init__(self, session: Session, writes: list[list[Step]]) -> None:
        self._session = session
        self._writes = writes
        self._next = 0
        self._tls = iter([step.event == "tls" for steps in writes for step in steps if step.event.startswith("tls")])
        self._free_at = session.loop.time()
        session.wire = self
        session.loop.call_soon(self._follow)

    def write(self, octets: bytes) -> None:
        """Answer as the server did after the same write."""
        self._follow()

    def _follow(self) -> None:
        if self._next >= len(self._writes):
            return
        loop = self._session.loop
        self._free_at = max(self._free_at, loop.time())
        for step in self._writes[self._next]:
            self._free_at += step.seconds + 1e-6  # timers of one moment have no order
            loop.call_at(self._free_at, self._act, step)
        self._next += 1

    def _act(self, step: Step) -> None:
        if step.octets:
            self._session.data(octets_of(step))
        elif step.event in ("close", "reset"):
            self._session.ended(reset=step.event == "reset")

    def upgrade(self, settings: TlsSettings) -> bool:
        """Return whether the server's handshake succeeded."""
        return next(self._tls, False)

    def close(self) -> None:
        """Nothing to close."""

    def abort(self) -> None:
        """Nothing to abort."""


@dataclass
class RecordedDialer:
    """Connects sessions to the recorded ones, in the order of their numbers."""

    recorded: Recorded
    count: int = field(default=0)

    async def connect(self, session: Session) -> None:
        """Connect the session."""
        RecordedWire(session, self.recorded.sessions.get(str(session.number), [[]]))


@dataclass(frozen=True)
class RecordedMailbox:
    """The mailbox as it was found."""

    recorded: Recorded

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the recorded messages, with the token of this play."""
        octets = [unescape(text).replace(b"sc-TOKEN", token) for text in self.recorded.messages]
        return [Message(text, sender_of(text)) for text in octets]


async def replayed(pairs: list[tuple[Case, Recorded]]) -> dict[str, str]:
    """Return the outcome of each case, played against its recording."""
    outcomes = {}
    for case, recorded in pairs:
        target = Target(**TARGET, sources=(SOURCE,), observer={"recorded": "mailbox"})
        setting = await setting_for(target, RecordedDialer(recorded), RecordedMailbox(recorded))
        outcomes[case.id] = (await play(case, setting)).outcome
    return outcomes
