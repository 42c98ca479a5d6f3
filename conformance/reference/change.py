"""Edits of ``Rules`` that most faults are made of. Each returns new rules; what it does not name stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .actions import Action, Close
from .extension import Parameter
from .gate import GATES
from .reply import Reply
from .rules import Find, Rules
from .site import Stored
from .table import Handler, State

if TYPE_CHECKING:
    from .session import Session

Condition = Callable[["Session", Reply], bool]
ReplyFilter = Callable[["Session", str, Reply], Reply | list[Action]]
InputFilter = Callable[["Session", bytes], bytes]


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


def arguments(rules: Rules, rewrite: Callable[[str], str], *verbs: str) -> Rules:
    """Rewrite the arguments of MAIL and RCPT (or of one of them) before they are looked at."""
    for verb in verbs or ("MAIL", "RCPT"):
        rules = handled(rules, verb, _rewriting(rules.commands[verb].handler, rewrite))
    return rules


def _rewriting(handler: Handler, rewrite: Callable[[str], str]) -> Handler:
    return lambda session, argument: handler(session, rewrite(argument))


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


def grammar(rules: Rules, **productions: Any) -> Rules:
    """Change productions of the address grammar."""
    return replace(rules, grammar=replace(rules.grammar, **productions))


def extension(rules: Rules, keyword: str, **fields: Any) -> Rules:
    """Change fields of an extension."""
    changed = tuple(replace(e, **fields) if e.keyword == keyword else e for e in rules.extensions)
    return replace(rules, extensions=changed)


def listed(rules: Rules, keyword: str, line: str | None) -> Rules:
    """Show another line for an extension in the EHLO reply, or None; it works as before."""
    return ehlo(rules, lambda lines: tuple(_other(lines, keyword, line)))


def _other(lines: tuple[str, ...], keyword: str, line: str | None) -> Iterable[str]:
    for each in lines:
        if each.partition(" ")[0] != keyword:
            yield each
        elif line is not None:
            yield line


def parameter(rules: Rules, name: str, check: Callable[[Session, str | None], Reply | None]) -> Rules:
    """Check the value of a parameter of MAIL or RCPT in another way."""

    def changed(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        return tuple(replace(p, check=check) if p.name == name else p for p in parameters)

    extensions = tuple(replace(e, mail=changed(e.mail), rcpt=changed(e.rcpt)) for e in rules.extensions)
    return replace(rules, extensions=extensions)


def anything(session: Session, value: str | None) -> Reply | None:
    """Take any value of a parameter."""
    return None


@dataclass(frozen=True, slots=True)
class On:
    """A reply filter for the replies to some events, with some codes; a digit stands for all codes that it begins."""

    events: tuple[str, ...]
    """None are any."""
    codes: tuple[int, ...]
    """None are any."""
    change: ReplyFilter

    def __call__(self, session: Session, event: str, reply: Reply) -> Reply | list[Action]:
        """Return the reply as it was, or changed where it is meant."""
        if self.events and event not in self.events:
            return reply
        if self.codes and reply.code not in self.codes and reply.code // 100 not in self.codes:
            return reply
        return self.change(session, event, reply)


def on_reply(
    rules: Rules, change: ReplyFilter, event: str | tuple[str, ...] = (), code: int | tuple[int, ...] | None = None
) -> Rules:
    """Change replies on their way out: all, or those to some events and with some codes (a digit: all it begins).

    The state machine sees the reply as it was.
    """
    events = (event,) if isinstance(event, str) else event
    codes = (code,) if isinstance(code, int) else code or ()
    return replace(rules, on_reply=(*rules.on_reply, On(events, codes, change)))


def answer(rules: Rules, event: str, code: int | None, new: Reply | Callable[[Reply], Reply]) -> Rules:
    """Let another reply answer ``event`` where ``code`` would (None: any code)."""
    return on_reply(rules, lambda session, asked, reply: new if isinstance(new, Reply) else new(reply), event, code)


def raw(rules: Rules, rewrite: Callable[[bytes], bytes], event: str | tuple[str, ...] = ()) -> Rules:
    """Rewrite the octets of each reply, or of the replies to one event."""
    return on_reply(rules, lambda session, asked, reply: [rewrite(session.rules.render(reply))], event)


def text(rules: Rules, event: str, code: int, *lines: str) -> Rules:
    """Change the text of a reply."""
    return answer(rules, event, code, lambda reply: reply._replace(lines=lines))


def closing(rules: Rules, event: str, code: int | None = None, *, silent: bool = False) -> Rules:
    """Close the connection after a reply to ``event``, or instead of it."""

    def change(session: Session, asked: str, reply: Reply) -> list[Action]:
        session.state = State.CLOSED
        return [Close()] if silent else [session.rules.render(reply), Close()]

    return on_reply(rules, change, event, code)


def ehlo(rules: Rules, rewrite: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Rules:
    """Rewrite the lines of the EHLO reply; the first one is the domain with its greeting."""
    before = rules.ehlo
    return replace(rules, ehlo=lambda session: rewrite(before(session)))


@dataclass(frozen=True, slots=True)
class In:
    """An input filter for sessions in some states."""

    states: tuple[State, ...]
    """None are any."""
    change: InputFilter

    def __call__(self, session: Session, octets: bytes) -> bytes:
        """Return the octets as they came, or changed where the session is in one of the states."""
        return self.change(session, octets) if not self.states or session.state in self.states else octets


def on_input(rules: Rules, change: InputFilter, *states: State) -> Rules:
    """Change what comes in, in every state or in some."""
    return replace(rules, on_input=(*rules.on_input, In(states, change)))


def on_actions(rules: Rules, change: Callable[[Session, list[Action]], list[Action]]) -> Rules:
    """Change what the shell is told to do."""
    return replace(rules, on_actions=(*rules.on_actions, change))


def on_store(rules: Rules, change: Callable[[Session, Stored], Stored | None]) -> Rules:
    """Change messages on their way into the store, or lose them (None)."""
    return replace(rules, on_store=(*rules.on_store, change))


def stored(rules: Rules, rewrite: Callable[[bytes], bytes]) -> Rules:
    """Change the octets of each message in the store, trace fields included."""
    return on_store(rules, lambda session, message: replace(message, octets=rewrite(message.octets)))


def message(rules: Rules, rewrite: Callable[[bytes], bytes]) -> Rules:
    """Change each message after transparency was undone, before anything is checked or added."""
    before = rules.unstuff
    return replace(rules, unstuff=lambda octets: rewrite(before(octets)))


def checked(rules: Rules, check: Callable[[Session, bytes], Reply | None]) -> Rules:
    """Ask one more question of each message."""
    return replace(rules, checks=(check, *rules.checks))


def without_check(rules: Rules, *names: str) -> Rules:
    """Leave out some of the questions asked of each message, by the names of ``delivery``'s functions."""
    return replace(rules, checks=tuple(check for check in rules.checks if check.__name__ not in names))


def lines_end(rules: Rules, pattern: bytes) -> Rules:
    """Let everything that matches a regular expression end a command line."""
    return replace(rules, find_line=_finder(re.compile(pattern)))


def data_ends(rules: Rules, pattern: bytes) -> Rules:
    """Let everything that matches end mail data too; its group 1 is what still belongs to the message."""
    return replace(rules, find_end=_finder(re.compile(rb"(?:(\r\n)\.\r\n)|" + pattern)))


def _finder(pattern: re.Pattern[bytes]) -> Find:
    def find(octets: bytearray, start: int) -> tuple[int, int] | None:
        found = pattern.search(octets, max(0, start - 8))
        if found is None:
            return None
        groups = [number for number in range(1, pattern.groups + 1) if found[number] is not None]
        return (found.end(groups[0]) if groups else found.start()), found.end()

    return find
