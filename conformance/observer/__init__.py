"""Observers: how a delivered message is read back.

An observer finds the messages in a recipient's mailbox that carry the token of one play. Adding one is one file here
and one line in ``open_observer``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

MAX_MESSAGE_OCTETS = 16 * 1024 * 1024
"""Of a larger message only so much is read."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the recipient got it."""

    octets: bytes
    sender: bytes | None = None
    """The mailbox of the reverse-path where it is known (Return-Path, sink), empty for the null path."""
    recipient: bytes | None = None
    """What stood between the angle brackets of RCPT where that is known (sink)."""
    parameters: bytes | None = None
    """Two lines where that is known (sink): MAIL and its parameters, RCPT and its parameters."""
    commands: bytes | None = None
    """The lines that the server, as client, sent before the message where that is known (sink), from EHLO on."""
    verbatim: bool = False
    """Whether line ends are as they crossed the wire: mailboxes on disk store LF."""


class Observer(Protocol):
    """Reads mailboxes."""

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the messages for the recipient that contain the token. Raises ObserverError."""
        ...


class ObserverError(Exception):
    """Mail can't be read this way; says what would be right."""


def open_observer(kind: str, where: str) -> Observer:
    """Return the observer of a target's ``observer:`` entry. Raises ObserverError."""
    if kind == "maildir":
        from conformance.observer.maildir import Maildir

        return Maildir(where)
    if kind == "mbox":
        from conformance.observer.mbox import Mbox

        return Mbox(where)
    raise ObserverError(f"no observer is named {kind!r}: maildir, mbox or sink")


def joined(observers: Iterable[Observer | None]) -> Observer | None:
    """Return one observer for several, None for none: what any of them finds was delivered."""
    found = tuple(observer for observer in observers if observer is not None)
    return found[0] if len(found) == 1 else Joined(found) if found else None


@dataclass(frozen=True, slots=True)
class Joined:
    """Reads several places."""

    observers: tuple[Observer, ...]

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the messages with this token, wherever they are. Raises ObserverError."""
        return [message for observer in self.observers for message in observer.find(token, recipient)]


def place(where: str, recipient: str) -> str:
    """Return the path of a recipient's mailbox: ``{local}``, ``{domain}`` and ``{address}`` are filled in."""
    local, _, domain = recipient.rpartition("@")
    for name, value in (("{local}", local), ("{domain}", domain), ("{address}", recipient)):
        where = where.replace(name, value.replace("/", "_"))
    return where
