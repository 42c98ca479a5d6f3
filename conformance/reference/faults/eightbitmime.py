"""Faults of 8BITMIME (RFC 6152)."""

from __future__ import annotations

import re

from conformance.reference import transaction
from conformance.reference.change import anything, checked, handled, listed, parameter, stored
from conformance.reference.faults import fault
from conformance.reference.faults._seen import EXIM, JAMES, POSTFIX
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session

fault(
    "8bitmime-with-parameter",
    title="8BITMIME is listed with a parameter",
    breaks=("RFC6152-2-01",),
)(lambda rules: listed(rules, "8BITMIME", "8BITMIME YES"))


def _capitals(session: Session, value: str | None) -> Reply | None:
    known = value in ("7BIT", "8BITMIME", "BINARYMIME")
    return None if known else reply(501, "5.5.4", "Unknown body type")


fault(
    "body-in-capitals-only",
    title="BODY=8bitmime is refused",
    breaks=("RFC6152-2-02", "RFC3030-3-03"),
)(lambda rules: parameter(rules, "BODY", _capitals))

fault(
    "body-refused",
    title="8BITMIME is listed, and BODY is unknown",
    breaks=("RFC6152-2-02",),
    # MAIL with BODY beside other parameters.
    also_trips=(
        "rfc5321/4.1.1.11-parameters/several-parameters*",
        "rfc5321/4.1.1.2-mail/parameters*",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/accepted*",
        "rfc6531-smtputf8/3.3-addresses/sender*",
    ),
)(lambda rules: parameter(rules, "BODY", lambda session, value: reply(555, "5.5.4", "Unknown parameter")))

fault(
    "body-anything",
    title="BODY takes any value, and none",
    breaks=("RFC6152-2-03",),
    seen_in=(JAMES,),
)(lambda rules: parameter(rules, "BODY", anything))


def _tolerant(rules: Rules, pattern: str, instead: str) -> Rules:
    """Read the parameters of MAIL after replacing what matches."""

    def mail(session: Session, argument: str) -> Reply:
        return transaction.mail(session, re.sub(pattern, instead, argument))

    return handled(rules, "MAIL", mail)


fault(
    "body-empty",
    title="BODY= with nothing behind it is taken",
    breaks=("RFC6152-2-03",),
)(lambda rules: _tolerant(rules, " BODY=$", ""))

fault(
    "body-twice",
    title="Of two BODY parameters the last one counts",
    breaks=("RFC6152-3-01",),
    seen_in=(EXIM, POSTFIX),
)(lambda rules: _tolerant(rules, r" BODY=\w+(?= BODY=)", ""))


def _seven_bits(octets: bytes) -> bytes:
    return bytes(octet & 0x7F for octet in octets)


fault(
    "eight-bit-cleared",
    title="The highest bit of every octet is cleared",
    breaks=("RFC6152-3-02", "RFC6152-3-03", "RFC6152-3-06", "RFC3030-3-04"),
    # Headers in UTF-8 are eight-bit content.
    also_trips=(
        "rfc6531-smtputf8/3.7.3-messages/header",
        "rfc6531-smtputf8/3.7.3-messages/u-labels",
    ),
)(lambda rules: stored(rules, _seven_bits))


def _dots_back(octets: bytes) -> bytes:
    return re.sub(rb"(\r\n)(\.[\x80-\xff])", rb"\1.\2", octets)


fault(
    "eight-bit-dots-kept",
    title="Lines that begin with a dot and an eight-bit octet keep the dot that was added",
    breaks=("RFC6152-3-06",),
)(lambda rules: stored(rules, _dots_back))


def _short_lines(session: Session, message: bytes) -> Reply | None:
    longest = max((len(line) for line in message.split(b"\r\n") if not line.isascii()), default=0)
    return reply(554, "5.6.0", "Line too long") if longest > 900 else None


fault(
    "eight-bit-lines-short",
    title="Eight-bit lines may have 900 octets",
    breaks=("RFC6152-3-07",),
)(lambda rules: checked(rules, _short_lines))


def _refused(session: Session, message: bytes) -> Reply | None:
    announced = session.transaction.parameters.get("BODY") in ("8BITMIME", "BINARYMIME")
    return None if announced or message.isascii() else reply(554, "5.6.1", "Eight-bit content was not announced")


fault(
    "eight-bit-must-be-announced",
    title="Eight-bit content without BODY=8BITMIME is refused",
    breaks=("RFC6152-3-08",),
    # One of the defects is an octet above 127.
    also_trips=("rfc5321/3.3-mail-transactions/defects-of-the-message*",),
)(lambda rules: checked(rules, _refused))

fault(
    "eight-bit-refused",
    title="Eight-bit content is refused, announced or not",
    breaks=("RFC6152-3-02", "RFC6152-3-07", "RFC6152-3-08"),
    # A header in UTF-8, and one of the defects, are eight-bit content.
    also_trips=(
        "rfc5321/3.3-mail-transactions/defects-of-the-message*",
        "rfc6531-smtputf8/3.7.3-messages/header",
    ),
)(lambda rules: checked(rules, _ascii_only))


def _ascii_only(session: Session, message: bytes) -> Reply | None:
    fine = message.isascii() or session.transaction.binary
    return None if fine else reply(554, "5.6.1", "Not ASCII")
