"""What a lint is: a name, the requirements it stands for, and a function that returns what is wrong, or None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from conformance.smtp.reply import DEVIATIONS, Reply


@dataclass(frozen=True, slots=True)
class Context:
    """What a reply answers.

    ``command`` is ``CONNECT``, ``END-OF-DATA``, a verb in upper case, or ``""`` where several commands were sent.
    """

    command: str
    enhanced: bool = False
    """Whether ENHANCEDSTATUSCODES was announced in this session."""
    utf8: bool = False
    """Whether the client has asked for SMTPUTF8."""
    refused: bool = False
    """Whether the greeting was 5yz: then other codes are right (section 3.1, RFC 7504 section 3)."""


@dataclass(frozen=True, slots=True)
class Lint:
    """A rule for every reply. ``deviations`` are the parser's records that break it, ``check`` looks closer."""

    name: str
    title: str
    requirement: tuple[str, ...]
    level: str
    deviations: frozenset[str] = frozenset()
    check: Callable[[Reply, Context], str | None] | None = None
    broken: Callable[[Reply, Context], tuple[str, ...]] | None = None
    """Which of the requirements a reply that breaks the rule has broken, where it can be told."""

    @property
    def id(self) -> str:
        """The id of its result."""
        return f"lint/{self.name}"

    def breach(self, reply: Reply, context: Context) -> Breach | None:
        """Return how the reply breaks this rule, or None."""
        if self.deviations and (found := self.deviations & reply.deviations):
            return Breach(self, "; ".join(DEVIATIONS[name] for name in sorted(found)))
        detail = self.check(reply, context) if self.check is not None else None
        if detail is None:
            return None
        return Breach(self, detail, self.broken(reply, context) if self.broken is not None else ())


class Breach(NamedTuple):
    """What is wrong with a reply under a rule."""

    lint: Lint
    detail: str
    requirement: tuple[str, ...] = ()
    """Those of the rule's requirements that are broken; empty where the rule does not tell them apart."""
