"""Which rules a play asked, and which ones a fault changes: where they do not meet, the fault changes nothing.

``Watched`` stands for the rules of the faultless server and notes every field that is asked, every command that is
looked up, every step of the state machine, every limit that is read, every reply that goes out, and the state in which
octets come in. ``changed_by`` says the same of a fault.

Some rules are functions of octets alone (``PURE``), or of octets and the address grammar. Of these the questions are
noted too, and ``answers_alike`` puts them to a fault's function: where it gives the same answer to each, it might as
well not have been changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from types import SimpleNamespace
from typing import Any

from conformance.reference.change import In, On
from conformance.reference.faults import Fault, changed
from conformance.reference.reply import Reply
from conformance.reference.rules import Rules, strict
from conformance.reference.session import Session
from conformance.reference.site import Limits, Role
from conformance.smtp.address import AddressError

FIELDS = frozenset(field.name for field in fields(Rules))
EVERYTHING = ("reply", None, None)
"""The point that every play meets."""
STORED = "stored"
"""The point that a play meets which stores a message."""
PURE = frozenset({"find_line", "find_end", "split_line", "unstuff", "path"})
"""Functions whose answer depends on what they are asked; ``path`` on the grammar too, and on nothing of the session."""


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


class WatchedLimits:
    """Limits that note which of them are read."""

    def __init__(self, limits: Limits, noted: Note) -> None:
        self._limits, self._noted = limits, noted

    def __getattr__(self, name: str) -> Any:
        """Return a limit, and note it."""
        self._noted(("limit", name))
        return getattr(self._limits, name)


@dataclass(frozen=True, slots=True)
class Question:
    """What a pure function was asked."""

    field: str
    arguments: tuple[Any, ...]

    @classmethod
    def of(cls, field: str, arguments: tuple[Any, ...]) -> Question:
        """Return the question without the session, and with octets that nobody changes."""
        kept = arguments[1:] if field == "path" else arguments
        return cls(field, tuple(bytes(each) if isinstance(each, bytearray) else each for each in kept))

    def put_to(self, rules: Rules) -> object:
        """Return the answer of these rules, or the error that they raise."""
        arguments = self.arguments
        if self.field == "path":
            arguments = (_Grammarian(rules), *arguments)
        elif self.field.startswith("find_"):
            arguments = (bytearray(arguments[0]), *arguments[1:])
        try:
            return getattr(rules, self.field)(*arguments)
        except AddressError as error:
            return str(error)


class _Grammarian:
    """A session that knows nothing but the address grammar: whoever asks it for more fails."""

    __slots__ = ("rules",)

    def __init__(self, rules: Rules) -> None:
        self.rules = SimpleNamespace(grammar=rules.grammar)


_ALIKE: dict[tuple[str, Role], dict[Question, bool]] = {}
_ANSWERS: dict[tuple[Role, Question], object] = {}


def _answer(rules: Rules, role: Role, question: Question) -> object:
    """Return the answer of the faultless rules of a role, which is asked for once."""
    if (role, question) not in _ANSWERS:
        _ANSWERS[role, question] = question.put_to(rules)
    return _ANSWERS[role, question]


def forget_answers() -> None:
    """Forget the answers of faults."""
    _ALIKE.clear()


def answers_alike(fault: Fault, role: Role, questions: Iterable[Question]) -> bool:
    """Whether a fault's rules give the answers of the faultless ones to some questions; False where they break down."""
    before, after = strict(role), changed(role, (fault,))
    known = _ALIKE.setdefault((fault.name, role), {})
    for question in questions:
        alike = known.get(question)
        if alike is None:
            try:
                alike = question.put_to(after) == _answer(before, role, question)
            except Exception:  # the play will show it
                alike = False
            known[question] = alike
        if not alike:
            return False
    return True


class Watched(Rules):
    """The rules of a role, which note in ``points`` what is asked of them."""

    @classmethod
    def of(cls, rules: Rules, noted: Note) -> Watched:
        """Return watched rules that are otherwise the given ones."""
        watched = cls(**{name: getattr(rules, name) for name in FIELDS})

        def note(session: Session, event: str, reply: Reply) -> Reply:
            noted(*(("reply", e, c) for e in (event, None) for c in (reply.code, reply.code // 100, None)))
            return reply

        def input_noted(session: Session, octets: bytes) -> bytes:
            noted(("input", session.state))
            return octets

        watched.__dict__.update(
            _points=noted,
            _next=_Table("next", rules.next, noted),
            _verbs=_Table("verb", rules.verbs, noted),
            _on_reply=(note,),
            _on_input=(input_noted,),
        )
        return watched

    def __getattribute__(self, name: str) -> Any:
        """Return a field, and note it; tables note their keys instead, and the reply filter notes replies."""
        own = object.__getattribute__(self, "__dict__")
        if "_points" not in own or name not in FIELDS | {"verbs"}:
            return object.__getattribute__(self, name)
        if name in ("next", "verbs", "on_reply", "on_input"):
            return own[f"_{name}"]
        own["_points"](name)
        return self._watched(name) if name in PURE else object.__getattribute__(self, name)

    def _watched(self, name: str) -> Callable[..., Any]:
        """Return a pure function that notes what it is asked."""
        function, noted = object.__getattribute__(self, name), self.__dict__["_points"]

        def ask(*arguments: Any) -> Any:
            noted(Question.of(name, arguments))
            return function(*arguments)

        return ask


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
            points |= {point for change in new[len(old) :] for point in _replies(change)}
        elif name == "on_input":
            points |= {point for change in new[len(old) :] for point in _inputs(change)}
        elif name == "on_actions":
            points.add(EVERYTHING)
        elif name == "limits":
            points |= {("limit", limit) for limit, _ in new}
        else:
            points.add(STORED if name == "on_store" else name)
    return frozenset(points)


def _replies(change: object) -> Iterable[Hashable]:
    if not isinstance(change, On):
        return [EVERYTHING]
    return [("reply", event, code) for event in change.events or (None,) for code in change.codes or (None,)]


def _inputs(change: object) -> Iterable[Hashable]:
    return [("input", state) for state in change.states] if isinstance(change, In) and change.states else [EVERYTHING]
