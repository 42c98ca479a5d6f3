"""The catalogue of faults: each one breaks the reference server in one way.

A fault is a function from ``Rules`` to ``Rules`` with a name, a title (what the broken server does), the requirements
it breaks, and the products or public advisories in which it was seen. To add one, put it into the file of its area
(or a new file in this folder; all are found by listing it):

    fault(
        "rset-keeps-recipients",
        title="RSET answers 250 and forgets nothing",
        breaks=("RFC5321-4.1.1.5-01",),
    )(lambda rules: stays(rules, State.RCPT, "RSET", 2))

``change`` has the edits that most faults are made of; a filter that names its events, codes or states is played
against few cases, one that names none against all. Faults are combined by applying one after the other.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Literal

from conformance.reference.rules import Rules, strict
from conformance.reference.site import Role

Change = Callable[[Rules], Rules]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break the reference server."""

    name: str
    """Lower case with hyphens; never changes once released."""
    title: str
    """What the broken server does, as a sentence without a full stop."""
    breaks: tuple[str, ...]
    """The requirements that it breaks, by id; empty for a degenerate server."""
    change: Change
    area: str
    """The module that it is in."""
    seen_in: tuple[str, ...] = ()
    """Products and advisories, as far as they are public."""
    also_trips: tuple[str, ...] = ()
    """Case ids (globs) that cite none of ``breaks`` and must trip all the same; it does not prove them."""
    kind: Literal["deviation", "degenerate"] = "deviation"
    """A deviation breaks a requirement; a degenerate server is one that no case may take for a conforming one."""
    roles: tuple[Role, ...] = ("mx", "submission", "lmtp", "relay")
    """The roles of the server in which it shows."""


_CATALOGUE: dict[str, Fault] = {}


def fault(
    name: str,
    *,
    title: str,
    breaks: tuple[str, ...] = (),
    seen_in: tuple[str, ...] = (),
    also_trips: tuple[str, ...] = (),
    kind: Literal["deviation", "degenerate"] = "deviation",
    roles: tuple[Role, ...] = ("mx", "submission", "lmtp", "relay"),
) -> Callable[[Change], Change]:
    """Enter the decorated function into the catalogue as a fault."""

    def enter(change: Change) -> Change:
        if name in _CATALOGUE:
            raise ValueError(f"two faults are called {name}")
        area = change.__module__.rpartition(".")[2]
        _CATALOGUE[name] = Fault(name, title, breaks, change, area, seen_in, also_trips, kind, roles)
        return change

    return enter


def __getattr__(name: str) -> Mapping[str, Fault]:
    """Let ``FAULTS`` be the catalogue; the files are read when it is first asked for."""
    if name == "FAULTS":
        return catalogue()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def catalogue() -> Mapping[str, Fault]:
    """Return all faults by name, in the order of their areas and files."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        import_module(f"{__name__}.{module.name}")
    return dict(sorted(_CATALOGUE.items(), key=lambda item: item[1].area))


def find(name: str) -> Fault:
    """Return the fault with this name; raise LookupError with what was probably meant."""
    known = catalogue()
    if name in known:
        return known[name]
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    raise LookupError(f"there is no fault {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))


@lru_cache(maxsize=4096)
def changed(role: Role, faults: tuple[Fault | str, ...]) -> Rules:
    """Return the rules of a role with these faults, applied in order, as far as they show in the role."""
    rules = strict(role)
    for each in faults:
        found = find(each) if isinstance(each, str) else each
        if role in found.roles:
            rules = found.change(rules)
    return rules
