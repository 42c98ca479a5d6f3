"""Which rules a play asked, and which ones a fault changes: where they do not meet, the fault changes nothing.

``Watched`` stands for the rules of the faultless server and notes every field that is asked, every command that is
looked up, every step of the state machine, and every reply that goes out. ``changed_by`` says the same of a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from conformance.reference.change import On
from conformance.reference.faults import Fault, changed
from conformance.reference.reply import Reply
from conformance.reference.rules import Rules, strict
from conformance.reference.session import Session
from conformance.reference.site import Role

FIELDS = frozenset(field.name for field in fields(Rules))
BORDERS = ("on_input", "on_actions", "limits")
"""Fields that every play asks: a session reads its limits when it begins."""
EVERYTHING = "everything"
"""The point that every play meets."""
STORED = "stored"
"""The point that a play meets which stores a message."""


Note = Callable[..., None]


class _Table(dict[Any, Any]):
    """A table that notes what is looked up in it."""

    def __init__(self, name: str, table: Mapping[Any, Any], note: Note) -> None:
        super().__init__(table)
        self._name, self._note = name, note

    def get(self, key: Any, default: Any = None) -> Any:
        """Return a value, and note the key."""
        self._note((self._name, key.upper() if isinstance(key, bytes) else key))
        return super().get(key, default)


class Watched(Rules):
    """The rules of a role, which note in ``points`` what is asked of them."""

    @classmethod
    def of(cls, rules: Rules, noted: Note) -> Watched:
        """Return watched rules that are otherwise the given ones."""
        watched = cls(**{name: getattr(rules, name) for name in FIELDS})

        def note(session: Session, event: str, reply: Reply) -> Reply:
            noted(("reply", event, reply.code), ("reply", event, None))
            return reply

        watched.__dict__.update(
            _points=noted,
            _next=_Table("next", rules.next, noted),
            _verbs=_Table("verb", rules.verbs, noted),
            _note=(note,),
        )
        return watched

    def __getattribute__(self, name: str) -> Any:
        """Return a field, and note it; tables note their keys instead, and the reply filter notes replies."""
        own = object.__getattribute__(self, "__dict__")
        if "_points" not in own or name not in FIELDS | {"verbs"}:
            return object.__getattribute__(self, name)
        if name in ("next", "verbs"):
            return own[f"_{name}"]
        if name == "on_reply":
            return own["_note"]
        own["_points"](name)
        return object.__getattribute__(self, name)


@cache
def changed_by(fault: Fault, role: Role) -> frozenset[Hashable]:
    """Return the points that a fault changes in the rules of a role."""
    before, after = strict(role), changed(role, (fault,))
    points: set[Hashable] = set()
    for name in FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        if old is new or old == new:
            continue
        if name == "commands":
            verbs = {verb for verb in old.keys() | new.keys() if old.get(verb) != new.get(verb)}
            points |= {("verb", verb.encode()) for verb in verbs} | {"commands"}
        elif name == "next":
            points |= {("next", key) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        elif name == "on_reply":
            points |= {_replies(change) for change in new[len(old) :]}
        elif name in BORDERS:
            points.add(EVERYTHING)
        else:
            points.add(STORED if name == "on_store" else name)
    return frozenset(points)


def _replies(change: object) -> Hashable:
    return ("reply", change.event, change.code) if isinstance(change, On) and change.event else EVERYTHING
