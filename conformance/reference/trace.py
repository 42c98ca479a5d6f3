"""Trace fields, Received and Return-Path (RFC 5321 section 4.4), and loop detection (section 6.3)."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from conformance.smtp.address import Path

if TYPE_CHECKING:
    from .session import Session

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RECEIVED = re.compile(rb"(?:^|\r\n)Received[ \t]*:", re.IGNORECASE)
_RETURN_PATH = re.compile(rb"(?:(?<=\r\n)|^)Return-Path[ \t]*:.*?\r\n(?:[ \t].*?\r\n)*", re.IGNORECASE)


def received(session: Session, identity: str) -> str:
    """Return the Received field: from, by, with, id, for, date (RFC5321-4.4-01 to -05, -26, -27, -31).

    FOR only names a single recipient (RFC5321-4.4-05, RFC5321-7.6-01).
    """
    recipients = session.transaction.recipients
    only = recipients[0].path if len(recipients) == 1 else None
    single = f"\r\n for {only}" if only and only.mailbox and only.mailbox.domain else ""
    cipher = f"\r\n tls {session.cipher}" if session.cipher else ""  # RFC8314-4.3-01, -02
    return (
        f"Received: from {_client(session)} ({literal(session.peer)})\r\n"
        f" by {session.site.host} with {session.protocol} id {identity}{single}{cipher};\r\n"
        f" {date(session.site.clock())}\r\n"
    )


def _client(session: Session) -> str:
    """Return the name that the client gave, with U-labels where SMTPUTF8 was given (RFC6531-3.7.3-01)."""
    if "SMTPUTF8" in session.transaction.parameters and "xn--" in session.hello.lower():
        with suppress(UnicodeError):
            return session.hello.encode("ascii").decode("idna")
    return session.hello or "unknown"


def return_path(path: Path) -> str:
    """Return the Return-Path field of final delivery (RFC5321-4.4-11)."""
    return f"Return-Path: {path}\r\n"


def literal(address: str) -> str:
    """Return an IP address as an address literal."""
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def date(seconds: float) -> str:
    """Return a date-time of RFC 5322: local time, numeric zone, four-digit year (RFC5321-4.4-08, -09, -25)."""
    now = datetime.fromtimestamp(seconds).astimezone()
    return f"{_DAYS[now.weekday()]}, {now.day} {_MONTHS[now.month - 1]} {now:%Y %H:%M:%S %z}"


def header(message: bytes) -> bytes:
    """Return the header section of a message, up to the empty line."""
    if message.startswith(b"\r\n"):
        return b""
    end = message.find(b"\r\n\r\n")
    return message if end < 0 else message[: end + 2]


def hops(message: bytes) -> int:
    """Return the number of Received fields in a message."""
    return len(_RECEIVED.findall(header(message)))


def without_return_path(message: bytes) -> bytes:
    """Return a message without the Return-Path fields it came with (RFC5321-4.4-16, -17)."""
    top = header(message)
    return message if b"eturn-" not in top.lower() else _RETURN_PATH.sub(b"", top) + message[len(top) :]
