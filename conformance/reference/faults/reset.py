"""Faults of RSET, NOOP, QUIT and HELP (RFC 5321 sections 4.1.1.5 to 4.1.1.10)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from conformance.reference import delivery
from conformance.reference.actions import Action, Close, Reset
from conformance.reference.change import (
    allowed,
    answer,
    closing,
    forbidden,
    handled,
    on_reply,
    stays,
)
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import ANY, IN_TRANSACTION, State

fault(
    "rset-keeps-transaction",
    title="RSET answers 250 and forgets nothing",
    breaks=("RFC5321-4.1.1.5-01", "RFC5321-4.1.1-06"),
    # A group that begins with RSET.
    also_trips=("rfc2920-pipelining/3-command-groups/group-after-reset",),
)(lambda rules: stays(stays(rules, State.RCPT, "RSET", 2), State.MAIL, "RSET", 2))

fault(
    "rset-keeps-recipients",
    title="After RSET the recipients of the aborted transaction get the next message",
    breaks=("RFC5321-4.1.1.5-01", "RFC5321-4.1.1-06"),
    # The recipients of the next message get that of the chunks.
    also_trips=("rfc3030-chunking/2-bdat/reset-drops-the-chunks",),
)(lambda rules: _recipients_come_back(rules))


def _recipients_come_back(rules: Rules) -> Rules:
    mail, rset, data = (rules.commands[verb].handler for verb in ("MAIL", "RSET", "DATA"))

    def remember(session: Session, argument: str) -> Reply | None:
        session.memory["recipients"] = session.transaction.recipients
        return rset(session, argument)

    def recall(session: Session, argument: str) -> Reply | None:
        given = mail(session, argument)
        session.transaction.recipients = session.memory.pop("recipients", [])
        return given

    def go_on(session: Session, argument: str) -> Reply | None:
        if not session.transaction.recipients:
            return reply(503, "5.5.1", "No recipients")
        return data(session, argument)

    for verb, handler in (("MAIL", recall), ("RSET", remember), ("DATA", go_on)):
        rules = handled(rules, verb, handler)
    return replace(allowed(rules, "DATA", {State.MAIL}), next={**rules.next, (State.MAIL, "DATA", 3): State.TEXT})


fault(
    "rset-forgets-hello",
    title="After RSET a new EHLO is needed",
    breaks=("RFC5321-4.1.1.5-03",),
    # What comes behind RSET is refused.
    also_trips=(
        "rfc2920-pipelining/3-command-groups/transaction-in-one-group",
        "rfc3030-chunking/2-bdat/reset-after-an-error",
    ),
)(lambda rules: replace(rules, next={**rules.next, **{(s, "RSET", 2): State.CONNECTED for s in ANY}}))

fault(
    "rset-closes",
    title="The fifth RSET ends the session",
    breaks=("RFC5321-4.1.1.5-04",),
)(lambda rules: on_reply(rules, _fifth_rset, "RSET"))


def _fifth_rset(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    count = session.memory["resets"] = session.memory.get("resets", 0) + 1
    if count < 5:
        return given
    session.state = State.CLOSED
    return [session.rules.render(reply(421, "4.7.0", f"{session.site.host} too many resets")), Close()]


fault(
    "rset-not-always",
    title="RSET is refused after a message and after a refused recipient",
    breaks=(
        "RFC5321-4.3.2-13",
        "RFC5321-4.1.1.5-02",
    ),
    # The dialogues have RSET behind a message or a refused recipient; 250 is the sign that nothing is left over.
    also_trips=(
        "rfc1870-size/6-mail-command/no-end-of-data*",
        "rfc2033-lmtp/4-changes-to-smtp/reply-for-each-recipient",
        "rfc2920-pipelining/3-command-groups/replies-in-order",
        "rfc5321/4.1.1.4-data/empty-message",
        "rfc5321/4.1.1.4-data/end-in-segments[*",
        "rfc5321/4.1.1.4-data/false-end[*",
        "rfc5321/4.1.1.4-data/octet-by-octet",
        "rfc5321/4.5.3.1-sizes/recipient-beyond-limits[*",
        "rfc5321/D-scenarios/aborted",
    ),
)(lambda rules: _rset_not_always(rules))


def _rset_not_always(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        if event == "END-OF-DATA" or (event == "RCPT" and given.code >= 500):
            session.memory["no reset"] = True
        if event == "RSET" and session.memory.get("no reset"):
            return reply(502, "5.5.1", "Not now")
        return given

    return on_reply(rules, change, ("END-OF-DATA", "RCPT", "RSET"))


fault(
    "rset-220",
    title="RSET and NOOP are answered with 220",
    breaks=("RFC5321-4.3.2-13", "RFC5321-4.2.1-04"),
    # 250 to RSET or NOOP is a premise or the sign that nothing is left over.
    also_trips=("rfc*",),
)(lambda rules: on_reply(rules, lambda session, event, given: given._replace(code=220), ("RSET", "NOOP"), 250))


@fault(
    "noop-argument-refused",
    title="NOOP with an argument is refused",
    breaks=("RFC5321-4.1.1.9-02",),
)
def _bare_noop(rules: Rules) -> Rules:
    before = rules.commands["NOOP"].handler
    refusal = reply(501, "5.5.4", "No argument is allowed here")
    return handled(rules, "NOOP", lambda session, argument: refusal if argument else before(session, argument))


def _resetting(rules: Rules, *verbs: str) -> Rules:
    for verb in verbs:
        steps = {(state, verb, digit): State.READY for state in IN_TRANSACTION for digit in (2, 5)}
        rules = replace(rules, next={**rules.next, **steps})
    return rules


fault(
    "noop-resets",
    title="NOOP ends the open transaction",
    breaks=("RFC5321-4.1.1.9-01", "RFC5321-4.1.1-06"),
)(lambda rules: _resetting(rules, "NOOP"))

fault(
    "help-resets",
    title="HELP ends the open transaction",
    breaks=("RFC5321-4.1.1.8-03", "RFC5321-4.1.1-06"),
)(lambda rules: _resetting(rules, "HELP"))

fault(
    "vrfy-resets",
    title="VRFY and EXPN end the open transaction",
    breaks=("RFC5321-4.1.1.6-01", "RFC5321-4.1.1.7-01", "RFC5321-4.1.1-06"),
)(lambda rules: _resetting(rules, "VRFY", "EXPN"))

fault(
    "quit-250",
    title="QUIT is answered with 250",
    breaks=(
        "RFC5321-4.1.1.10-01",
        "RFC5321-4.3.2-13",
        "RFC5321-4.2.1-04",
        "RFC5321-4.1.4-17",
        "RFC5321-AppD-01",
        "RFC7504-3-05",
        "RFC5321-3.1-04",
    ),
    # Other ways to ask for 221.
    also_trips=(
        "rfc2920-pipelining/3-command-groups/quit-behind-data",
        "rfc5321/4.1.1-command-syntax/trailing-white-space-quit",
        "rfc5321/4.1.1.10-quit/nothing-after-quit",
    ),
)(lambda rules: answer(rules, "QUIT", 221, lambda given: given._replace(code=250)))

fault(
    "quit-stays-open",
    title="QUIT is answered with 221, and the connection stays open",
    breaks=(
        "RFC5321-4.1.1.10-01",
        "RFC5321-4.1.1.10-07",
        "RFC7504-3-05",
    ),
)(lambda rules: _stay_open(rules))


def _stay_open(rules: Rules) -> Rules:
    return replace(rules, next={step: to for step, to in rules.next.items() if step[1] != "QUIT"})


fault(
    "quit-silent",
    title="QUIT ends the connection without a reply",
    breaks=("RFC5321-4.1.1.10-01", "RFC5321-4.1.4-17"),
    # Wherever 221 is asked for.
    also_trips=("rfc*",),
)(lambda rules: closing(rules, "QUIT", silent=True))

fault(
    "quit-refused-in-transaction",
    title="QUIT is refused while a transaction is open",
    breaks=(
        "RFC5321-4.3.2-13",
        "RFC5321-4.1.1.10-06",
    ),
)(lambda rules: forbidden(rules, "QUIT", IN_TRANSACTION))


fault(
    "lost-connection-delivers",
    title="What came of a message is delivered when the connection is lost",
    breaks=("RFC5321-4.1.1.10-05", "RFC5321-4.1.1.5-05"),
)(lambda rules: replace(rules, lost=_deliver_half))


def _deliver_half(session: Session, octets: bytes) -> None:
    if session.state is State.TEXT:
        delivery.finish(session, session.rules.unstuff(octets[2:]))


fault(
    "lost-connection-undoes",
    title="A message that was accepted is lost when the connection is lost in the next one",
    breaks=("RFC5321-4.1.1.10-05",),
    also_trips=(
        "rfc5321/6.1-reliable-delivery/accepted-then-*",
        "rfc5321/6.1-reliable-delivery/*",
    ),
)(lambda rules: replace(rules, lost=lambda session, octets: session.site.store.clear()))

for _verb, _broken, _others in (
    # RSET stands there behind a refused recipient.
    ("RSET", "RFC5321-4.1.1.5-02", ("rfc5321/4.5.3.1-sizes/recipient-beyond-limits*",)),
    ("NOOP", "RFC5321-4.1.1.9-01", ()),
):
    fault(
        f"{_verb.lower()}-refused-before-recipient",
        title=f"{_verb} is refused between MAIL and RCPT",
        breaks=("RFC5321-4.3.2-13", _broken),
        also_trips=_others,
    )(partial(forbidden, verb=_verb, states=(State.MAIL,)))

fault(
    "rset-closes-behind-its-reply",
    title="After the reply to the fifth RSET the connection is closed",
    breaks=("RFC5321-4.1.1.5-04",),
)(lambda rules: on_reply(rules, _fifth, "RSET"))


def _fifth(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    session.memory["resets"] = session.memory.get("resets", 0) + 1
    if session.memory["resets"] < 5:
        return given
    session.state = State.CLOSED
    return [session.rules.render(given), Close()]


fault(
    "noop-runs-its-argument",
    title="NOOP QUIT is answered with 250, and ends the session",
    breaks=("RFC5321-4.1.1.9-02",),
)(lambda rules: on_reply(rules, _run, "NOOP"))


def _run(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    if session.line != b"NOOP QUIT":
        return given
    session.state = State.CLOSED
    return [session.rules.render(given), Close()]


# What follows 221


def _quits(rules: Rules, *behind: Action) -> Rules:
    """Do something else than to close the connection behind the reply to QUIT."""

    def change(session: Session, event: str, given: Reply) -> list[Action]:
        session.state = State.CLOSED
        return [session.rules.render(given), *behind]

    return on_reply(rules, change, "QUIT", 221)


fault(
    "quit-answered-twice",
    title="QUIT is answered twice",
    breaks=("RFC5321-4.1.1.10-01", "RFC5321-4.1.1.10-07", "RFC7504-3-05"),
    also_trips=("rfc2920-pipelining/3-command-groups/quit-behind-data",),
)(lambda rules: _quits(rules, b"221 2.0.0 mx.lab.test closed the connection\r\n", Close()))

fault(
    "quit-resets",
    title="After the reply to QUIT the connection is reset",
    breaks=("RFC5321-4.1.1.10-01",),
)(lambda rules: _quits(rules, Reset()))
