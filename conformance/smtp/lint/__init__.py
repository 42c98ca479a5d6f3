"""Lints: rules that hold for every reply of every dialogue, so that each case checks far more than its own question.

The parser records, the lints judge. ``LINTS`` is the whole table: ``form`` (lines, codes, octets), ``name`` (the
server's domain), ``ehlo`` (the list of keywords), ``enhanced`` (enhanced status codes). The level of a lint says what a
finding is worth; where the RFC says MUST and practically harmless deviations are common, it is a SHOULD (a warning).
"""

from __future__ import annotations

from functools import lru_cache

from conformance.smtp.lint.ehlo import EHLO
from conformance.smtp.lint.enhanced import ENHANCED
from conformance.smtp.lint.form import FORM
from conformance.smtp.lint.name import NAME
from conformance.smtp.lint.rule import Breach, Context, Lint
from conformance.smtp.reply import Reply

__all__ = ["ALL", "LINTS", "UNSOLICITED", "Breach", "Context", "Lint", "findings"]

LINTS: tuple[Lint, ...] = (*FORM, *NAME, *EHLO, *ENHANCED)

UNSOLICITED = Lint(
    "unsolicited",
    "Every command gets exactly one reply, and none comes unasked",
    ("RFC5321-4.2-01",),
    "MUST",
)
"""Found by the player, which knows what it has asked."""

ALL = (*LINTS, UNSOLICITED)

_CHECKS = tuple(lint for lint in LINTS if lint.check is not None)


@lru_cache(maxsize=256)
def findings(reply: Reply, context: Context) -> tuple[Breach, ...]:
    """Return how the reply breaks each lint that it breaks. Servers repeat themselves: so answers are kept."""
    every = (lint.breach(reply, context) for lint in (LINTS if reply.deviations else _CHECKS))
    return tuple(breach for breach in every if breach is not None)
