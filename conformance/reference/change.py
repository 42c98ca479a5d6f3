"""Edits of ``Rules`` that most faults are made of. Each returns new rules; what it does not name stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .actions import Action
from .gate import GATES
from .reply import Reply
from .rules import Rules
from .table import Handler, State

if TYPE_CHECKING:
    from .session import Session

Condition = Callable[["Session", Reply], bool]
ReplyFilter = Callable[["Session", str, Reply], Reply | list[Action]]


def stays(rules: Rules, state: State, event: str, digit: int) -> Rules:
    """Let ``state`` be kept when ``event`` is answered with this first digit."""
    return goes(rules, state, event, digit, state)


def goes(rules: Rules, state: State, event: str, digit: int, to: State) -> Rules:
    """Let ``event``, answered with this first digit in ``state``, lead to another state."""
    return replace(rules, next={**rules.next, (state, event, digit): to})


def allowed(rules: Rules, verb: str, states: Iterable[State]) -> Rules:
    """Let a command be handled in these states too."""
    command = rules.commands[verb]
    return replace(rules, commands={**rules.commands, verb: replace(command, states=command.states | set(states))})


def forbidden(rules: Rules, verb: str, states: Iterable[State]) -> Rules:
    """Let a command be answered with 503 in these states."""
    command = rules.commands[verb]
    return replace(rules, commands={**rules.commands, verb: replace(command, states=command.states - set(states))})


def handled(rules: Rules, verb: str, handler: Handler, **fields: Any) -> Rules:
    """Handle a command in another way, and change other fields of it."""
    command = replace(rules.commands[verb], handler=handler, **fields)
    return replace(rules, commands={**rules.commands, verb: command})


def without_command(rules: Rules, *verbs: str) -> Rules:
    """Know nothing of some commands: they get 500."""
    return replace(rules, commands={verb: c for verb, c in rules.commands.items() if verb not in verbs})


def without_extension(rules: Rules, *keywords: str) -> Rules:
    """Neither list nor know some extensions; their commands stay."""
    return replace(rules, extensions=tuple(e for e in rules.extensions if e.keyword not in keywords))


def without_gate(rules: Rules, *names: str) -> Rules:
    """Leave out some of the questions asked before every command, by the names of ``gate``'s functions."""
    known = {gate.__name__ for gate in GATES}
    assert known.issuperset(names), f"gates are {sorted(known)}"
    return replace(rules, gates=tuple(gate for gate in rules.gates if gate.__name__ not in names))


def limited(rules: Rules, **limits: Any) -> Rules:
    """Change limits."""
    return replace(rules, limits=tuple({**dict(rules.limits), **limits}.items()))


def on_reply(rules: Rules, change: ReplyFilter) -> Rules:
    """Change replies on their way out; the filter gets every reply with the event that it answers."""
    return replace(rules, on_reply=(*rules.on_reply, change))


def answer(rules: Rules, event: str, code: int | None, new: Reply | Callable[[Reply], Reply]) -> Rules:
    """Let another reply answer ``event`` where ``code`` would (None: any code); the state machine sees the old one."""

    def change(session: Session, asked: str, reply: Reply) -> Reply:
        if asked != event or code not in (None, reply.code):
            return reply
        return new if isinstance(new, Reply) else new(reply)

    return on_reply(rules, change)


def raw(rules: Rules, rewrite: Callable[[bytes], bytes], event: str | None = None) -> Rules:
    """Rewrite the octets of each reply, or of the replies to one event."""

    def change(session: Session, asked: str, reply: Reply) -> Reply | list[Action]:
        if event not in (None, asked):
            return reply
        return [rewrite(session.rules.render(reply))]

    return on_reply(rules, change)


def ehlo(rules: Rules, rewrite: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Rules:
    """Rewrite the lines of the EHLO reply; the first one is the domain with its greeting."""
    before = rules.ehlo
    return replace(rules, ehlo=lambda session: rewrite(before(session)))
