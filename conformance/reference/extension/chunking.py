"""CHUNKING and BINARYMIME (RFC 3030): BDAT announces so many octets, which follow it at once.

Whatever is wrong with a BDAT, its octets are read before the reply (RFC3030-2-06), so a refusal by any of the gates
has to start a chunk as well: that is ``Command.refused``. Only where no size can be read nothing can be skipped
(RFC3030-2-15).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.reference.reply import Reply, reply
from conformance.reference.session import Chunk
from conformance.reference.table import Command, State

from . import Extension, always

if TYPE_CHECKING:
    from conformance.reference.session import Session

_ARGUMENT = re.compile(r"([0-9]+)(?: (LAST))?", re.IGNORECASE).fullmatch  # RFC3030-2-14
_SYNTAX = reply(501, "5.5.4", "Syntax: BDAT octets [LAST]")
_NOT_OFFERED = reply(503, "5.5.1", "BDAT needs EHLO")
_TOO_BIG = reply(552, "5.3.4", "Message too big")


def _bdat(session: Session, argument: str) -> Reply | None:
    refusal = None if session.offers("CHUNKING") else _NOT_OFFERED
    found = _ARGUMENT(argument)
    if found and 0 < session.limits.message < len(session.transaction.chunks) + int(found[1]):
        refusal = _TOO_BIG  # RFC3030-2-18, RFC3030-2-23: Python's numbers do not wrap
    return _start(session, argument, refusal)


def _refused(session: Session, argument: str, refusal: Reply) -> Reply | None:
    """Swallow the chunk of a BDAT that a gate refused (RFC3030-2-05, -07, -16)."""
    return _start(session, argument, refusal)


def _start(session: Session, argument: str, refusal: Reply | None) -> Reply | None:
    """Read the chunk, and answer when it is there."""
    found = _ARGUMENT(argument)
    if found is None:
        return _SYNTAX
    session.chunk = Chunk(int(found[1]), found[2] is not None, refusal)
    return None


def _binary(session: Session) -> str | None:
    return "BINARYMIME" if session.rules.extension("CHUNKING") else None  # RFC3030-3-01


EXTENSIONS = [
    Extension(
        "CHUNKING",
        "RFC 3030",
        always("CHUNKING"),
        commands=(
            Command(
                "BDAT",
                "SP chunk-size [ SP LAST ]",
                frozenset({State.RCPT, State.CHUNKS}),
                (250,),
                (450, 451, 452, 503, 530, 550, 552, 554),
                _bdat,
                ("RFC3030-2-03", "RFC3030-2-06", "RFC3030-2-16"),
                order="BDAT needs a recipient first, and none refused before",
                refused=_refused,
            ),
        ),
        requirement=("RFC3030-2-01", "RFC3030-2-02"),
    ),
    Extension("BINARYMIME", "RFC 3030", _binary, longer={"MAIL": 16}, requirement=("RFC3030-3-01", "RFC3030-3-02")),
]
