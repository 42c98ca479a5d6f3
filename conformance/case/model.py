"""A case as immutable data: what the loader makes of YAML and the engine plays.

One ``Case`` is one result: the rows of a table are cases of their own, with their values in ``variables``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from conformance.case.octets import Octets, Variable
from conformance.case.pattern import Pattern
from conformance.target import ADDRESSES

GO = "go"
LEAVE = "leave"
"""Go on behind the ``repeat`` that the step is in."""
NEXT = "next"
"""Go on with the next round of that ``repeat``."""
VERDICT_WORDS = (GO, LEAVE, NEXT, "pass", "warn", "fail", "info", "n/a", "inconclusive")
ONWARD = (GO, LEAVE, NEXT)
"""Verdicts that leave the decision to a later step."""
JUDGING = ("pass", "warn", "fail", "info")
"""The verdicts that say something of the server."""
GOOD = (*ONWARD, "pass", "info")
"""Verdicts of alternatives that are no deviation."""

START_LADDER = ("tcp", "connect", "greeting", "ehlo", "tls", "secure", "auth", "ready", "mail", "rcpt", "data")
"""The states in which a case can start.

``tcp``: connected, without the TLS that comes first; for targets with implicit TLS only.
``secure``: in TLS where that can be had, as a login needs it. ``ready``: MAIL may follow, which on a submission server
takes TLS and AUTH.
"""

IMPACTS = ("session", "mail", "relay", "load", "crash")
"""What playing a case does to the target, from least to most; ``session``: no message is accepted."""

ROLES = ("mx", "submission", "relay", "lmtp")
SMTP_ROLES = ("mx", "submission", "relay")

SHARING_STARTS = ("ehlo", "ready", "mail", "rcpt")
"""The states in which a case can start that shares its session."""

SEVERITIES = ("low", "medium", "high", "critical")

ADDRESS_VARIABLES = ADDRESSES
"""Addresses of the target file; each also gives ``$x_local``, ``$x_domain`` and both in upper case."""

TARGET_VARIABLES = (*ADDRESS_VARIABLES, "user", "password")
ADDRESS_PARTS = tuple(f"{name}_{part}" for name in ADDRESS_VARIABLES for part in ("local", "domain"))
RUN_VARIABLES = (
    "client",
    "host",
    "port",
    "server",
    "address",
    "address_literal",
    "source_address",
    "token",
    "header",
    "message",
    "case",
    "date",
    "size_limit",
)
VARIABLES = (
    *RUN_VARIABLES,
    *TARGET_VARIABLES,
    *ADDRESS_PARTS,
    *(f"{name}_upper" for name in ADDRESS_PARTS),
)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One line of an ``S:`` mapping: if the pattern matches, this verdict, for this reason."""

    pattern: Pattern
    verdict: str
    reason: Octets


@dataclass(frozen=True, slots=True)
class Send:
    """Octets to send, each piece in a segment of its own, ``every`` seconds apart."""

    session: int
    pieces: tuple[Octets, ...]
    chop: int | Variable = 0
    every: float = 0.0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Expect:
    """What the server answers: a premise (one alternative that goes on) or a judgement."""

    session: int
    alternatives: tuple[Alternative, ...]
    premise: bool
    line: int = 0

    @property
    def judges(self) -> bool:
        """Whether the server is asked something here: an answer passes or fails, or each one named goes on.

        Where the answers that are named go on or tell nothing, what matches none tells nothing either.
        """
        verdicts = {alternative.verdict for alternative in self.alternatives}
        return not self.premise and (not verdicts.isdisjoint(JUDGING) or verdicts.issubset(ONWARD))

    @property
    def silence(self) -> float | None:
        """How long to wait before silence is what happened, in seconds, or None."""
        waits = [a.pattern.silence for a in self.alternatives if a.pattern.silence is not None]
        return max(waits) if waits else None

    def __str__(self) -> str:
        return wanted(self.alternatives)


def wanted(alternatives: tuple[Alternative, ...]) -> str:
    """Return in words what is asked of the server: the patterns that are no deviation, or those that are one."""
    good = [a.pattern.source for a in alternatives if a.verdict in GOOD]
    if good:
        last = max(index for index, a in enumerate(alternatives) if a.verdict in GOOD)
        but = [a.pattern.source for a in alternatives[:last] if a.verdict not in GOOD]
        return " or ".join(good) + (f", but not {' or '.join(but)}" if but else "")
    return f"anything but {' or '.join(a.pattern.source for a in alternatives)}" if alternatives else "established"


@dataclass(frozen=True, slots=True)
class Tls:
    """A TLS handshake; ``alternatives`` judge it, or it must succeed."""

    session: int
    alternatives: tuple[Alternative, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    verify: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """A look at the certificate that the server showed in the handshake; what is wrong with it decides.

    The patterns are words of ``CERTIFICATE_FACTS``, or ``any``.
    """

    session: int
    alternatives: tuple[Alternative, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause, in seconds."""

    seconds: float
    line: int = 0


@dataclass(frozen=True, slots=True)
class Hangup:
    """The client ends the connection: ``close`` (FIN), ``reset`` (RST)."""

    session: int
    how: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class HeaderField:
    """What a header field of the delivered message must be: present (and match), or absent."""

    name: str
    present: bool
    regex: str | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What must be found in the recipient's mailbox: so many messages with this play's token, and what is in them."""

    to: Octets
    count: int = 1
    """How many messages, at most."""
    least: int | None = None
    """How many at least, where that is another number: ``count: 0..1``."""
    within: float = 10.0
    body: Octets | None = None
    contains: tuple[Octets, ...] = ()
    lacks: tuple[Octets, ...] = ()
    header: tuple[HeaderField, ...] = ()
    matches: tuple[Octets, ...] = ()
    """Regular expressions, each found in the whole message (line ends as ``\\n``)."""
    trace: tuple[Octets, ...] = ()
    """Regular expressions, each found in the fields above ``$header``, unfolded: what was put on top of the message."""
    dated: float | None = None
    """How far, in seconds, the dates of the Received fields among them may be from now."""
    crlf: bool = False
    """Whether the message must hold no CR and no LF outside of CRLF; only an observer of the wire can tell."""
    sender: Octets | None = None
    recipient: Octets | None = None
    """What has to stand between the angle brackets of RCPT at the next hop, octet for octet."""
    parameters: tuple[Octets, ...] = ()
    """Regular expressions, each found in two lines: MAIL and RCPT with the parameters that the next hop gets."""
    commands: tuple[Octets, ...] = ()
    """Regular expressions, each found in the lines that the next hop gets before the message, from EHLO on."""
    otherwise: str | None = None
    reason: Octets | None = None
    met: str | None = None
    """The verdict where it is met and the dialogue does not go on."""
    met_reason: Octets | None = None
    line: int = 0

    @property
    def counts(self) -> tuple[int, int]:
        """How many messages it wants: at least, at most."""
        return self.count if self.least is None else self.least, self.count


@dataclass(frozen=True, slots=True)
class Repeat:
    """Some steps played several times in a row, in one session.

    ``$count`` says the how-manieth time it is, from 1; with ``values`` there is one time for each, and the variable
    ``name`` holds it.
    """

    times: int
    steps: tuple[Step, ...]
    name: str = ""
    values: tuple[Octets, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Compare:
    """Whether two kinds of exchange take the same time: so many samples of each, in an order drawn at random.

    The time of a sample is that from its first command to its last reply. The patterns of ``alternatives`` are words
    of ``COMPARISONS``.
    """

    names: tuple[str, str]
    exchanges: tuple[tuple[Step, ...], tuple[Step, ...]]
    samples: int
    error: float
    """How often, at most, a difference may be found where there is none."""
    least: float
    """Smaller differences of the medians are none, in seconds."""
    alternatives: tuple[Alternative, ...]
    renew: int = 0
    """After how many samples the session is left for a new one; 0: never."""
    line: int = 0

    @property
    def renewals(self) -> int:
        """How often the session is left for a new one."""
        return (2 * self.samples - 1) // self.renew if self.renew else 0


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many sessions more are opened at once, greeted or not, and stay; with 0 they all hang up."""

    sessions: int
    line: int = 0


COMPARISONS = ("differ", "alike")

OfSession: TypeAlias = Send | Expect | Tls | Certificate | Hangup
"""Steps in one of the sessions."""

Step: TypeAlias = "OfSession | Wait | Delivered | Repeat | Compare | Crowd"


def goes_on(step: Step) -> bool:
    """Return whether what stands behind a step can be reached."""
    if isinstance(step, Delivered):
        return GO in (step.met or GO, step.otherwise)
    if isinstance(step, Expect) or (isinstance(step, Tls) and step.alternatives):
        return any(alternative.verdict == GO for alternative in step.alternatives)
    return True


def flat(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield steps, with those of each ``repeat`` once, and those of a ``compare`` before it."""
    for step in steps:
        if isinstance(step, Repeat):
            yield from flat(step.steps)
            continue
        if isinstance(step, Compare):
            for exchange in step.exchanges:
                yield from flat(exchange)
        yield step


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be so for the case to apply (``ehlo``, ``role``, ``greeting``) or to be playable (``target``)."""

    ehlo: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    role: tuple[str, ...] = SMTP_ROLES
    clear_text: bool = False
    """Whether the session has to begin in clear text."""
    loopback: bool = False
    """Whether it is for targets on this machine only: a password is sent in clear text, where nobody else reads it."""
    greeting: int = 0
    """The code with which the server refuses every session, 0 for a server that gives service."""


@dataclass(frozen=True)
class Case:
    """One test, ready to be played."""

    id: str
    title: str
    requirement: tuple[str, ...]
    level: str
    spec: str
    dialogue: tuple[Step, ...]
    start: str = "ehlo"
    start2: str = "ehlo"
    needs: Needs = field(default_factory=Needs)
    impact: str = "session"
    variables: Mapping[str, Octets] = field(default_factory=dict)
    control: bool = False
    after: tuple[str, ...] = ()
    finally_: tuple[Step, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    meaning: str = ""
    """What it means for the owner of the server when the case fails: shown beside the finding."""
    severity: str | None = None
    cwe: tuple[str, ...] = ()
    cve: tuple[str, ...] = ()
    remedy: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    shared: bool = False
    """Whether it may be played in a session with others like it: it leaves that as it found it, but for a RSET."""
    file: str = ""
    line: int = 0
    hash: str = ""

    @property
    def base_id(self) -> str:
        """The id without the row."""
        return self.id.partition("[")[0]

    @property
    def row(self) -> str | None:
        """The name of the row of the table, or None."""
        name = self.id.partition("[")[2]
        return name[:-1] if name else None

    def steps(self) -> Iterator[Step]:
        """Yield every step, those of ``finally`` too, and those of each ``repeat`` once."""
        yield from flat(self.dialogue)
        yield from flat(self.finally_)

    @cached_property
    def uses(self) -> frozenset[str]:
        """The names of the variables that it uses: in its steps, in its reasons, in the values of its row."""
        names = used_variables((*self.dialogue, *self.finally_))
        for step in self.steps():
            if isinstance(step, Expect | Tls | Certificate | Compare):
                names.update(*(alternative.reason.variables() for alternative in step.alternatives))
        return frozenset(names.union(*(value.variables() for value in self.variables.values())))

    @property
    def sessions(self) -> tuple[int, ...]:
        """The numbers of the sessions it opens."""
        return tuple(sorted({1} | {step.session for step in self.steps() if isinstance(step, OfSession)}))

    @property
    def shares(self) -> str:
        """The state in which it takes over a session, and leaves it: ``ehlo`` or ``ready``; nothing for its own one."""
        return ("ehlo" if self.start == "ehlo" else "ready") if self.shared else ""

    @property
    def connections(self) -> int:
        """How many connections a play makes at most."""
        steps = [step for step in self.steps() if isinstance(step, Compare | Crowd)]
        return len(self.sessions) + sum(s.renewals if isinstance(s, Compare) else s.sessions for s in steps)

    @property
    def waiting(self) -> float:
        """How long it waits by design (silence, pauses, slow sending), in seconds."""
        return sum(_waiting(step) for step in (*self.dialogue, *self.finally_))


def _waiting(step: Step) -> float:
    if isinstance(step, Wait):
        return step.seconds
    if isinstance(step, Expect):
        return step.silence or 0.0
    if isinstance(step, Delivered):
        return step.within if step.counts[0] == 0 else 0.1
    if isinstance(step, Send):
        return step.every * len(step.pieces)
    if isinstance(step, Repeat):
        return step.times * sum(_waiting(inner) for inner in step.steps)
    if isinstance(step, Compare):
        return step.samples * sum(_waiting(inner) for exchange in step.exchanges for inner in exchange)
    return 0.0


def used_variables(steps: Iterable[Step]) -> set[str]:
    """Return the names of the variables that some steps need to be played (reasons not counted)."""
    names: set[str] = set()
    for step in steps:
        if isinstance(step, Repeat):
            names |= used_variables(step.steps)
            for value in step.values:
                names.update(value.variables())
        elif isinstance(step, Compare):
            for exchange in step.exchanges:
                names |= used_variables(exchange)
        elif isinstance(step, Send):
            for piece in step.pieces:
                names.update(piece.variables())
        elif isinstance(step, Delivered):
            read = (*step.contains, *step.lacks, *step.matches, *step.trace, *step.parameters, *step.commands)
            for octets in (step.to, step.body, step.sender, step.recipient, *read):
                if octets is not None:
                    names.update(octets.variables())
    return names
