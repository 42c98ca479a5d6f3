"""Faults of limits: what one client can ask for without end, and what stops the service for all others."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.actions import Action, Close, Reset
from conformance.reference.change import limited, on_actions, on_input, on_reply
from conformance.reference.faults import fault
from conformance.reference.reply import Reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Site
from conformance.reference.table import State

NEVER = 1_000_000_000

fault(
    "idle-commands-without-limit",
    title="A session of NOOP, RSET or EHLO never ends",
    breaks=("SEC-LIMIT-COMMANDS",),
    seen_in=("aiosmtpd without command_call_limit",),
)(lambda rules: limited(rules, idle_commands=NEVER))

fault(
    "mistakes-without-limit",
    title="A session of mistakes never ends",
    breaks=("SEC-LIMIT-ERRORS", "SEC-LIMIT-HARVEST"),
)(lambda rules: limited(rules, errors=NEVER))

fault(
    "recipients-without-limit",
    title="A transaction takes any number of recipients",
    breaks=("SEC-LIMIT-RECIPIENTS", "RFC5321-4.5.3.1.10-02"),
)(lambda rules: limited(rules, recipients=NEVER))

fault(
    "command-line-without-limit",
    title="A command line without an end is read for ever",
    breaks=("SEC-LIMIT-LINE",),
    seen_in=("smtp-server 3.18.2 (npm), which kept it",),
)(lambda rules: limited(rules, endless_line=NEVER))

fault(
    "octets-put-the-timeout-off",
    title="Each octet of a command begins the timeout anew",
    breaks=("SEC-LIMIT-SLOW",),
)(lambda rules: replace(rules, octets_are_patience=True))


def _mute(session: Session, event: str, reply: Reply) -> Reply | list[Action]:
    """Greet nobody once the server has stopped."""
    return [] if session.site.memory.get("stopped") else reply


def _stops(rules: Rules, many: int, *, lines: bool) -> Rules:
    """Let the whole server stop at so many octets of one line, or at so many lines, from one client."""

    def change(session: Session, octets: bytes) -> bytes:
        ends = octets.count(b"\n")
        found = ends if lines else (0 if ends > 20 else len(octets))
        if found >= many:
            session.site.memory["stopped"] = True
        return octets

    return on_reply(on_input(rules, change), _mute, "GREETING")


fault(
    "endless-line-stops-the-server",
    title="A line of 256 KiB stops the whole server",
    breaks=("SEC-LIMIT-SURVIVES", "RFC5321-4.5.3.1-05"),
)(lambda rules: _stops(rules, 262_144, lines=False))

fault(
    "flood-stops-the-server",
    title="Thousands of lines in one write stop the whole server",
    breaks=("SEC-LIMIT-SURVIVES", "SEC-STARTTLS-FLOOD", "RFC5321-4.5.3.1-05"),
)(lambda rules: _stops(rules, 4_500, lines=True))


@fault(
    "flood-ends-the-server",
    title="Thousands of lines in one write end the whole server, with the sessions that were not greeted yet",
    breaks=("SEC-LIMIT-SURVIVES", "SEC-STARTTLS-FLOOD", "RFC5321-4.5.3.1-05"),
)
def _ends(rules: Rules) -> Rules:
    def end(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if not session.site.memory.get("stopped"):
            return given
        session.site.memory["ended"] = True
        session.state = State.CLOSED
        return [Close()]

    rules = replace(_stops(rules, 4_500, lines=True), on_reply=rules.on_reply)
    return replace(on_reply(rules, end, "GREETING"), listens=lambda site: not site.memory.get("ended"))


fault(
    "sessions-without-limit",
    title="A client gets as many sessions as it likes",
    breaks=("SEC-LIMIT-SESSIONS",),
)(lambda rules: limited(rules, sessions=NEVER))


@fault(
    "crowd-stops-the-server",
    title="The fortieth session that is open at once stops the whole server",
    breaks=("SEC-LIMIT-SURVIVES",),
)
def _crowd(rules: Rules) -> Rules:
    def greet(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if len(session.site.open) >= 40:
            session.site.memory["stopped"] = True
        return _mute(session, event, given)

    return on_reply(rules, greet, ("GREETING", "SHUTDOWN"))


@fault(
    "one-session-at-a-time",
    title="A client is greeted when the session before it has ended",
    breaks=("SEC-LIMIT-OTHERS", "SEC-LIMIT-SURVIVES", "RFC5321-4.5.3.1-05"),
    also_trips=("security/starttls/flood",),
    seen_in=("servers written as a loop around accept()",),
)
def _one(rules: Rules) -> Rules:
    def greet(session: Session, event: str, reply: Reply) -> Reply | list[Action]:
        if session.site.memory.setdefault("busy", session) is session:
            return reply
        return []

    def free(session: Session) -> None:
        if session.site.memory.get("busy") is session:
            del session.site.memory["busy"]

    def act(session: Session, actions: list[Action]) -> list[Action]:
        if session.state is State.CLOSED or any(isinstance(action, Close | Reset) for action in actions):
            free(session)
        return actions

    return on_actions(on_reply(rules, greet, "GREETING"), act)


fault(
    "no-idle-command",
    title="The second idle command and the second mistake end the session",
    breaks=("SEC-LIMIT-OVERBLOCK", "RFC5321-3.8-01"),
    also_trips=(
        "rfc3030-chunking/2-bdat/group-behind-refused-recipient",
        "rfc4954-auth/4-auth-command/two-failures-are-no-end",
        "rfc5321/4.1.1.5-rset/ends-no-connection",
    ),
)(lambda rules: limited(rules, errors=1, idle_commands=3))


def _first(site: Site) -> bool:
    taken, site.memory["taken"] = site.memory.get("taken", False), True
    return not taken


fault(
    "listens-once",
    title="The server takes one connection, and none after it",
    breaks=(
        "SEC-LIMIT-SURVIVES",
        "SEC-LIMIT-OTHERS",
        "SEC-STARTTLS-FLOOD",
        "RFC5321-4.5.3.1-05",
        "RFC5321-4.1.1.10-05",
    ),
)(lambda rules: replace(rules, listens=_first))


@fault(
    "greets-once",
    title="The server greets its first client, and nobody any more",
    breaks=(
        "SEC-LIMIT-SURVIVES",
        "SEC-LIMIT-OTHERS",
        "SEC-STARTTLS-FLOOD",
        "RFC5321-4.5.3.1-05",
        "RFC5321-4.1.1.10-05",
    ),
)
def _once(rules: Rules) -> Rules:
    def greet(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        greeted, session.site.memory["greeted"] = session.site.memory.get("greeted"), True
        return [] if greeted else given

    return on_reply(rules, greet, "GREETING")


fault(
    "two-mistakes-end-the-session",
    title="After two mistakes the connection is closed",
    breaks=("SEC-LIMIT-OVERBLOCK", "RFC5321-3.8-01"),
    # Two refusals, and something behind them.
    also_trips=(
        "rfc2920-pipelining/3-command-groups/no-flush-after-error",
        "rfc3030-chunking/2-bdat/*refused-recipient",
        "rfc4954-auth/4-auth-command/two-failures-are-no-end",
        "rfc5321/4.1.1.6-vrfy-expn/no-effect-on-the-transaction*",
    ),
)(lambda rules: on_reply(rules, _two, code=5))


def _two(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    if session.errors != 2:
        return given
    session.state = State.CLOSED
    return [session.rules.render(given), Close()]


@fault(
    "crowd-stops-every-session",
    title="From the fortieth session that is open at once NOOP is not answered",
    breaks=("SEC-LIMIT-SURVIVES",),
)
def _stopping(rules: Rules) -> Rules:
    return on_reply(rules, lambda s, event, given: [] if len(s.site.open) >= 40 else given, "NOOP")
