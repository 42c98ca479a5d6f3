"""Faults of lines and octets: what ends a command line, and which octets it may hold (RFC 5321 sections 2.3.8, 2.4)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import gate
from conformance.reference.actions import Action, Close
from conformance.reference.change import handled, lines_end, on_input, on_reply, on_store
from conformance.reference.faults import fault
from conformance.reference.faults._seen import AIOSMTPD, ALL, EXIM, POSTFIX, SENDMAIL
from conformance.reference.reply import Reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Stored
from conformance.reference.table import Command, State
from conformance.smtp.address import Path

_NO_COMMANDS = frozenset({State.TEXT, State.CHALLENGE, State.HANDSHAKE})

fault(
    "line-ends-at-lf",
    title="A bare LF ends a command line",
    breaks=("RFC5321-2.3.8-01", "RFC5321-4.1.1.4-05"),
    seen_in=ALL,
)(lambda rules: lines_end(rules, rb"\r?\n"))

fault(
    "line-ends-at-cr",
    title="A CR ends a command line, and the LF behind it is another, empty line if it comes later",
    breaks=("RFC5321-2.3.8-02", "RFC5321-2.3.8-03", "RFC5321-2.4-07", "RFC5321-2.4-08", "RFC2920-X-01"),
    also_trips=("rfc5321/4.1.1.1-ehlo-helo/control-characters*",),
)(lambda rules: lines_end(rules, rb"\r\n|\r|\A\n"))

fault(
    "line-ends-at-cr-cr-lf",
    title="CRs in front of CRLF are dropped",
    breaks=("RFC5321-2.3.8-03",),
    seen_in=(POSTFIX, EXIM, SENDMAIL, AIOSMTPD),
)(lambda rules: lines_end(rules, rb"\r+\n"))

fault(
    "line-ends-at-nul",
    title="NUL ends a command line",
    breaks=("RFC5321-2.3.8-04",),
    also_trips=("rfc5321/4.1.1.1-ehlo-helo/control-characters*",),
)(lambda rules: lines_end(rules, rb"\r\n|\0"))

fault(
    "line-ends-at-separators",
    title="Whatever Unicode calls a line separator ends a command line: VT, FF, NEL, U+2028",
    breaks=("RFC5321-2.3.8-04",),
)(lambda rules: lines_end(rules, rb"\r\n|[\x0b\x0c\x85]|\xe2\x80\xa8"))


@fault(
    "line-is-a-segment",
    title="Each TCP segment is taken for a whole line",
    breaks=("RFC5321-2.4-07", "RFC5321-2.4-08", "RFC5321-2.3.8-02", "RFC2920-X-01"),
    # A chunk that comes in two segments.
    also_trips=("rfc3030-chunking/2-bdat/reset-between-chunks*",),
)
def _segment_is_line(rules: Rules) -> Rules:
    def complete(session: Session, octets: bytes) -> bytes:
        if not octets or octets.endswith(b"\r\n") or session.state in _NO_COMMANDS or session.chunk is not None:
            return octets
        return octets + b"\r\n"

    return on_input(rules, complete)


@fault(
    "line-read-twice",
    title="A command that comes in two segments is answered twice",
    breaks=("RFC5321-2.4-08", "RFC5321-2.3.8-02", "RFC2920-X-01"),
)
def _read_twice(rules: Rules) -> Rules:
    def note(session: Session, octets: bytes) -> bytes:
        session.memory["cut"] = session.memory.get("open", False) and session.state not in _NO_COMMANDS
        session.memory["open"] = not octets.endswith(b"\r\n") and session.state not in _NO_COMMANDS
        return octets

    def twice(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        octets = session.rules.render(given)
        return [octets, octets] if session.memory.pop("cut", False) else given

    return on_reply(on_input(rules, note), twice)


# Empty lines and what stands before the verb


@fault(
    "empty-line-unanswered",
    title="An empty line is not answered",
    breaks=("RFC5321-2.4-01",),
)
def _empty_line(rules: Rules) -> Rules:
    def silent(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        return [] if not session.line else given

    return on_reply(rules, silent, "UNKNOWN")


@fault(
    "space-before-verb",
    title="Spaces in front of the verb are skipped",
    breaks=("RFC5321-2.4-01",),
)
def _space_before_verb(rules: Rules) -> Rules:
    def skip(session: Session, octets: bytes) -> bytes:
        if session.state in _NO_COMMANDS or session.chunk is not None or not octets.endswith(b"\r\n"):
            return octets
        return octets.lstrip(b" ")

    return on_input(rules, skip)


# Octets above 127


def _eight_bit_gate(rules: Rules, *verbs: str) -> Rules:
    """Refuse nothing but control characters in the arguments of some commands."""

    def characters(session: Session, command: Command, argument: str) -> Reply | None:
        if command.verb in verbs:
            argument = argument.encode("ascii", "ignore").decode()
        return gate.characters(session, command, argument)

    return replace(rules, gates=tuple(characters if each is gate.characters else each for each in rules.gates))


@fault(
    "eight-bit-argument",
    title="EHLO and NOOP take octets above 127",
    breaks=("RFC5321-2.4-15", "RFC5321-4.1.2-26", "RFC5321-4.1.1.1-10"),
    seen_in=(POSTFIX, AIOSMTPD),
    roles=("mx", "submission", "relay"),
)
def _eight_bit_argument(rules: Rules) -> Rules:
    hello = rules.commands["EHLO"].handler

    def any_name(session: Session, argument: str) -> Reply | None:
        return hello(session, re.sub(r"[^\x00-\x7f]+", "x", argument))

    return handled(_eight_bit_gate(rules, "EHLO", "NOOP"), "EHLO", any_name)


@fault(
    "eight-bit-verb",
    title="The high bits of a verb are cleared, and what remains is carried out",
    breaks=("RFC5321-2.4-15",),
)
def _eight_bit_verb(rules: Rules) -> Rules:
    def clear(session: Session, octets: bytes) -> bytes:
        if session.state in _NO_COMMANDS or session.chunk is not None or octets[:1] < b"\x80":
            return octets
        return bytes(octet & 0x7F for octet in octets)

    return on_input(rules, clear)


@fault(
    "eight-bit-closes",
    title="A line that is no ASCII ends the session without a reply",
    breaks=("RFC5321-2.4-15", "RFC5321-3.8-01", "RFC3030-2-13"),
    seen_in=("servers that decode each line as UTF-8, and do not catch what that throws",),
)
def _eight_bit_closes(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if not any(octet > 0x7F for octet in session.line):
            return given
        session.state = State.CLOSED
        return [Close()]

    return on_reply(rules, change, ("EHLO", "NOOP", "UNKNOWN"), 5)


@fault(
    "eight-bit-mailbox",
    title="Octets above 127 in a mailbox are left out, and what remains is taken",
    breaks=("RFC5321-2.4-14", "RFC5321-4.1.2-26", "RFC6531-3.4-01", "RFC6531-3.5-01", "RFC6531-3.4-02"),
    seen_in=(POSTFIX, EXIM, SENDMAIL),
    # What is no UTF-8 is left out like all octets above 127.
    also_trips=("rfc6531-smtputf8/3.3-addresses/not-utf8*",),
)
def _eight_bit_mailbox(rules: Rules) -> Rules:
    strict = rules.path

    def ascii_part(session: Session, text: str, forward: bool) -> tuple[Path, str]:
        if "SMTPUTF8" not in text.upper() and "SMTPUTF8" not in session.transaction.parameters:
            text = text.encode("ascii", "ignore").decode()
        return strict(session, text, forward)

    return replace(_eight_bit_gate(rules, "MAIL", "RCPT"), path=ascii_part)


@fault(
    "eight-bit-text-mangled",
    title="Where no extension is in force, octets above 127 in the text become question marks",
    breaks=("RFC5321-2.4-11",),
    roles=("mx", "relay"),
)
def _mangled(rules: Rules) -> Rules:
    def mangle(session: Session, message: Stored) -> Stored:
        if session.esmtp:
            return message
        return replace(message, octets=re.sub(rb"[\x80-\xff]", b"?", message.octets))

    return on_store(rules, mangle)


fault(
    "line-with-extra-cr-unread",
    title="A line that ends in CR and CRLF does not end",
    breaks=("RFC5321-2.3.8-03",),
)(lambda rules: lines_end(rules, rb"(?<!\r)\r\n"))


@fault(
    "line-in-segments-unread",
    title="A line whose end comes in another segment is not read",
    breaks=("RFC5321-2.4-07", "RFC5321-2.4-08", "RFC5321-2.3.8-02", "RFC2920-X-01"),
    # A chunk that comes in two segments.
    also_trips=("rfc3030-chunking/2-bdat/reset-between-chunks*",),
)
def _unread(rules: Rules) -> Rules:
    def change(session: Session, octets: bytes) -> bytes:
        if not octets or session.state in _NO_COMMANDS or session.chunk is not None:
            return octets
        begun, session.memory["begun"] = session.memory.get("begun", False), not octets.endswith(b"\r\n")
        return b"" if begun else octets

    return on_input(rules, change)
