"""SIZE (RFC 1870): the limit is announced, and a message that declares more is refused at MAIL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.reference.reply import Reply, reply

from . import Extension, Parameter

if TYPE_CHECKING:
    from conformance.reference.session import Session

_DIGITS = re.compile(r"[0-9]{1,20}").fullmatch  # RFC1870-3-04
_SYNTAX = reply(501, "5.5.4", "SIZE needs a number of up to 20 digits")
_TOO_BIG = reply(552, "5.3.4", "Message size exceeds fixed maximum message size")
_FULL = reply(452, "4.3.1", "Insufficient system storage")


def _offer(session: Session) -> str:
    return f"SIZE {session.limits.message}"


def _check(session: Session, value: str | None) -> Reply | None:
    if value is None or not _DIGITS(value):
        return _SYNTAX  # RFC1870-6.1-04
    if 0 < session.limits.message < int(value):
        return _TOO_BIG  # RFC1870-6.1-01, -02
    if int(value) + session.site.store.octets > session.limits.storage:
        return _FULL  # RFC1870-6.1-03
    return None


EXTENSIONS = [
    Extension(
        "SIZE",
        "RFC 1870",
        _offer,
        mail=(Parameter("SIZE", _check, ("RFC1870-6.1-01", "RFC1870-6.1-04")),),
        longer={"MAIL": 26},  # RFC1870-3-05
        requirement=("RFC1870-3-01",),
    )
]
