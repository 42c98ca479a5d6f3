"""Degenerate servers: they break no single requirement, and no case may take that for conformance or for a fault.

Some answer everything alike, so that a case which only waits for a refusal (or for an acceptance) would pass for the
wrong reason. The others conform, and only their timing, their segments or their verbosity are unusual.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.actions import Action, Close, Wait
from conformance.reference.change import on_actions, on_reply, without_gate
from conformance.reference.faults import fault
from conformance.reference.gate import GATES
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.reference.table import Command, State
from conformance.smtp.address import AddressError, Path

SLOW_SECONDS = 1.2
"""How long a slow server takes for each reply."""

VERBOSE_LINES = 200
"""How many lines a verbose server's replies have."""


def _refusing(rules: Rules, answer: Reply, *verbs: str) -> Rules:
    """Answer some commands (all but QUIT where none is named) with one refusal."""

    def gate(session: Session, command: Command, argument: str) -> Reply | None:
        named = command.verb in verbs if verbs else command.verb != "QUIT"
        return answer if named else None

    return replace(rules, gates=(gate, *rules.gates))


fault(
    "refuses-everything",
    title="Every command but QUIT gets 550",
    kind="degenerate",
)(lambda rules: _refusing(rules, reply(550, "5.0.0", "No")))

fault(
    "refuses-mail",
    title="The session opens as usual, and then everything is refused with 550",
    kind="degenerate",
)(lambda rules: _refusing(rules, reply(550, "5.0.0", "No"), *(set(rules.commands) - {"EHLO", "HELO", "LHLO", "QUIT"})))

fault(
    "refuses-mail-on-policy",
    title="MAIL gets 554 5.7.1",
    kind="degenerate",
)(lambda rules: _refusing(rules, reply(554, "5.7.1", "Client host rejected"), "MAIL"))

fault(
    "greylists-everything",
    title="RCPT gets 450 4.7.1",
    kind="degenerate",
)(lambda rules: _refusing(rules, reply(450, "4.7.1", "Greylisted, see you in five minutes"), "RCPT"))

fault(
    "busy-for-ever",
    title="Every command but QUIT gets 421, and the connection closes",
    kind="degenerate",
)(lambda rules: _closing(_refusing(rules, reply(421, "4.3.2", "mx.lab.test Too busy"))))


def _closing(rules: Rules) -> Rules:
    def change(session: Session, event: str, answer: Reply) -> Reply | list[Action]:
        if answer.code != 421:
            return answer
        session.state = State.CLOSED
        return [session.rules.render(answer), Close()]

    return on_reply(rules, change)


@fault(
    "accepts-everything",
    title="Every command gets 250, every recipient is accepted, DATA is always answered with 354",
    kind="degenerate",
)
def _accepting(rules: Rules) -> Rules:
    def path(session: Session, text: str, forward: bool) -> tuple[Path, str]:
        try:
            return rules.path(session, text, forward)
        except AddressError:
            return rules.path(session, "<alice@lab.test>", forward)

    def change(session: Session, event: str, answer: Reply) -> Reply:
        if answer.code < 400 or event in ("GREETING", "SHUTDOWN"):
            return answer
        if event == "DATA":
            session.enter(State.TEXT)
            return reply(354, "", "Go on")
        return reply(250, "" if event in ("EHLO", "HELO", "LHLO") else "2.0.0", "OK")

    open_rules = without_gate(rules, *(gate.__name__ for gate in GATES if gate.__name__ != "login"))
    return on_reply(
        replace(
            open_rules,
            path=path,
            sender=lambda session, found: None,
            recipient=lambda session, found: Recipient(found, "alice"),
            checks=(),
        ),
        change,
    )


@fault("closes-after-each-reply", title="The connection closes after each reply", kind="degenerate")
def _closes(rules: Rules) -> Rules:
    def change(session: Session, event: str, answer: Reply) -> list[Action]:
        session.state = State.CLOSED
        return [session.rules.render(answer), Close()]

    return on_reply(rules, change)


# These conform: every case passes on them.

CONFORMING = ("slow", "octet-by-octet", "verbose")
"""The degenerate servers whose behaviour is in order, however odd."""


@fault("slow", title="Each reply takes more than a second", kind="degenerate")
def _slow(rules: Rules) -> Rules:
    return on_actions(rules, lambda session, actions: [Wait(SLOW_SECONDS), *actions] if actions else actions)


@fault("octet-by-octet", title="Each octet comes in a segment of its own", kind="degenerate")
def _cut(rules: Rules) -> Rules:
    def change(session: Session, actions: list[Action]) -> list[Action]:
        cut: list[Action] = []
        for action in actions:
            if not isinstance(action, bytes):
                cut.append(action)
                continue
            for octet in action:
                cut += [bytes([octet]), Wait(0.0002)]
        return cut

    return on_actions(rules, change)


@fault("verbose", title="Every reply but that to EHLO has two hundred lines, in one segment", kind="degenerate")
def _verbose(rules: Rules) -> Rules:
    def change(session: Session, event: str, answer: Reply) -> Reply:
        if event in ("EHLO", "HELO", "LHLO", "EXPN", "VRFY", "HELP") or answer.code == 334:
            return answer
        first, *rest = answer.lines
        return answer._replace(lines=(first, *rest, *(f"{first} (and that is not all)",) * VERBOSE_LINES))

    return on_reply(rules, change)
