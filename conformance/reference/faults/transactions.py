"""Faults of mail transactions: MAIL, RCPT, DATA, who gets a message, its sender (RFC 5321 sections 3.3 and 4.5.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from conformance.reference import delivery, policy, transaction
from conformance.reference.actions import Action, Wait
from conformance.reference.change import allowed, answer, checked, closing, goes, handled, on_reply, on_store, stays
from conformance.reference.faults import fault
from conformance.reference.faults._seen import CHASQUID, OPENSMTPD, SENDMAIL
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session, Transaction
from conformance.reference.site import Stored
from conformance.reference.table import State
from conformance.reference.trace import header
from conformance.smtp.address import Path

# Replies

fault(
    "mail-answered-251",
    title="MAIL is answered with 251",
    breaks=("RFC5321-3.3-01", "RFC5321-4.3.2-10"),
    # 250 is asked for.
    also_trips=("rfc*",),
)(lambda rules: answer(rules, "MAIL", 250, lambda given: given._replace(code=251)))

fault(
    "mail-syntax-error-451",
    title="A reverse-path that is none gets 451",
    breaks=("RFC5321-3.3-03", "RFC5248-2.4-01", "RFC5321-4.2.2-01"),
    # Other cases want 501 for what can't be read, too.
    also_trips=(
        "rfc1870-size/6-mail-command/*",
        "rfc3461-dsn/4-parameters/*",
        "rfc4954-auth/5-mail-parameter/*",
        "rfc5321/4.1.2-argument-syntax/*",
        "rfc5321/4.5.3.1-sizes/path-beyond-limits*",
        "rfc6152-8bitmime/2-keyword-and-parameter/*",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/*",
    ),
)(lambda rules: answer(rules, "MAIL", 501, reply(451, "4.1.7", "Try again later")))

fault(
    "mail-refused-closes",
    title="Where MAIL is refused the connection ends without a reply",
    breaks=("RFC5321-3.3-03", "RFC5321-4.1.4-12"),
    # Wherever 501 to MAIL is asked for.
    also_trips=("rfc*/*",),
)(lambda rules: closing(rules, "MAIL", 501, silent=True))

fault(
    "mail-domain-refused-554",
    title="A sender whose domain does not exist gets 554",
    breaks=("RFC5321-3.3-05", "RFC5248-2.4-01"),
)(lambda rules: replace(rules, sender=_sender_554))


def _sender_554(session: Session, path: Path) -> Reply | None:
    invalid = path.mailbox is not None and path.mailbox.host.endswith(".invalid")
    return reply(554, "5.1.8", "No such domain") if invalid else policy.sender(session, path)


fault(
    "rcpt-without-mail",
    title="RCPT without MAIL is accepted",
    breaks=("RFC5321-3.3-13", "RFC5321-4.1.4-13", "RFC5321-4.1.1.4-16"),
    # Whether a transaction is open is seen by whether RCPT is taken.
    also_trips=(
        "rfc5321/4.1.1.1-ehlo-helo/opens-the-session*",
        "rfc5321/4.1.1.5-rset/forgets*",
        "rfc5321/4.1.4-order-of-commands/ehlo-again-clears*",
        "rfc2920-pipelining/3-command-groups/group-after-reset",
    ),
)(lambda rules: goes(allowed(rules, "RCPT", [State.READY]), State.READY, "RCPT", 2, State.RCPT))

fault(
    "rcpt-second-refused",
    title="A message has one recipient",
    breaks=("RFC5321-3.3-07", "RFC5321-4.1.1.3-08", "RFC5321-4.5.3.1.8-01", "RFC5248-2.4-01"),
    # Messages with two recipients.
    also_trips=(
        "rfc2920-pipelining/3-command-groups/replies-in-order",
        "rfc2920-pipelining/3-command-groups/transaction-in-one-group",
        "rfc5321/4.5.3.1-sizes/accepted-recipients-stay",
        "rfc5321/4.5.3.1-sizes/too-many-recipients",
        "rfc5321/4.5.5-null-reverse-path/several-recipients",
        "rfc5321/D-scenarios/typical",
    ),
)(lambda rules: _one_recipient(rules, lambda session: True))

fault(
    "rcpt-second-refused-for-null-path",
    title="A message with the null reverse-path has one recipient",
    breaks=("RFC5321-4.1.1.2-02", "RFC5248-2.4-01"),
)(lambda rules: _one_recipient(rules, lambda session: session.transaction.reverse_path.mailbox is None))


def _one_recipient(rules: Rules, applies: object) -> Rules:
    before = rules.recipient

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        if callable(applies) and applies(session) and session.transaction.recipients:
            return reply(550, "5.5.3", "One recipient at a time")
        return before(session, path)

    return replace(rules, recipient=recipient)


fault(
    "rcpt-unknown-accepted",
    title="Any mailbox of the site's domains is accepted, and mail for those that do not exist is lost",
    breaks=("RFC5321-3.3-08", "RFC5321-4.2.5-04"),
    also_trips=(
        "security/relay/delivered*",
        "rfc2033-lmtp/4-changes-to-smtp/data-without-recipient*",
    ),
)(lambda rules: _unknown(rules, "postmaster"))

fault(
    "rcpt-unknown-450",
    title="A mailbox that does not exist gets 450",
    breaks=("RFC6409-4.1-01", "RFC5321-3.3-08", "RFC5321-3.6.2-01"),
)(lambda rules: answer(rules, "RCPT", 550, reply(450, "4.2.1", "Mailbox unavailable")))


def _unknown(rules: Rules, name: str) -> Rules:
    before = rules.recipient

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        found = before(session, path)
        return Recipient(path, name) if isinstance(found, Reply) and found.status == "5.1.1" else found

    return replace(rules, recipient=recipient)


fault(
    "rcpt-refused-clears",
    title="A refused recipient ends the transaction",
    breaks=("RFC5321-4.1.1.3-08", "RFC5321-3.3-07", "RFC5321-4.1.4-14"),
    # A recipient comes behind one that was refused.
    also_trips=(
        "rfc2920-pipelining/3-command-groups/data-accepted-with-one-recipient",
        "rfc2920-pipelining/3-command-groups/replies-in-order",
        "rfc5321/4.1.1.11-parameters/unknown-rcpt-parameter*",
        "rfc5321/D-scenarios/typical",
    ),
)(lambda rules: goes(goes(rules, State.MAIL, "RCPT", 5, State.READY), State.RCPT, "RCPT", 5, State.READY))

fault(
    "data-answered-250",
    title="DATA is answered with 250 instead of 354",
    breaks=("RFC5321-3.3-15", "RFC5321-4.3.1-07", "RFC5321-4.3.2-12"),
    # 354 is asked for.
    also_trips=("rfc*",),
)(lambda rules: answer(rules, "DATA", 354, reply(250, "2.0.0", "Go ahead")))

fault(
    "data-without-recipients",
    title="DATA without recipients leads to a message for nobody, which is lost",
    breaks=("RFC5321-4.1.4-13", "RFC5321-3.3-17", "RFC5321-4.1.1.4-16"),
    # Whether a transaction has recipients is seen by whether DATA is taken.
    also_trips=(
        "rfc2033-lmtp/4-changes-to-smtp/data-without-recipient*",
        "rfc5321/4.1.1.5-rset/forgets*",
        "rfc5321/4.1.1.5-rset/recipients-do-not-come-back",
        "rfc5321/4.1.4-order-of-commands/ehlo-again-clears*",
        "rfc2920-pipelining/3-command-groups/data-refused-without-recipient",
        "rfc2920-pipelining/3-command-groups/nothing-sent-to-nobody",
    ),
)(lambda rules: _data_anywhere(rules))


def _data_anywhere(rules: Rules) -> Rules:
    rules = allowed(rules, "DATA", [State.READY, State.MAIL])
    return goes(goes(rules, State.READY, "DATA", 3, State.TEXT), State.MAIL, "DATA", 3, State.TEXT)


fault(
    "message-answered-251",
    title="A message is accepted with 251",
    breaks=("RFC5321-3.3-16", "RFC5248-2.4-01", "RFC5321-4.3.2-12"),
)(lambda rules: answer(rules, "END-OF-DATA", 250, lambda given: given._replace(code=251)))

fault(
    "message-refused-for-one",
    title="A recipient who does not exist is found after the text, and the message is refused for all",
    breaks=("RFC5321-3.3-20", "RFC5321-3.3-08", "RFC5321-AppD-01"),
    also_trips=("rfc2033-lmtp/4-changes-to-smtp/data-without-recipient*",),
)(lambda rules: checked(_unknown(rules, "nobody"), _somebody_unknown))


def _somebody_unknown(session: Session, message: bytes) -> Reply | None:
    unknown = any(recipient.local == "nobody" for recipient in session.transaction.recipients)
    return reply(550, "5.1.1", "Mailbox not found") if unknown else None


# Messages

_GOOD_HEADER = re.compile(
    rb"(?=(?s:.*)^From:)(?=(?s:.*)^Date:)(?:[!-9;-~]+:[ -~\t]*\r\n(?:[ \t][ -~\t]*\r\n)*)+", re.MULTILINE
).fullmatch


@fault(
    "message-defects-refused",
    title="Messages with defects of the header or of their MIME structure are refused",
    breaks=("RFC5321-3.3-21", "RFC5321-2.4-12", "RFC5322-3.1-02", "RFC5322-4.5.3-01"),
    seen_in=(f"{CHASQUID}: header", f"{OPENSMTPD}: no header"),
    also_trips=("rfc6531-smtputf8/3.7.3-messages/header",),
)
def _defects(rules: Rules) -> Rules:
    def look(session: Session, message: bytes) -> Reply | None:
        top = header(message)
        unfinished = b"boundary=x" in top and b"--x--" not in message
        encoding = b"Content-Transfer-Encoding: base64" in top and b"!" in message
        return None if _GOOD_HEADER(top) and not (unfinished or encoding) else reply(554, "5.6.0", "Bad message")

    return checked(rules, look)


fault(
    "message-resent-refused",
    title="Messages with Resent fields are refused unless there is one of each",
    breaks=("RFC5321-3.3-22", "RFC5322-3.6.6-01"),
    also_trips=("rfc5321/4.5.3.1-sizes/relayed-whatever-the-header*",),
)(lambda rules: checked(rules, lambda s, m: reply(554, "5.6.0", "Resent fields") if b"Resent-" in header(m) else None))


@fault(
    "recipients-survive-the-message",
    title="The recipients of a message get the next one of the session too",
    breaks=("RFC5321-4.1.1.2-01", "RFC5321-3.3-02", "RFC5321-4.1.1.4-16", "RFC5321-4.1.4-17"),
)
def _recipients_survive(rules: Rules) -> Rules:
    def deliver(session: Session, message: bytes, identity: str) -> None:
        recipients = session.transaction.recipients
        recipients[:0] = session.memory.get("recipients", [])
        session.memory["recipients"] = list(recipients)
        delivery.deliver(session, message, identity)

    return replace(rules, deliver=deliver)


@fault(
    "mail-again-keeps-recipients",
    title="A second MAIL replaces the sender and keeps the recipients",
    breaks=("RFC5321-4.1.1.2-01", "RFC5321-3.3-02"),
)
def _mail_again(rules: Rules) -> Rules:
    def mail(session: Session, argument: str) -> Reply:
        recipients = session.transaction.recipients
        answer = transaction.mail(session, argument)
        session.transaction = Transaction(session.transaction.reverse_path, session.transaction.parameters, recipients)
        return answer

    rules = handled(rules, "MAIL", mail, states=frozenset({State.READY, State.MAIL, State.RCPT}))
    return stays(rules, State.RCPT, "MAIL", 2)


def _renamed(rules: Rules, rename: Callable[[str], str]) -> Rules:
    """Put messages into other mailboxes than those that were accepted."""

    def change(session: Session, stored: Stored) -> Stored:
        return replace(stored, recipients=tuple(map(rename, stored.recipients)))

    return on_store(rules, change)


fault(
    "message-to-another-mailbox",
    title="Messages for alice are put into the mailbox of somebody else",
    breaks=("RFC5321-4.1.1.3-11", "RFC5321-2.1-01"),
    # What is looked for in a mailbox is not there.
    also_trips=("*",),
)(lambda rules: _renamed(rules, lambda name: name.replace("alice@", "carol@")))

fault(
    "domain-in-capitals-lost",
    title="A domain in upper case is taken, and its messages are put where nobody looks",
    breaks=("RFC5321-2.4-05",),
)(lambda rules: _renamed(rules, lambda name: f"lost+{name}" if name.rpartition("@")[2].isupper() else name))


@fault(
    "quoted-mailbox-lost",
    title="A mailbox named in quotes is taken, and its messages are put into another one",
    breaks=("RFC5321-4.1.2-21",),
)
def _quoted(rules: Rules) -> Rules:
    def recipient(session: Session, path: Path) -> Recipient | Reply:
        found = rules.recipient(session, path)
        if isinstance(found, Recipient) and found.local and path.mailbox and path.text.startswith('<"'):
            found.path = replace(path, mailbox=replace(path.mailbox, local=f"quoted.{found.local}"))
        return found

    return replace(rules, recipient=recipient)


# The reverse-path


@fault(
    "null-path-refused",
    title="The null reverse-path is refused",
    breaks=("RFC5321-4.1.1.2-02", "RFC5321-4.1.2-01", "RFC1123-5.2.9-01", "RFC6409-3.2-03"),
    also_trips=(
        "rfc1870-size/6-mail-command/accepted*",
        "rfc2033-lmtp/4-changes-to-smtp/same-commands*",
        "rfc3461-dsn/4-parameters/mail-parameters*",
    ),
)
def _no_null(rules: Rules) -> Rules:
    def sender(session: Session, path: Path) -> Reply | None:
        return rules.sender(session, path) if path.mailbox else reply(550, "5.1.7", "A sender is needed")

    return replace(rules, sender=sender)


@fault(
    "null-path-refused-at-rcpt",
    title="A recipient is refused where the reverse-path is null",
    breaks=("RFC5321-4.1.1.2-02", "RFC1123-5.2.9-01", "RFC6409-3.2-03"),
    also_trips=("rfc5321/4.5.1-minimum-implementation/postmaster-from-nobody",),
)
def _no_null_at_rcpt(rules: Rules) -> Rules:
    def recipient(session: Session, path: Path) -> Recipient | Reply:
        null = session.transaction.reverse_path.mailbox is None
        return reply(550, "5.1.7", "A sender is needed") if null else rules.recipient(session, path)

    return replace(rules, recipient=recipient)


fault(
    "null-path-with-parameters-refused",
    title="The null reverse-path with a parameter is a syntax error",
    breaks=("RFC5321-4.1.1.2-02", "RFC5321-4.1.1.2-04"),
    also_trips=(
        "rfc1870-size/6-mail-command/accepted*",
        "rfc3461-dsn/4-parameters/mail-parameters*",
    ),
)(lambda rules: handled(rules, "MAIL", lambda session, text: transaction.mail(session, text.replace("<> ", "<>"))))


def _with_sender(stored: Stored, sender: str) -> Stored:
    octets = re.sub(rb"\AReturn-Path: <[^>]*>", f"Return-Path: <{sender}>".encode(), stored.octets)
    return replace(stored, reverse_path=sender, octets=octets)


fault(
    "null-path-replaced",
    title="A message with the null reverse-path is delivered with another one",
    breaks=("RFC5321-3.6.3-05", "RFC5321-4.5.5-03"),
    also_trips=(
        "rfc5321/4.4-trace/return-path*",
        "rfc3461-dsn/5.2.3-notices-of-delivery/null-reverse-path",
    ),
    seen_in=(f"{SENDMAIL}: MAILER-DAEMON in Return-Path",),
)(
    lambda rules: on_store(
        rules,
        lambda session, stored: stored if stored.reverse_path else _with_sender(stored, "mailer-daemon@mx.lab.test"),
    )
)

fault(
    "sender-rewritten",
    title="The reverse-path of every message is rewritten to a domain of the server",
    breaks=(
        "RFC5321-3.6.1-05",
        "RFC5321-2.4-04",
        "RFC5321-4.1.1.3-05",
        "RFC5321-4.5.5-01",
        "RFC5321-4.4-11",
        "RFC1123-5.2.8-03",
        "RFC5321-3.9.1-01",
    ),
    also_trips=("rfc5321/D-scenarios/*",),
)(
    lambda rules: on_store(
        rules,
        lambda session, stored: (
            _with_sender(stored, "srs0=" + stored.reverse_path.replace("@", "=") + "@mx.lab.test")
            if stored.reverse_path
            else stored
        ),
    )
)

# Other codes of success

fault(
    "data-answered-350",
    title="DATA is answered with 350 instead of 354",
    breaks=("RFC5321-3.3-15", "RFC5321-4.3.1-07", "RFC5321-4.3.2-12", "RFC5321-4.2-07"),
    # 354 is asked for.
    also_trips=("rfc*",),
)(lambda rules: answer(rules, "DATA", 354, lambda given: given._replace(code=350)))

fault(
    "rcpt-answered-252",
    title="RCPT is answered with 252",
    breaks=("RFC5321-3.3-07", "RFC5321-4.1.1.3-08", "RFC5321-4.3.2-11", "RFC5248-2.4-01"),
)(lambda rules: answer(rules, "RCPT", 250, lambda given: given._replace(code=252)))

fault(
    "mail-argument-552",
    title="MAIL with an argument that can't be read gets 552",
    breaks=("RFC5321-4.1.4-11", "RFC5321-4.2.1-04", "RFC5248-2.4-01"),
    # Other cases want 501 for what can't be read, too.
    also_trips=("rfc*",),
)(lambda rules: answer(rules, "MAIL", 501, reply(552, "5.5.4", "What?")))


def _odd_sender(rules: Rules, pattern: str, refusal: Reply) -> Rules:
    """Refuse reverse-paths that match."""

    def sender(session: Session, path: Path) -> Reply | None:
        return refusal if re.fullmatch(pattern, path.text) else rules.sender(session, path)

    return replace(rules, sender=sender)


for _code, _status in ((451, "4.3.0"), (550, "5.1.8")):
    fault(
        f"mail-odd-local-part-{_code}",
        title=f"A local part that is not made of letters gets {_code}",
        breaks=("RFC5321-4.1.2-14", "RFC5321-4.1.2-15", "RFC5321-4.1.2-16"),
    )(partial(_odd_sender, pattern=r".*[\"!#$%&'*+/=?^_`{|}~].*@.*", refusal=reply(_code, _status, "No such sender")))

fault(
    "mail-odd-domain-552",
    title="A sender whose domain is unusual gets 552",
    breaks=("RFC5321-4.1.2-10", "RFC5321-4.1.2-12", "RFC5248-2.4-01"),
)(
    lambda rules: _odd_sender(
        rules, r".*@(?:[0-9].*|.*--.*|x{63}.*|(?:\w\.){5}.*|EXAMPLE.COM)>?", reply(552, "5.1.8", "No")
    )
)

fault(
    "mail-one-label-500",
    title="A sender with a domain of one label gets 500",
    breaks=("RFC5321-4.1.2-11", "RFC5248-2.4-01"),
)(lambda rules: _odd_sender(rules, r".*@\w+>?", reply(500, "5.1.7", "What?")))

fault(
    "mail-literal-501",
    title="A sender with an address literal gets 501, with a text that says so",
    breaks=("RFC1123-5.2.17-01", "RFC5321-4.1.3-02", "RFC5321-4.1.3-04"),
)(lambda rules: _odd_sender(rules, r".*@\[.*", reply(501, "5.1.7", "No address literals here")))


def _null_message(session: Session, message: bytes) -> Reply | None:
    null = session.transaction.reverse_path.mailbox is None
    return reply(554, "5.6.0", "No notifications here") if null else None


fault(
    "null-path-message-refused",
    title="A message with the null reverse-path is refused after its text",
    breaks=("RFC5321-4.5.5-03", "RFC5321-4.1.1.2-02"),
)(lambda rules: checked(rules, _null_message))

# Recipients


def _no_route(session: Session, argument: str) -> Reply:
    routed = argument[3:].startswith("<@")
    return reply(556, "5.1.2", "No source routes") if routed else transaction.rcpt(session, argument)


fault(
    "rcpt-source-route-556",
    title="A recipient with a source route gets 556",
    breaks=("RFC5321-4.1.1.3-02", "RFC5321-3.3-09", "RFC5321-4.1.2-04", "RFC1123-5.2.6-02", "RFC5321-4.1.1.3-03"),
)(lambda rules: handled(rules, "RCPT", _no_route))


@fault(
    "rcpt-unknown-never-answered",
    title="RCPT for a mailbox that does not exist is answered after ten minutes",
    breaks=("RFC1123-5.2.7-03", "RFC6409-5.3-01"),
)
def _never(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> list[Action]:
        return [Wait(600.0), session.rules.render(given)]

    return on_reply(rules, change, "RCPT", 550)


@fault(
    "mail-slow",
    title="MAIL is answered after three minutes on the submission port",
    breaks=("RFC6409-5.3-01",),
    roles=("submission",),
)
def _slow_mail(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> list[Action]:
        return [Wait(180.0), session.rules.render(given)]

    return on_reply(rules, change, "MAIL", 250)
