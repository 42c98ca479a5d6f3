"""DSN (RFC 3461): RET and ENVID of MAIL, NOTIFY and ORCPT of RCPT. The notices are written in ``notification``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.reference.reply import Reply, reply

from . import Extension, Parameter, always, xtext

if TYPE_CHECKING:
    from conformance.reference.session import Session

_RET = reply(501, "5.5.4", "RET is FULL or HDRS")
_ENVID = reply(501, "5.5.4", "ENVID is printable ASCII in xtext")
_NOTIFY = reply(501, "5.5.4", "NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY")
_ORCPT = reply(501, "5.5.4", "ORCPT is a type, a semicolon, and an address in xtext")
_WORDS = frozenset({"SUCCESS", "FAILURE", "DELAY"})
_TYPES = frozenset({"rfc822", "utf-8", "x400", "unknown"})
"""The registered address types (RFC3461-4.2-02, RFC 6533)."""
_UNITEXT = re.compile(r"(?:[!-*,-<>-\[\]-~\u0080-\U0010ffff]|\\x\{[0-9A-Fa-f]{2,6}\}|\+[0-9A-F]{2})+").fullmatch


def _ret(session: Session, value: str | None) -> Reply | None:
    return None if value is not None and value.upper() in ("FULL", "HDRS") else _RET  # RFC3461-4.3-01


def _envid(session: Session, value: str | None) -> Reply | None:
    return None if _is_printable(value) else _ENVID  # RFC3461-4.4-01, -02


def _notify(session: Session, value: str | None) -> Reply | None:
    words = (value or "").upper().split(",")  # RFC3461-4.1-01, -03
    if words == ["NEVER"]:
        return None
    return None if _WORDS.issuperset(words) else _NOTIFY  # RFC3461-4.1-02, -04


def _orcpt(session: Session, value: str | None) -> Reply | None:
    kind, semicolon, address = (value or "").partition(";")  # RFC3461-4.2-01
    if not semicolon or kind.lower() not in _TYPES:
        return _ORCPT
    if kind.lower() == "utf-8":  # RFC 6533 section 3; raw octets only where SMTPUTF8 was given
        legal = address.isascii() or "SMTPUTF8" in session.transaction.parameters
        return None if legal and _UNITEXT(address) else _ORCPT
    return None if _is_printable(address) else _ORCPT  # RFC3461-4.2-03, -04


def _is_printable(value: str | None) -> bool:
    """Return whether xtext is there and decodes to printable ASCII."""
    text = xtext.decode(value) if value else None
    return text is not None and text.isascii() and text.isprintable()


EXTENSIONS = [
    Extension(
        "DSN",
        "RFC 3461",
        always("DSN"),
        mail=(
            Parameter("RET", _ret, ("RFC3461-4.3-01",)),
            Parameter("ENVID", _envid, ("RFC3461-4.4-01", "RFC3461-4.4-02")),
        ),
        rcpt=(
            Parameter("NOTIFY", _notify, ("RFC3461-4.1-01", "RFC3461-4.1-02", "RFC3461-4.1-04")),
            Parameter("ORCPT", _orcpt, ("RFC3461-4.2-01", "RFC3461-4.2-04")),
        ),
        longer={"MAIL": 128, "RCPT": 530},  # RFC3461-5.4-01 to -04
        requirement=("RFC3461-2-01",),
    )
]
