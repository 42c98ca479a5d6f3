"""Service extensions (RFC 5321 section 2.2): one file each, found by being named in ``_EXTENSIONS``.

An extension is its keyword, the line it shows in the EHLO reply (if it is offered at that moment), the parameters it
adds to MAIL and RCPT, the commands it adds, and how much longer it makes command lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from conformance.reference.reply import Reply
from conformance.reference.table import Command

if TYPE_CHECKING:
    from conformance.reference.session import Session
    from conformance.reference.site import Role


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of MAIL or RCPT."""

    name: str
    check: Callable[[Session, str | None], Reply | None]
    """Refuse a value (None: no "=" was there), or return None."""
    requirement: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """One service extension."""

    keyword: str
    document: str
    offer: Callable[[Session], str | None]
    """The line in the EHLO reply, None when it is not offered in this session or not now."""
    mail: tuple[Parameter, ...] = ()
    rcpt: tuple[Parameter, ...] = ()
    commands: tuple[Command, ...] = ()
    longer: Mapping[str, int] = field(default_factory=dict)
    """Verb to the octets by which its line may be longer than 512."""
    requirement: tuple[str, ...] = ()


def always(keyword: str) -> Callable[[Session], str | None]:
    """Return the ``offer`` of an extension that is always there and has no parameter."""
    return lambda session: keyword


_EXTENSIONS = (
    "pipelining",
    "size",
    "eightbitmime",
    "enhancedstatuscodes",
    "starttls",
    "auth",
    "smtputf8",
    "chunking",
    "dsn",
    "information",
)


def all_extensions(role: Role) -> tuple[Extension, ...]:
    """Return the extensions of a role, in the order of the EHLO reply."""
    found: list[Extension] = []
    for name in _EXTENSIONS:
        found += import_module(f"{__name__}.{name}").EXTENSIONS
    return tuple(found)
