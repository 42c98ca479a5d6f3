"""Faults of trace fields: Received and Return-Path (RFC 5321 section 4.4, RFC 5322 section 3.6.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference import gate, trace
from conformance.reference.change import handled, message, stored
from conformance.reference.faults import fault
from conformance.reference.faults._seen import CHASQUID, OPENSMTPD, QPSMTPD, SENDMAIL
from conformance.reference.reply import Reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import Command

_FIELD = rb"(?im)^%s[ \t]*:.*\r\n(?:[ \t].*\r\n)*"
_RECEIVED = re.compile(_FIELD % rb"Received")
_RETURN_PATH = re.compile(_FIELD % rb"Return-Path")


def _received(rules: Rules, rewrite: Callable[[str], str]) -> Rules:
    """Rewrite the Received field that is added."""
    before = rules.received
    return replace(rules, received=lambda session, identity: rewrite(before(session, identity)))


# Clauses

fault(
    "received-missing",
    title="No Received field is added",
    breaks=("RFC5321-4.4-01", "RFC5321-4.1.1.4-17"),
    also_trips=(
        "rfc3848-transmission-types/1-keywords/esmtpa",
        "rfc3848-transmission-types/1-keywords/esmtps",
        "rfc3848-transmission-types/1-keywords/esmtpsa",
        "rfc3848-transmission-types/1-keywords/lmtp",
        "rfc6531-smtputf8/3.7.3-messages/transmission-type",
        "rfc6531-smtputf8/3.7.3-messages/u-labels",
        "rfc5321/D-scenarios/*",
    ),
)(lambda rules: _received(rules, lambda field: ""))

fault(
    "received-without-from",
    title="The Received field has no FROM clause",
    breaks=("RFC5321-4.4-02", "RFC5321-4.4-26"),
    also_trips=("rfc6531-smtputf8/3.7.3-messages/u-labels", "rfc5321/D-scenarios/*"),
)(lambda rules: _received(rules, lambda field: re.sub(r"from .*\r\n by", "by", field)))

fault(
    "received-without-address",
    title="The FROM clause has no address of the client",
    breaks=("RFC5321-4.4-03",),
)(lambda rules: _received(rules, lambda field: re.sub(r" \(\[.*?\]\)", "", field)))

fault(
    "received-by-localhost",
    title="The BY clause names localhost",
    breaks=("RFC5321-4.4-27",),
)(lambda rules: _received(rules, lambda field: re.sub(r" by \S+", " by localhost", field)))

fault(
    "received-without-semicolon",
    title="No semicolon stands between the clauses and the date of the Received field",
    breaks=("RFC5321-4.4-26", "RFC5322-2.2.3-01"),
)(lambda rules: _received(rules, lambda field: field.replace(";", "")))

fault(
    "received-clause-unregistered",
    title="The Received field has a clause that nobody registered",
    breaks=("RFC5321-4.4-28",),
)(lambda rules: _received(rules, lambda field: field.replace(";", " queue 5;")))

fault(
    "received-via-unregistered",
    title="The Received field has a VIA clause with a link that nobody registered",
    breaks=("RFC5321-4.4-29",),
)(lambda rules: _received(rules, lambda field: field.replace(" with ", " via pigeon with ")))

fault(
    "received-with-unregistered",
    title="The WITH clause names a protocol that nobody registered",
    breaks=("RFC5321-4.4-30", "RFC5321-4.4-31"),
    also_trips=(
        "rfc3848-transmission-types/1-keywords/esmtp",
        "rfc3848-transmission-types/1-keywords/esmtpa",
        "rfc3848-transmission-types/1-keywords/esmtps",
        "rfc3848-transmission-types/1-keywords/esmtpsa",
        "rfc3848-transmission-types/1-keywords/lmtp",
        "rfc3848-transmission-types/1-keywords/smtp",
        "rfc6531-smtputf8/3.7.3-messages/transmission-type",
    ),
)(lambda rules: _received(rules, lambda field: re.sub(r" with \S+", " with mail", field)))

fault(
    "received-with-esmtp-always",
    title="The WITH clause says ESMTP after HELO too",
    breaks=("RFC5321-4.4-31", "RFC3848-1-01"),
)(lambda rules: _received(rules, lambda field: field.replace(" with SMTP ", " with ESMTP ")))

fault(
    "received-with-smtp-always",
    title="The WITH clause says SMTP after EHLO too",
    breaks=("RFC5321-4.4-31", "RFC3848-1-01"),
    also_trips=(
        "rfc3848-transmission-types/1-keywords/esmtpa",
        "rfc3848-transmission-types/1-keywords/esmtps",
        "rfc3848-transmission-types/1-keywords/esmtpsa",
    ),
)(lambda rules: _received(rules, lambda field: re.sub(r" with ESMTPS?A? ", " with SMTP ", field)))


@fault(
    "received-for-all",
    title="The FOR clause names all recipients",
    breaks=("RFC5321-4.4-05", "RFC5321-7.6-01"),
)
def _for_all(rules: Rules) -> Rules:
    def received(session: Session, identity: str) -> str:
        names = ", ".join(str(recipient.path) for recipient in session.transaction.recipients)
        field = trace.received(session, identity)
        return field if " for " in field else field.replace(";", f"\r\n for {names};")

    return replace(rules, received=received)


# Dates

fault(
    "received-zone-name",
    title="The date in Received has GMT instead of +0000",
    breaks=("RFC5321-4.4-25", "RFC5321-4.4-08", "RFC5321-4.4-10", "RFC5322-3.1-01"),
    seen_in=(SENDMAIL,),
)(lambda rules: _received(rules, lambda field: re.sub(r"[+-]\d{4}\r\n\Z", "GMT\r\n", field)))

fault(
    "received-year-of-two-digits",
    title="The year in Received has two digits",
    breaks=("RFC5321-4.4-25", "RFC5322-3.1-01", "RFC5321-F.5-01"),
)(lambda rules: _received(rules, lambda field: re.sub(r" 20(\d\d) (\d\d:)", r" \1 \2", field)))

fault(
    "received-day-padded",
    title="Several spaces stand in the date of Received",
    breaks=("RFC5322-3.3-03",),
)(lambda rules: _received(rules, lambda field: re.sub(r", (\d+ \w+ \d{4})", r",  \1", field)))

fault(
    "received-wrong-weekday",
    title="The weekday in Received is always Monday",
    breaks=("RFC5321-4.4-32", "RFC5322-3.3-01"),
)(lambda rules: _received(rules, lambda field: re.sub(r"\w{3}, (\d+ \w+ \d{4})", r"Mon, \1", field)))

fault(
    "received-wrong-zone",
    title="The zone in Received is not that of its time",
    breaks=("RFC5321-4.4-32",),
)(lambda rules: _received(rules, lambda field: re.sub(r"[+-]\d{4}\r\n\Z", "-0800\r\n", field)))

# What came with the message

fault(
    "received-refolded",
    title="Received fields that came with the message are folded anew",
    breaks=("RFC5322-3.6-01", "RFC5321-4.4-06"),
)(
    lambda rules: message(
        rules, lambda text: _RECEIVED.sub(lambda field: re.sub(rb"\r\n(?=[ \t])", b"", field[0]), text)
    )
)


def _below(octets: bytes) -> bytes:
    """Move the first Received field below the last one."""
    fields = list(_RECEIVED.finditer(trace.header(octets)))
    if len(fields) < 2:
        return octets
    first, last = fields[0], fields[-1]
    return octets[: first.start()] + octets[first.end() : last.end()] + first[0] + octets[last.end() :]


fault(
    "received-below-others",
    title="The new Received field is put below those that came with the message",
    breaks=("RFC5322-3.6-01", "RFC5321-4.4-01", "RFC5321-4.4-07"),
)(lambda rules: stored(rules, _below))


@fault(
    "received-eight-bit",
    title="The name from EHLO gets into Received whatever octets are in it",
    breaks=("RFC5321-2.3.1-01", "RFC5321-2.4-15", "RFC5321-4.1.2-26"),
    roles=("mx", "submission", "relay"),
)
def _eight_bit(rules: Rules) -> Rules:
    hello = rules.commands["EHLO"].handler

    def ehlo(session: Session, argument: str) -> Reply | None:
        answer = hello(session, re.sub(r"[^\x00-\x7f]+", "x", argument))
        session.hello = argument
        return answer

    def characters(session: Session, command: Command, argument: str) -> Reply | None:
        if command.verb == "EHLO":
            argument = argument.encode("ascii", "ignore").decode()
        return gate.characters(session, command, argument)

    gates = tuple(characters if each is gate.characters else each for each in rules.gates)
    return handled(replace(rules, gates=gates), "EHLO", ehlo)


# Return-Path

fault(
    "return-path-missing",
    title="Final delivery adds no Return-Path",
    breaks=("RFC5321-4.4-11", "RFC5322-3.4.1-01"),
    roles=("mx", "lmtp"),
)(lambda rules: stored(rules, lambda octets: re.sub(rb"\AReturn-Path:.*\r\n", b"", octets)))

fault(
    "return-path-from-header",
    title="Return-Path has the address of the From field",
    breaks=("RFC5321-4.4-11", "RFC5321-4.4-18"),
    roles=("mx", "lmtp"),
)(lambda rules: stored(rules, lambda octets: octets.replace(b"Return-Path: <>", b"Return-Path: <sender@example.net>")))


def _return_path_below(octets: bytes) -> bytes:
    path, received = _RETURN_PATH.match(octets), _RECEIVED.search(octets)
    if path is None or received is None or received.start() != path.end():
        return octets
    return received[0] + path[0] + octets[received.end() :]


fault(
    "return-path-below",
    title="Return-Path stands below Received",
    breaks=("RFC5321-4.4-12", "RFC5322-3.6.7-01"),
    roles=("mx", "lmtp"),
)(lambda rules: stored(rules, _return_path_below))


@fault(
    "return-path-twice",
    title="A Return-Path field that came with the message stays below the true one",
    breaks=("RFC5321-4.4-17",),
    seen_in=(OPENSMTPD, QPSMTPD, CHASQUID),
    roles=("mx", "lmtp"),
)
def _twice(rules: Rules) -> Rules:
    hidden = message(rules, lambda text: _RETURN_PATH.sub(lambda field: b"Kept-" + field[0], text))
    return stored(hidden, lambda octets: octets.replace(b"Kept-Return-Path", b"Return-Path"))


# The form of what is added


def _added(rules: Rules, field: bytes) -> Rules:
    return stored(rules, lambda octets: field + octets)


fault(
    "added-line-of-1100",
    title="A line of 1,100 characters is added",
    breaks=("RFC5322-2.1.1-01", "RFC5322-2.1.1-02"),
)(lambda rules: _added(rules, b"X-Trace: " + b"t" * 1091 + b"\r\n"))

fault(
    "added-name-with-space",
    title="The name of an added field has a space in it",
    breaks=("RFC5322-2.2-01",),
)(lambda rules: _added(rules, b"X Trace: 1\r\n"))

fault(
    "added-blank-line",
    title="An added field is folded with a line of white space only",
    breaks=("RFC5322-3.2.2-01",),
)(lambda rules: _added(rules, b"X-Trace: 1\r\n \r\n 2\r\n"))


@fault(
    "received-injected",
    title="The name from EHLO gets into Received though a CR is in it",
    breaks=("RFC5322-2.2-02", "RFC5321-4.1.2-26", "RFC5321-4.1.2-24"),
    roles=("mx", "submission", "relay"),
)
def _injected(rules: Rules) -> Rules:
    hello = rules.commands["EHLO"].handler

    def ehlo(session: Session, argument: str) -> Reply | None:
        answer = hello(session, argument.partition("\r")[0])
        session.hello = argument
        return answer

    def characters(session: Session, command: Command, argument: str) -> Reply | None:
        return gate.characters(session, command, argument.replace("\r", "") if command.verb == "EHLO" else argument)

    gates = tuple(characters if each is gate.characters else each for each in rules.gates)
    return handled(replace(rules, gates=gates), "EHLO", ehlo)
