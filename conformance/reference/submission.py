"""What a submission server does to the messages of its users (RFC 6409 section 8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import trace
from .reply import Reply, reply

if TYPE_CHECKING:
    from .session import Session

_NO_FROM = reply(554, "5.6.0", "A message has a From field")


def _has(header: bytes, name: bytes) -> bool:
    return re.search(rb"(?mi)^" + name + rb"[ \t]*:", header) is not None


def originator(session: Session, message: bytes) -> Reply | None:
    """Refuse a user's message without From, which can't conform then (RFC6409-8-02)."""
    if session.site.role != "submission" or _has(trace.header(message), b"From"):
        return None
    return _NO_FROM


def complete(session: Session, message: bytes, identity: str) -> bytes:
    """Return a user's message with the Date and Message-ID that it lacks (RFC6409-8-02, RFC6409-8.3-01)."""
    if session.site.role != "submission":
        return message
    site, header = session.site, trace.header(message)
    added = b"" if _has(header, b"Date") else f"Date: {trace.date(site.clock())}\r\n".encode()
    if not _has(header, b"Message-ID"):
        added += f"Message-ID: <{identity}.{site.random(6).hex()}@{site.host}>\r\n".encode()
    return added + message
