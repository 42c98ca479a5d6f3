"""What a lint is: a name, the requirements it stands for, and a function that returns what is wrong, or None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

    @property
    def id(self) -> str:
        """The id of its result."""
        return f"lint/{self.name}"

    def finding(self, reply: Reply, context: Context) -> str | None:
        """Return what is wrong with the reply under this rule, or None."""
        if self.deviations and (found := self.deviations & reply.deviations):
            return "; ".join(DEVIATIONS[name] for name in sorted(found))
        return self.check(reply, context) if self.check is not None else None
