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
    # Whether a transaction is open is seen by whether RCPT is taken.
    also_trips=(
        "rfc2920-pipelining/3-command-groups/group-after-reset",
        "rfc3030-chunking/2-bdat/commands-between-chunks*",
        "rfc3207-starttls/4.2-result/transaction-forgotten",
    ),
)(lambda rules: allowed(rules, "RCPT", ANY))

fault(
    "data-at-any-time",
    title="DATA is taken without MAIL and RCPT, and so is the message",
    breaks=("RFC5321-4.1.4-13", "RFC5321-4.1.1-06", "RFC5321-4.1.1.5-01"),
    # Whether a transaction has recipients is seen by whether DATA is taken.
    also_trips=(
        "rfc2033-lmtp/4-changes-to-smtp/data-without-recipient*",
        "rfc2920-pipelining/3-command-groups/data-refused-without-recipient",
        "rfc2920-pipelining/3-command-groups/nothing-sent-to-nobody",
        "rfc3030-chunking/2-bdat/data-after-chunk",
        "rfc5321/4.1.1.4-data/buffers-cleared*",
        "rfc5321/4.1.4-order-of-commands/ehlo-again-clears*",
        "security/chunking/data-behind-bdat",
    ),
)(lambda rules: _data_anywhere(rules))


def _data_anywhere(rules: Rules) -> Rules:
    for state in ANY:
        rules = replace(rules, next={**rules.next, (state, "DATA", 3): State.TEXT})
    return allowed(rules, "DATA", ANY)


fault(
    "order-501",
    title="Commands out of order are answered with 501",
    breaks=("RFC5321-4.1.4-13", "RFC5321-3.3-13"),
    # Extensions ask for 503 too.
    also_trips=(
        "rfc5321/3.1-session-initiation/refused-serves-nothing*",
        "rfc2033-lmtp/4-changes-to-smtp/data-without-recipient*",
        "rfc3030-chunking/2-bdat/after-the-last-chunk",
        "rfc3030-chunking/2-bdat/data-after-chunk",
        "rfc3030-chunking/3-binarymime/data-refused",
        "rfc4954-auth/4-auth-command/in-a-transaction",
        "rfc4954-auth/4-auth-command/second-login",
    ),
)(lambda rules: on_reply(rules, lambda session, event, given: given._replace(code=501), code=503))


@fault(
    "refusal-resets",
    title="A command that is out of order ends the transaction, and the session",
    breaks=("RFC5321-4.1.4-14", "RFC5321-4.1.4-12", "RFC5321-4.2.1-03"),
    # RSET leads back to the beginning only where the state stayed.
    also_trips=("rfc3030-chunking/2-bdat/reset-after-an-error",),
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
    # MAIL between chunks.
    also_trips=("rfc3030-chunking/2-bdat/commands-between-chunks*",),
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
    # These send MAIL again after one that was refused.
    also_trips=(
        "rfc1870-size/6-mail-command/next-message",
        "rfc5321/4.1.1.11-parameters/unknown-mail-parameter*",
    ),
)(lambda rules: replace(rules, next={**rules.next, (State.READY, "MAIL", 5): State.MAIL}))

fault(
    "mail-syntax-553",
    title="MAIL with an argument that can't be read gets 553",
    breaks=(
        "RFC5321-4.2.1-04",
        "RFC5321-4.1.4-11",
    ),
    # Other cases want 501 for what can't be read, too.
    also_trips=(
        "rfc3461-dsn/4-parameters/mail-parameters-malformed*",
        "rfc3461-dsn/4-parameters/mail-parameters-twice*",
        "rfc5321/4.1.2-argument-syntax/control-characters*",
        "rfc6409-submission/4-mandatory-actions/address-syntax*",
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
    # A group with two messages.
    also_trips=("rfc2920-pipelining/3-command-groups/next-transaction-behind-data",),
)(lambda rules: replace(rules, next={**rules.next, (State.TEXT, "END-OF-DATA", 2): State.CONNECTED}))


@fault(
    "mail-one-parameter",
    title="MAIL takes one parameter",
    breaks=("RFC5321-4.1.1.11-04",),
    # Parameters of extensions, in pairs.
    also_trips=(
        "rfc3461-dsn/4-parameters/mail-parameters*",
        "rfc5321/4.1.1.2-mail/parameters*",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/accepted*",
        "rfc6531-smtputf8/3.3-addresses/sender*",
    ),
)
def _one_parameter(rules: Rules) -> Rules:
    before = rules.commands["MAIL"].handler

    def handle(session: Session, argument: str) -> Reply | None:
        return reply(555, "5.5.4", "Too many parameters") if argument.count(" ") > 1 else before(session, argument)

    return handled(rules, "MAIL", handle)
