"""How the play of a case ends."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case.model import Alternative, Delivered
from conformance.smtp.lint import Breach
from conformance.smtp.transcript import Transcript


class Stop(Exception):
    """The play has its outcome."""

    def __init__(self, outcome: str, reason: str = "", decided: Alternative | Delivered | None = None) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.decided = decided


class Leave(Exception):
    """The dialogue goes on behind the ``repeat`` that is being played."""


class Next(Exception):
    """The dialogue goes on with the next round of the ``repeat`` that is being played."""


class BackOff(Exception):
    """The server asks us to come back later (421, rate limit); ``refused``: it did not even take the connection.

    ``mute``: it took the connection and sent no greeting, as when its queue of connections is full: tried once more.
    """

    def __init__(self, reason: str, *, refused: bool = False, mute: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        self.mute = mute


@dataclass(frozen=True, slots=True)
class Finding:
    """A reply that broke a lint, and where it is in the transcript."""

    breach: Breach
    entry: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one play of one case came to."""

    outcome: str
    reason: str
    transcript: Transcript
    duration: float
    findings: tuple[Finding, ...] = ()
    replies: int = 0
    greeting: float | None = None
    """How long the greeting took, in seconds."""
    back_off: bool = False
    refused: bool = False
    died: bool = False
    """The connection ended, or went silent, where the case expected an answer."""
    in_dialogue: bool = False
    """The server asked for patience in the dialogue of the case, not in its set-up."""
    decided: Alternative | Delivered | None = None
    """The alternative, or the look into a mailbox, that decided, where one did."""
