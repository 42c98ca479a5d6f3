"""Observers: how a delivered message is read back.

An observer finds the messages in a recipient's mailbox that carry the token of one play. Adding one is one file here
and one line in ``open_observer``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MAX_MESSAGE_OCTETS = 16 * 1024 * 1024
"""Of a larger message only so much is read."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the recipient got it. ``sender`` is the reverse-path where it is known (Return-Path, sink)."""

    octets: bytes
    sender: bytes | None = None
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


def place(where: str, recipient: str) -> str:
    """Return the path of a recipient's mailbox: ``{local}``, ``{domain}`` and ``{address}`` are filled in."""
    local, _, domain = recipient.rpartition("@")
    for name, value in (("{local}", local), ("{domain}", domain), ("{address}", recipient)):
        where = where.replace(name, value.replace("/", "_"))
    return where
