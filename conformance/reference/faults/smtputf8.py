"""Faults of SMTPUTF8 (RFC 6531)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import dialogue, transaction
from conformance.reference.actions import Action
from conformance.reference.change import (
    checked,
    ehlo,
    handled,
    listed,
    on_reply,
    parameter,
    without_gate,
)
from conformance.reference.extension import dsn
from conformance.reference.faults import fault
from conformance.reference.faults._seen import EXIM, POSTFIX
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.smtp.address import Path

fault(
    "smtputf8-with-parameter",
    title="SMTPUTF8 is listed with a parameter",
    breaks=("RFC6531-3.1-01",),
)(lambda rules: listed(rules, "SMTPUTF8", "SMTPUTF8 YES"))

fault(
    "smtputf8-without-8bitmime",
    title="SMTPUTF8 is listed without 8BITMIME",
    breaks=(
        "RFC6531-3.1-05",
        "RFC5321-2.2.1-01",
    ),
    # 8BITMIME is not listed, which others ask for.
    also_trips=(
        "rfc2033-lmtp/4-changes-to-smtp/8bitmime",
        "rfc5321/2.4-syntax-and-octets/eight-bit-mime",
        "rfc6409-submission/7-extensions/eight-bit-mime",
    ),
)(lambda rules: listed(rules, "8BITMIME", None))

fault(
    "smtputf8-host-name",
    title="The server names itself in UTF-8",
    breaks=(
        "RFC6531-3.7.1-01",
        "RFC5321-4.1.1.1-13",
        "RFC5321-4.2-05",
    ),
)(lambda rules: ehlo(rules, lambda lines: (f"mx.böcher.test greets {lines[0].split()[-1]}", *lines[1:])))

fault(
    "smtputf8-unknown",
    title="SMTPUTF8 is listed, and MAIL with it gets 555",
    breaks=("RFC6531-3.1-04", "RFC6531-3.2-01"),
)(lambda rules: parameter(rules, "SMTPUTF8", lambda session, value: reply(555, "5.5.4", "Unknown parameter")))


def _with_value(rules: Rules) -> Rules:
    def mail(session: Session, argument: str) -> Reply:
        return transaction.mail(session, re.sub(r" SMTPUTF8=\w*", " SMTPUTF8", argument))

    return handled(rules, "MAIL", mail)


fault(
    "smtputf8-with-value",
    title="SMTPUTF8 takes a value",
    breaks=("RFC6531-3.1-03",),
)(_with_value)


def _plain_vrfy(session: Session, argument: str) -> Reply:
    wanted = " SMTPUTF8" in argument
    return reply(501, "5.5.4", "One name expected") if wanted else dialogue.vrfy(session, argument)


fault(
    "smtputf8-vrfy-refused",
    title="VRFY knows nothing of SMTPUTF8",
    breaks=("RFC6531-3.1-06",),
)(lambda rules: handled(rules, "VRFY", _plain_vrfy))

fault(
    "smtputf8-vrfy-without-mailbox",
    title="VRFY with SMTPUTF8 says 250 and no mailbox",
    breaks=("RFC6531-3.7.4.2-02",),
)(lambda rules: on_reply(rules, _nameless, "VRFY", 250))


def _nameless(session: Session, event: str, given: Reply) -> Reply:
    return given._replace(lines=("Yes",)) if b"SMTPUTF8" in session.line else given


def _no_utf8(session: Session, value: str | None) -> Reply | None:
    return dsn._ORCPT if (value or "").startswith("utf-8") else dsn._orcpt(session, value)


fault(
    "smtputf8-orcpt-refused",
    title="ORCPT does not know addresses of the type utf-8",
    breaks=("RFC6531-3.2-05",),
)(lambda rules: parameter(rules, "ORCPT", _no_utf8))

# Addresses


def _ascii(session: Session, path: Path) -> Reply | None:
    return None if path.text.isascii() else reply(501, "5.1.7", "Bad sender address")


fault(
    "smtputf8-sender-refused",
    title="An address in UTF-8 is a syntax error, with SMTPUTF8 too",
    breaks=("RFC6531-3.2-01",),
    also_trips=("rfc6409-submission/4-mandatory-actions/partial-domain-of-sender*",),
)(lambda rules: replace(rules, sender=_ascii))


def _ascii_recipient(rules: Rules) -> Rules:
    def recipient(session: Session, path: Path) -> Recipient | Reply:
        return rules.recipient(session, path) if path.text.isascii() else transaction._RECIPIENT_NOT_ASCII

    return replace(rules, recipient=recipient)


fault(
    "smtputf8-recipient-refused",
    title="A recipient in UTF-8 gets 553 5.6.7, with SMTPUTF8 too",
    breaks=("RFC6531-3.2-01",),
)(_ascii_recipient)


def _lossy(rules: Rules) -> Rules:
    """Read addresses with what is no UTF-8 replaced."""

    def mail(session: Session, argument: str) -> Reply:
        octets = argument.encode("utf-8", "surrogateescape")
        return transaction.mail(session, octets.decode("utf-8", "replace").replace("\ufffd", "ä"))

    return handled(without_gate(rules, "characters"), "MAIL", mail)


fault(
    "smtputf8-any-octets",
    title="Octets that are no UTF-8 are taken in addresses",
    breaks=("RFC6531-3.3-01",),
    seen_in=(EXIM,),
    # Octets that are no UTF-8, without SMTPUTF8.
    also_trips=("rfc5321/2.4-syntax-and-octets/eight-bit-argument*",),
)(_lossy)


def _always(rules: Rules) -> Rules:
    """Take UTF-8 in addresses, whether SMTPUTF8 is there or not."""

    def mail(session: Session, argument: str) -> Reply:
        given = argument if argument.isascii() or "SMTPUTF8" in argument else f"{argument} SMTPUTF8"
        return transaction.mail(session, given)

    def rcpt(session: Session, argument: str) -> Reply:
        return transaction.rcpt(session, argument if argument.isascii() else "TO:<postmaster@lab.test>")

    return handled(handled(rules, "MAIL", mail), "RCPT", rcpt)


fault(
    "smtputf8-not-needed",
    title="Addresses in UTF-8 are taken without SMTPUTF8",
    breaks=("RFC6531-3.4-01", "RFC6531-3.4-02"),
    seen_in=(POSTFIX, EXIM),
    # A mailbox in UTF-8, without SMTPUTF8.
    also_trips=("rfc5321/2.4-syntax-and-octets/eight-bit-mailbox*",),
)(_always)


def _echo(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    octets = session.rules.render(given)
    return [octets[:-2] + b": " + session.line + b"\r\n"] if not session.line.isascii() else given


fault(
    "smtputf8-echo",
    title="Replies repeat what was sent, in UTF-8 too",
    breaks=(
        "RFC6531-3.7.4.2-03",
        "RFC5321-4.2-05",
    ),
)(lambda rules: on_reply(rules, _echo))

# Messages


def _ascii_header(session: Session, message: bytes) -> Reply | None:
    header = message.partition(b"\r\n\r\n")[0]
    return None if header.isascii() else reply(554, "5.6.9", "No UTF-8 in headers")


fault(
    "smtputf8-header-refused",
    title="A header in UTF-8 is refused, with SMTPUTF8 too",
    breaks=(
        "RFC6531-3.1-02",
        "RFC5248-2.4-01",
    ),
    # One of the defects is an octet above 127.
    also_trips=("rfc5321/3.3-mail-transactions/defects-of-the-message*",),
)(lambda rules: checked(rules, _ascii_header))


def _plain_trace(rules: Rules) -> Rules:
    def received(session: Session, identity: str) -> str:
        return rules.received(session, identity).replace("with UTF8SMTP", "with ESMTP")

    return replace(rules, received=received)


fault(
    "smtputf8-received-with-esmtp",
    title="Received says ESMTP for a message that came with SMTPUTF8",
    breaks=("RFC6531-3.7.3-02",),
)(_plain_trace)


def _encoded_trace(rules: Rules) -> Rules:
    def received(session: Session, identity: str) -> str:
        return rules.received(session, identity).replace("bücher", "xn--bcher-kva")

    return replace(rules, received=received)


fault(
    "smtputf8-received-encoded",
    title="Received has the name of the client encoded",
    breaks=("RFC6531-3.7.3-01",),
)(_encoded_trace)


def _decoded_trace(rules: Rules) -> Rules:
    def received(session: Session, identity: str) -> str:
        return rules.received(session, identity).replace("xn--bcher-kva", "bücher")

    return replace(rules, received=received)


fault(
    "received-always-decoded",
    title="Received has the name of the client in UTF-8 in messages that came without SMTPUTF8 too",
    breaks=("RFC6531-3.7.3-03",),
)(_decoded_trace)
