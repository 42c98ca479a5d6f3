"""Faults of the order of commands (RFC 5321 sections 3.3 and 4.1.4)."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.change import (
    allowed,
    answer,
    forbidden,
    handled,
    on_reply,
)
from conformance.reference.faults import fault
from conformance.reference.faults._seen import (
    OPENSMTPD,
)
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import ANY, BEFORE_HELLO, IN_TRANSACTION, State

fault(
    "hello-first",
    title="Every command but QUIT wants EHLO first",
    breaks=("RFC5321-4.1.4-01", "RFC5321-4.3.2-13"),
    seen_in=(OPENSMTPD,),
)(lambda rules: _forbid(rules, ("NOOP", "RSET", "HELP", "VRFY", "EXPN")))


def _forbid(rules: Rules, verbs: tuple[str, ...]) -> Rules:
    for verb in verbs:
        rules = forbidden(rules, verb, BEFORE_HELLO)
    return rules


fault(
    "rcpt-at-any-time",
    title="RCPT is taken without MAIL",
    breaks=("RFC5321-3.3-13", "RFC5321-4.1.4-13", "RFC5321-4.1.1.1-09", "RFC5321-4.1.1-06", "RFC5321-4.1.1.5-01"),
    also_trips=("rfc*",),
)(lambda rules: allowed(rules, "RCPT", ANY))

fault(
    "data-at-any-time",
    title="DATA is taken without MAIL and RCPT, and so is the message",
    breaks=("RFC5321-4.1.4-13", "RFC5321-4.1.1-06", "RFC5321-4.1.1.5-01"),
    also_trips=("rfc*", "security/chunking/data-behind-bdat"),
)(lambda rules: _data_anywhere(rules))


def _data_anywhere(rules: Rules) -> Rules:
    for state in ANY:
        rules = replace(rules, next={**rules.next, (state, "DATA", 3): State.TEXT})
    return allowed(rules, "DATA", ANY)


fault(
    "order-501",
    title="Commands out of order are answered with 501",
    breaks=("RFC5321-4.1.4-13", "RFC5321-3.3-13"),
    also_trips=(
        "rfc2033-lmtp/*",
        "rfc5321/3.1-session-initiation/refused-serves-nothing*",
        "rfc5321/3.3*",
        "rfc2920*",
        "rfc3030-chunking/*",
        "rfc4954-auth/*",
        "lint/code-allowed",
    ),
)(lambda rules: on_reply(rules, lambda session, event, given: given._replace(code=501), code=503))


@fault(
    "refusal-resets",
    title="A command that is out of order ends the transaction, and the session",
    breaks=("RFC5321-4.1.4-14", "RFC5321-4.1.4-12", "RFC5321-4.2.1-03"),
    also_trips=("rfc5321/3.3*", "rfc2920*", "rfc3030-chunking/*"),
)
def _refusal_resets(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        if session.state in ANY:
            session.enter(State.CONNECTED if session.state is State.READY else State.READY)
        return given

    return on_reply(rules, change, code=503)


@fault(
    "refusal-forgets-greeting",
    title="After a command that came too early EHLO is no longer taken",
    breaks=(
        "RFC5321-4.3.2-09",
        "RFC5321-4.1.4-14",
    ),
)
def _too_early(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        if given.code == 503 and session.state is State.CONNECTED and event in ("RCPT", "DATA"):
            session.memory["too early"] = True
        if event == "EHLO" and session.memory.get("too early"):
            return reply(503, "", "Too late")
        return given

    return on_reply(rules, change, ("RCPT", "DATA", "EHLO"))


@fault(
    "mail-keeps-recipients",
    title="A second MAIL is taken, and the recipients of the first stay",
    breaks=("RFC5321-4.1.4-13", "RFC5321-4.1.4-14", "RFC5321-4.1.1-06", "RFC5321-4.1.1.2-01"),
    also_trips=("rfc3030-chunking/*",),
)
def _mail_again(rules: Rules) -> Rules:
    before = rules.commands["MAIL"].handler

    def handle(session: Session, argument: str) -> Reply | None:
        recipients = session.transaction.recipients
        given = before(session, argument)
        session.transaction.recipients = recipients
        return given

    return handled(allowed(rules, "MAIL", IN_TRANSACTION), "MAIL", handle)


fault(
    "mail-unordered-503",
    title="MAIL before EHLO is answered with 550",
    breaks=("RFC5321-4.1.4-13",),
    also_trips=("rfc5321/3.1-session-initiation/refused-serves-nothing*",),
)(lambda rules: answer(rules, "MAIL", 503, reply(550, "5.5.1", "Say hello first")))


fault(
    "mail-refused-opens",
    title="A refused MAIL opens a transaction",
    breaks=("RFC5321-4.1.4-12", "RFC5321-4.2.1-03"),
    also_trips=("rfc5321/4.1.1.11*", "rfc5321/3.3*", "rfc5321/4.1.1.2*", "rfc1870-size/*"),
)(lambda rules: replace(rules, next={**rules.next, (State.READY, "MAIL", 5): State.MAIL}))

fault(
    "mail-syntax-553",
    title="MAIL with an argument that can't be read gets 553",
    breaks=(
        "RFC5321-4.2.1-04",
        "RFC5321-4.1.4-11",
    ),
    also_trips=(
        "rfc6409-submission/*",
        "rfc5321/4.1.1.2*",
        "rfc5321/3.3*",
        "rfc5321/4.1.2*",
        "rfc5321/4.1.3*",
        "rfc3461-dsn/*",
    ),
)(lambda rules: answer(rules, "MAIL", 501, reply(553, "5.1.7", "What?")))

fault(
    "ehlo-once-keeps-mail",
    title="HELO and EHLO clear the transaction, and MAIL is refused all the same",
    breaks=("RFC5321-4.1.4-04",),
)(lambda rules: _hello_then_no_mail(rules))


def _hello_then_no_mail(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        if event in ("EHLO", "HELO") and given.code == 250:
            session.memory["hellos"] = session.memory.get("hellos", 0) + 1
        if event == "MAIL" and session.memory.get("hellos", 0) > 1 and not session.tls:
            session.enter(State.READY)
            return reply(503, "5.5.1", "A transaction is open")
        return given

    return on_reply(rules, change, ("EHLO", "HELO", "MAIL"))


fault(
    "one-message-a-session",
    title="A session takes one message",
    breaks=("RFC5321-2.1-04", "RFC5321-4.1.4-17"),
    also_trips=("rfc5321/4.1.1.4*", "rfc2920*", "rfc5321/3.3*"),
)(lambda rules: replace(rules, next={**rules.next, (State.TEXT, "END-OF-DATA", 2): State.CONNECTED}))


@fault(
    "mail-one-parameter",
    title="MAIL takes one parameter",
    breaks=("RFC5321-4.1.1.11-04",),
    also_trips=("rfc5321/4.1.1.2-mail/*", "rfc3461-dsn/*", "rfc6531-smtputf8/*"),
)
def _one_parameter(rules: Rules) -> Rules:
    before = rules.commands["MAIL"].handler

    def handle(session: Session, argument: str) -> Reply | None:
        return reply(555, "5.5.4", "Too many parameters") if argument.count(" ") > 1 else before(session, argument)

    return handled(rules, "MAIL", handle)
