"""A tape: what one case made the faultless server do, call by call.

Most faults leave most cases alone. To see that, the case need not be played. Where the fault changes no rule that the
play asked (``footprint``), nothing can differ. Else the calls on its tape are made on the broken server. When every one
gives the same actions, and the same messages are stored, the play would come to the same end: the client is
deterministic. Where only replies of the set-up differ, and these have the same codes and offer the same, or what comes
of the closing QUIT, the client does the same too, and only the lints of those replies can differ. Where only the stored
messages differ, what the play said of those that it looked at is said again. That takes a tenth of the time of playing,
and makes every fault x every case quick enough to be a test.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any, cast

from conformance.case.model import Delivered
from conformance.engine.delivery import judge_messages
from conformance.engine.embedded import observer_for
from conformance.engine.outcome import Stop
from conformance.reference.actions import Action, Close
from conformance.reference.faults import Fault
from conformance.reference.server import Server
from conformance.reference.session import Session
from conformance.reference.site import Limits, Role, Site, Stored
from conformance.smtp.lint import Context, findings
from conformance.smtp.reply import Reply, ReplyParser
from tests.proof.footprint import (
    EVERYTHING,
    PURE,
    STORED,
    Question,
    Watched,
    WatchedLimits,
    answers_alike,
    changed_by,
    forget_answers,
)

SETTING_UP = {"STARTTLS": {"STARTTLS"}, "AUTH": {"AUTH", "STARTTLS"}}
"""Extensions that decide how a play is set up which sends these commands."""

MESSAGE_OCTETS = 100_000
"""The largest message in the proof: enough to test the limit, and quick to send often."""
IDLE = "idle_timeout"
"""The rule how long a server waits for its client."""
WIRE = frozenset({"keep_clear_octets", "listens", "octets_are_patience", "tls", IDLE})
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

    @property
    def ends_the_play(self) -> bool:
        """Whether this is the closing QUIT: nothing that comes of it changes the outcome."""
        return self.phase == "finally" and self.command == "QUIT"


Key = tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True, slots=True)
class Look:
    """A look into a mailbox, with what the play knew then, how many messages there were in all, and what it said."""

    step: Delivered
    values: dict[str, bytes]
    stored: int
    judgement: tuple[str, bool]


@dataclass
class Tape:
    """The calls on the servers of one play, and the messages at its end."""

    role: Role
    refuses: int = 0
    """The code with which the site refuses sessions, or 0."""
    keywords: frozenset[str] = frozenset()
    """The extensions on which the way of the play depends; ``SIZE `` stands for the limit that it announces."""
    phase: Callable[[], str] = lambda: ""
    whole: bool = False
    """Whether the case judges its set-up too: it starts before the greeting is read."""
    calls: list[Call] = field(default_factory=list)
    rungs: int = 0
    """How many calls at the beginning are the set-up of the first session."""
    servers: int = 0
    stored: tuple[list[Stored], list[Stored]] = field(default_factory=lambda: ([], []))
    looks: list[Look] = field(default_factory=list)
    begins: dict[int, float] = field(default_factory=dict)
    """When each server was called first, in seconds of the play."""
    longest: float = 0.0
    """The longest time from the first call of a server to its last one, in seconds."""
    early: set[Hashable] = field(default_factory=lambda: {EVERYTHING})
    """The rules that were asked in the set-up."""
    late: set[Hashable] = field(default_factory=lambda: {EVERYTHING})
    """The rules that were asked after it."""
    questions: dict[str, dict[Question, None]] = field(default_factory=dict)
    """What pure functions were asked, by field, in order."""

    def note(self, *points: Hashable) -> None:
        """Note that rules are asked now."""
        if isinstance(points[0], Question):
            self.questions.setdefault(points[0].field, {})[points[0]] = None
        else:
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
        said = {call.command for call in self.calls if call.phase == "start"}
        self.keywords = self.keywords.union(*(SETTING_UP[command] for command in said & SETTING_UP.keys()))

    @cached_property
    def set_up(self) -> tuple[Role, int, Key]:
        """All that the set-up of the first session depends on, but for the server."""
        return self.role, self.refuses, tuple((call.name, call.arguments) for call in self.calls[: self.rungs])

    @property
    def points(self) -> frozenset[Hashable]:
        """All rules that were asked."""
        return frozenset(self.early | self.late)

    def with_fault(self, fault: Fault) -> frozenset[str] | None:
        """Return the lints that a play against a server with this fault would break; None: only playing can tell."""
        changes = changed_by(fault, self.role) if self.role in fault.roles else frozenset()
        asked = {point for point in changes if point in self.early or point in self.late}
        alike: set[Hashable] = {name for name in PURE & asked if answers_alike(fault, self.role, self.questions[name])}
        if IDLE in asked and self._never_idle(fault):
            alike.add(IDLE)
        asked -= alike
        if not asked:
            return frozenset()
        changes -= alike
        if not asked.isdisjoint(WIRE):
            return None
        if changes.isdisjoint(self.late):
            climbed = _climb(self.role, self.refuses, fault, self.set_up[-1])
            if climbed is not None and climbed.state == _climbed(self.role, self.refuses, self.set_up[-1]).state:
                return self._compared(list(zip(self.calls, climbed.actions, strict=False)))
        site = site_for(self.role, self.refuses)
        servers = [Server(site, (fault,)) for _ in range(self.servers)]
        done: list[tuple[Call, list[Action]]] = []
        for call in self.calls:
            try:
                actions = getattr(servers[call.server], call.name)(*call.arguments)
            except Exception:  # the play will show it
                return None
            if actions != call.actions and not self._may_differ(call, actions):
                return None
            done.append((call, actions))
        return self._compared(done) if _messages(site) == self.stored or self._looks_the_same(site) else None

    def _never_idle(self, fault: Fault) -> bool:
        """Whether no session lasts for as long as the server waits, with the fault and without."""
        site = site_for(self.role)
        return self.longest < min(Server(site, (fault,)).idle_timeout, site.idle_timeout)

    def _looks_the_same(self, site: Site) -> bool:
        """Whether the play would say of other messages what it said, with all of them there when it looked."""
        observer, held = observer_for(site), sum(map(len, self.stored))
        if held != sum(map(len, _messages(site))):
            return False
        for look in self.looks:
            recipient = look.step.to.fill(look.values).decode("utf-8", "replace")
            found = observer.find(look.values["token"], recipient)
            try:
                judgement = judge_messages(look.step, look.values, found, site.clock())
            except Stop:  # the play will show it
                return False
            if look.stored != held or judgement != look.judgement:
                return False
        return True

    def _may_differ(self, call: Call, actions: list[Action]) -> bool:
        if self.whole:
            return False
        if call.ends_the_play:
            octets = _octets(actions)
            return all(isinstance(action, bytes | Close) for action in actions) and bool(_replies(octets) or not octets)
        return bool(call.phase) and _means_the_same(actions, call.actions, self.keywords)

    def _compared(self, done: list[tuple[Call, list[Action]]]) -> frozenset[str] | None:
        """Return the lints of the replies that differ; None where one differs that decides."""
        enhanced = [False] * self.servers
        broken: set[str] = set()
        for call, actions in done:
            if call.command in ("EHLO", "LHLO"):
                enhanced[call.server] |= _enhances(actions)
                if _enhances(actions) and not _enhances(call.actions):
                    return None  # more lints hold for the replies that stayed as they were
            if actions == call.actions:
                continue
            if not self._may_differ(call, actions):
                return None
            replies = _replies(_octets(actions))
            if call.ends_the_play:  # the player reads one reply, and takes any but 221 for one to an earlier command
                replies = replies[:1]
            command = call.command if not call.ends_the_play or (replies and replies[0].code == 221) else ""
            context = Context(command, enhanced[call.server])
            broken.update(b.lint.id for reply in replies for b in findings(reply, context))
        return frozenset(broken)


@dataclass(frozen=True, slots=True)
class _Climbed:
    """What a server did in a set-up, and the state in which that left it."""

    actions: tuple[list[Action], ...]
    state: tuple[Any, ...]


def forget() -> None:
    """Forget what is known of faults: nothing of one helps with another."""
    _climb.cache_clear()
    forget_answers()


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
    """Return the keywords in a positive reply to EHLO, each alone and with each of its parameters."""
    replies = _replies(octets)
    lines = replies[0].texts[1:] if len(replies) == 1 and replies[0].code == 250 else ()
    found = set()
    for line in lines:
        keyword, *parameters = line.decode("latin-1").upper().split() or [""]
        found |= {keyword, *(f"{keyword} {parameter}" for parameter in parameters)}
        found |= {f"SIZE  {line!r}"} if keyword == "SIZE" else set()
    return frozenset(found)


def _enhances(actions: list[Action]) -> bool:
    return "ENHANCEDSTATUSCODES" in _offered(_octets(actions))


def _decisive(octets: bytes, keywords: frozenset[str]) -> frozenset[str]:
    """Return what is offered of some keywords; of ``SIZE `` all that is said of it."""
    return frozenset(o for o in _offered(octets) if o in keywords or ("SIZE " in keywords and o.startswith("SIZE ")))


def _means_the_same(actions: list[Action], before: list[Action], keywords: frozenset[str]) -> bool:
    """Return whether a client in its set-up, or at its QUIT, goes on as it did."""
    ours, theirs = _octets(actions), _octets(before)
    replies = _replies(ours)
    return (
        [action for action in actions if not isinstance(action, bytes)]
        == [action for action in before if not isinstance(action, bytes)]
        and bool(replies)
        and [reply.code for reply in replies] == [reply.code for reply in _replies(theirs)]
        and _decisive(ours, keywords) == _decisive(theirs, keywords)
    )


class TapedServer(Server):
    """A server that notes what is asked of it and what it does."""

    def __init__(self, site: Site, tape: Tape) -> None:
        super().__init__(site)
        self.rules = self.session.rules = Watched.of(self.rules, tape.note)
        self.session.limits = cast(Limits, WatchedLimits(self.session.limits, tape.note))
        self._tape = tape
        self._number = tape.servers
        tape.servers += 1

    def _note(self, name: str, actions: list[Action], *arguments: Any) -> list[Action]:
        tape = self._tape
        climbing, now = tape.in_set_up, asyncio.get_running_loop().time()
        tape.longest = max(tape.longest, now - tape.begins.setdefault(self._number, now))
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
