"""A tape: what one case made the faultless server do, call by call.

Most faults leave most cases alone. To see that, the case need not be played. Where the fault changes no rule that the
play asked (``footprint``), nothing can differ. Else the calls on its tape are made on the broken server. When every one
gives the same actions, and the same messages are stored, the play would come to the same end: the client is
deterministic. Where only replies of the set-up or to the closing QUIT differ, and these have the same codes and offer
the same, the client does the same too, and only the lints of those replies can differ. That takes a tenth of the time
of playing, and makes every fault x every case quick enough to be a test.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from conformance.reference.actions import Action
from conformance.reference.faults import Fault
from conformance.reference.server import Server
from conformance.reference.session import Session
from conformance.reference.site import Limits, Role, Site, Stored
from conformance.smtp.lint import Context, findings
from conformance.smtp.reply import Reply, ReplyParser
from tests.proof.footprint import EVERYTHING, STORED, Watched, changed_by

DECIDING = frozenset({"STARTTLS", "AUTH", "ENHANCEDSTATUSCODES"})
"""Extensions that decide how a play is set up, and which lints hold."""

MESSAGE_OCTETS = 200_000
"""The largest message in the proof: enough to test the limit, and quick to send often."""
WIRE = frozenset({"keep_clear_octets", "octets_are_patience", "tls"})
"""Rules that the wire asks beside its calls of the server: the calls on a tape don't show them."""


def site_for(role: Role, refuses: int = 0) -> Site:
    """Return a site whose clock stands still, whose dice always fall the same way, and that takes no large messages."""
    dice = itertools.count(1)
    return Site(
        role=role,
        refuses=refuses,
        limits=Limits(message=MESSAGE_OCTETS),
        clock=lambda: 1_767_225_600.0,
        random=lambda octets: next(dice).to_bytes(octets, "big"),
    )


@dataclass(frozen=True, slots=True)
class Call:
    """A call on one of the servers, what it did, and in which phase of the play."""

    server: int
    name: str
    arguments: tuple[Any, ...]
    actions: list[Action]
    phase: str

    @property
    def command(self) -> str:
        """The verb that was sent, ``CONNECT`` for the greeting."""
        if self.name != "receive":
            return "CONNECT" if self.name == "connected" else ""
        words = self.arguments[0].split(None, 1)
        return words[0].decode("latin-1").upper() if words else ""


Key = tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(slots=True)
class Tape:
    """The calls on the servers of one play, and the messages at its end."""

    role: Role
    refuses: int = 0
    """The code with which the site refuses sessions, or 0."""
    keywords: frozenset[str] = frozenset()
    """The extensions on which the way of the play depends."""
    phase: Callable[[], str] = lambda: ""
    whole: bool = False
    """Whether the case judges its set-up too: it starts before the greeting is read."""
    calls: list[Call] = field(default_factory=list)
    rungs: int = 0
    """How many calls at the beginning are the set-up of the first session."""
    servers: int = 0
    stored: tuple[list[Stored], list[Stored]] = field(default_factory=lambda: ([], []))
    early: set[Hashable] = field(default_factory=lambda: {EVERYTHING, "limits"})
    """The rules that were asked in the set-up; limits are read when a session begins."""
    late: set[Hashable] = field(default_factory=lambda: {EVERYTHING, "limits"})
    """The rules that were asked after it."""

    def note(self, *points: Hashable) -> None:
        """Note that rules are asked now."""
        (self.early if self.in_set_up else self.late).update(points)

    @property
    def in_set_up(self) -> bool:
        """Whether the play is still in the set-up of its first session."""
        return self.rungs == len(self.calls) and self.servers <= 1 and self.phase() == "start"

    def finish(self, site: Site) -> None:
        """Note what is stored at the end of the play."""
        self.stored = _messages(site)
        if any(self.stored):
            self.late.add(STORED)

    def with_fault(self, fault: Fault) -> frozenset[str] | None:
        """Return the lints that a play against a server with this fault would break; None: only playing can tell."""
        changes = changed_by(fault, self.role) if self.role in fault.roles else frozenset()
        asked = changes & (self.early | self.late)
        if not asked:
            return frozenset()
        if not asked.isdisjoint(WIRE):
            return None
        if changes.isdisjoint(self.late):
            key = tuple((call.name, call.arguments) for call in self.calls[: self.rungs])
            climbed = _climb(self.role, self.refuses, fault, key)
            if climbed is not None and climbed.state == _climbed(self.role, self.refuses, key).state:
                return self._compared(list(zip(self.calls, climbed.actions, strict=False)))
        site = site_for(self.role, self.refuses)
        servers = [Server(site, (fault,)) for _ in range(self.servers)]
        done: list[tuple[Call, list[Action]]] = []
        for call in self.calls:
            try:
                actions = getattr(servers[call.server], call.name)(*call.arguments)
            except Exception:  # the play will show it
                return None
            if servers[call.server].idle_timeout != site.idle_timeout:
                return None
            if actions != call.actions and not self._may_differ(call, actions):
                return None
            done.append((call, actions))
        return self._compared(done) if _messages(site) == self.stored else None

    def _may_differ(self, call: Call, actions: list[Action]) -> bool:
        if self.whole:
            return False
        if call.phase == "finally" and call.command == "QUIT":
            return len(_replies(_octets(actions))) == 1
        return bool(call.phase) and _means_the_same(actions, call.actions, self.keywords | DECIDING)

    def _compared(self, done: list[tuple[Call, list[Action]]]) -> frozenset[str] | None:
        """Return the lints of the replies that differ; None where one differs that decides."""
        enhanced = [False] * self.servers
        broken: set[str] = set()
        for call, actions in done:
            if call.command in ("EHLO", "LHLO"):
                enhanced[call.server] = "ENHANCEDSTATUSCODES" in _offered(_octets(actions))
            if actions == call.actions:
                continue
            if not self._may_differ(call, actions):
                return None
            context = Context(call.command, enhanced[call.server])
            broken.update(b.lint.id for reply in _replies(_octets(actions)) for b in findings(reply, context))
        return frozenset(broken)


@dataclass(frozen=True, slots=True)
class _Climbed:
    """What a server did in a set-up, and the state in which that left it."""

    actions: tuple[list[Action], ...]
    state: tuple[Any, ...]


@cache
def _climb(role: Role, refuses: int, fault: Fault, key: Key) -> _Climbed | None:
    """Return how a set-up goes on a server with a fault; None where the server breaks down."""
    try:
        return _state_after(Server(site_for(role, refuses), (fault,)), key)
    except Exception:  # the play will show it
        return None


@cache
def _climbed(role: Role, refuses: int, key: Key) -> _Climbed:
    """Return how a set-up goes on the faultless server."""
    return _state_after(Server(site_for(role, refuses)), key)


def _state_after(server: Server, key: Key) -> _Climbed:
    actions = tuple(getattr(server, name)(*arguments) for name, arguments in key)
    session = server.session
    state = [getattr(session, name) for name in Session.__slots__ if name not in ("rules", "site", "out")]
    return _Climbed(actions, (*state, server.buffered, server.idle_timeout, _messages(session.site)))


def _messages(site: Site) -> tuple[list[Stored], list[Stored]]:
    return list(site.store), list(site.outgoing)


def _octets(actions: list[Action]) -> bytes:
    return b"".join(action for action in actions if isinstance(action, bytes))


@lru_cache(maxsize=1024)
def _replies(octets: bytes) -> tuple[Reply, ...]:
    """Return the replies in some octets; an unfinished one makes them none."""
    parser = ReplyParser()
    replies = tuple(parser.feed(octets))
    return () if parser.pending else replies


@lru_cache(maxsize=1024)
def _offered(octets: bytes) -> frozenset[str]:
    """Return the keywords in a positive reply to EHLO."""
    replies = _replies(octets)
    lines = replies[0].texts[1:] if len(replies) == 1 and replies[0].code == 250 else ()
    return frozenset(line.split(None, 1)[0].decode("latin-1").upper() for line in lines if line.strip())


def _means_the_same(actions: list[Action], before: list[Action], keywords: frozenset[str]) -> bool:
    """Return whether a client in its set-up, or at its QUIT, goes on as it did."""
    ours, theirs = _octets(actions), _octets(before)
    replies = _replies(ours)
    return (
        [action for action in actions if not isinstance(action, bytes)]
        == [action for action in before if not isinstance(action, bytes)]
        and bool(replies)
        and [reply.code for reply in replies] == [reply.code for reply in _replies(theirs)]
        and _offered(ours) & keywords == _offered(theirs) & keywords
    )


class TapedServer(Server):
    """A server that notes what is asked of it and what it does."""

    def __init__(self, site: Site, tape: Tape) -> None:
        super().__init__(site)
        self.rules = self.session.rules = Watched.of(self.rules, tape.note)
        self._tape = tape
        self._number = tape.servers
        tape.servers += 1

    def _note(self, name: str, actions: list[Action], *arguments: Any) -> list[Action]:
        tape = self._tape
        climbing = tape.in_set_up
        tape.calls.append(Call(self._number, name, arguments, list(actions), tape.phase()))
        tape.rungs += climbing
        return actions

    def connected(self, peer: str = "127.0.0.1", tls: bool = False, cipher: str = "") -> list[Action]:
        """Greet."""
        return self._note("connected", super().connected(peer, tls, cipher), peer, tls, cipher)

    def receive(self, octets: bytes) -> list[Action]:
        """Take octets."""
        return self._note("receive", super().receive(octets), octets)

    def tls_established(self, cipher: str = "") -> list[Action]:
        """Cross into TLS."""
        return self._note("tls_established", super().tls_established(cipher), cipher)

    def eof(self) -> list[Action]:
        """See the client go."""
        return self._note("eof", super().eof())

    def timeout(self) -> list[Action]:
        """See the client sleep."""
        return self._note("timeout", super().timeout())
