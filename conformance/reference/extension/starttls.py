"""STARTTLS (RFC 3207): the command and its listing. What the handshake does to the session is ``Rules.after_tls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.reply import Reply, reply
from conformance.reference.table import ANY, Command

from . import Extension

if TYPE_CHECKING:
    from conformance.reference.session import Session

_READY = reply(220, "2.0.0", "Ready to start TLS")
_TWICE = reply(503, "5.5.1", "TLS is active already")
_NO_TLS = reply(502, "5.5.1", "TLS is not offered here")


def _offer(session: Session) -> str | None:
    return "STARTTLS" if session.site.tls and not session.tls else None  # RFC3207-4.2-07, RFC3207-3-01


def _starttls(session: Session, argument: str) -> Reply:
    if session.tls:
        return _TWICE  # RFC3207-4.2-08
    return _READY if session.site.tls else _NO_TLS


EXTENSIONS = [
    Extension(
        "STARTTLS",
        "RFC 3207",
        _offer,
        commands=(Command("STARTTLS", "", ANY, (220,), (454, 502, 503), _starttls, ("RFC3207-4-01",), anonymous=True),),
        requirement=("RFC3207-2-01",),
    )
]
