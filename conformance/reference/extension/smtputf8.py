"""SMTPUTF8 (RFC 6531). That it must be given before an address may be non-ASCII is checked where addresses are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.reply import Reply, reply

from . import Extension, Parameter, always

if TYPE_CHECKING:
    from conformance.reference.session import Session

_SYNTAX = reply(501, "5.5.4", "SMTPUTF8 takes no value")


def _check(session: Session, value: str | None) -> Reply | None:
    return None if value is None else _SYNTAX  # RFC6531-3.1-03


EXTENSIONS = [
    Extension(
        "SMTPUTF8",
        "RFC 6531",
        always("SMTPUTF8"),
        mail=(Parameter("SMTPUTF8", _check, ("RFC6531-3.1-03", "RFC6531-3.1-04")),),
        longer={"MAIL": 10, "VRFY": 10, "EXPN": 10},
        requirement=("RFC6531-3.1-01", "RFC6531-3.1-05"),
    )
]
