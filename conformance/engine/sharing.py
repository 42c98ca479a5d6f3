"""One session for several cases that leave it as they found it (``session: shared``): a polite run opens fewer.

A case never owes its verdict to those before it. A session is handed on only where, after the case, an honest
transaction (MAIL and RCPT for the recipient of the target, then RSET) is taken as in a new session; a server that has
had enough of the client shows it there. And in a session that was handed on a case can only pass, with that shown
before and after it: whatever else it comes to is forgotten, and it is played in a session of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.engine import ladder
from conformance.engine.outcome import BackOff, Stop
from conformance.engine.session import Session

if TYPE_CHECKING:
    from conformance.engine.player import Play

MOST_REFUSED = 3
"""Refused commands after which a session is not handed on."""

_KNOWN = ("server", "size_limit")
"""Values that the server gave when the session began."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A session that can be handed on."""

    session: Session
    values: Mapping[str, bytes]
    """What the server said of itself when it began."""
    refused: int
    """How many commands were refused in it."""
    case: str
    """The case that was played in it last."""

    @property
    def fit(self) -> bool:
        """Whether another case can be played in it."""
        return not self.session.over and not self.session.waiting and self.refused <= MOST_REFUSED

    def leave(self) -> None:
        """End it."""
        if not self.session.over:
            self.session.send(b"QUIT\r\n")
        self.session.hang_up()


async def take(play: Play, kept: Kept) -> Session:
    """Return the session that was handed on, brought to the start of the case."""
    session = kept.session
    session.transcript = play.transcript
    play.sessions[session.number] = session
    play.values.update(kept.values)
    if "ENHANCEDSTATUSCODES" in session.offers:
        play.enhanced.add(session.number)
    play.transcript.add(play.loop.time(), session.number, "shared", detail=kept.case)
    await ladder.transaction(play, session, play.case.start)
    play.transcript.phase = ""
    return session


async def hand_on(play: Play, earlier: Kept | None) -> Kept | None:
    """Return the session where an honest transaction is taken in it as before, else None."""
    session = play.sessions.get(1)
    if session is None or session.over or session.waiting:
        return None
    refused = sum(entry.kind == "S" and entry.octets[:1] in (b"4", b"5") for entry in play.transcript.entries)
    try:
        await ladder.ask(play, session, b"RSET", "250", "RSET")
        await ladder.transaction(play, session, "rcpt")
        await ladder.ask(play, session, b"RSET", "250", "RSET")
    except (Stop, BackOff):
        return None
    values = {name: play.values[name] for name in _KNOWN if name in play.values}
    refused += earlier.refused if earlier is not None else 0
    return Kept(play.sessions.pop(1), values, refused, play.case.id)
