"""8BITMIME (RFC 6152) and the BODY parameter, which BINARYMIME (RFC 3030) shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.reply import Reply, reply

from . import Extension, Parameter, always

if TYPE_CHECKING:
    from conformance.reference.session import Session

_SYNTAX = reply(501, "5.5.4", "BODY is 7BIT, 8BITMIME or, where it is listed, BINARYMIME")


def _check(session: Session, value: str | None) -> Reply | None:
    body = (value or "").upper()  # RFC6152-2-02: any case
    if body in ("7BIT", "8BITMIME") or (body == "BINARYMIME" and session.offers("BINARYMIME")):
        return None
    return _SYNTAX  # RFC6152-2-03


EXTENSIONS = [
    Extension(
        "8BITMIME",
        "RFC 6152",
        always("8BITMIME"),
        mail=(Parameter("BODY", _check, ("RFC6152-2-02", "RFC6152-2-03", "RFC3030-3-03")),),
        requirement=("RFC6152-2-01",),
    )
]
