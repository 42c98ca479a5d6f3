"""Faults of sizes: limits that are too small, and what happens beyond them (RFC 5321 section 4.5.3.1)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import trace
from conformance.reference.actions import Action, Close
from conformance.reference.change import (
    answer,
    checked,
    closing,
    extension,
    handled,
    limited,
    message,
    on_input,
    on_reply,
    stored,
)
from conformance.reference.faults import fault
from conformance.reference.faults._seen import OPENSMTPD
from conformance.reference.framing import find_line
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import State

_ALL = "RFC5321-4.5.3.1-01"

# Limits that are too small

fault(
    "limit-local-part",
    title="A local part has 60 octets at most",
    breaks=("RFC5321-4.5.3.1.1-01", _ALL),
)(lambda rules: limited(rules, local_part=60))

fault(
    "limit-path",
    title="A path has 240 octets at most",
    breaks=("RFC5321-4.5.3.1.3-01", _ALL),
)(lambda rules: limited(rules, path=240))

fault(
    "limit-command-line",
    title="A command line has 500 octets at most",
    breaks=("RFC5321-4.5.3.1.4-01", _ALL),
)(lambda rules: limited(rules, command_line=500))

fault(
    "limit-not-extended",
    title="DSN does not make the RCPT line longer than 512 octets",
    breaks=("RFC5321-4.5.3.1.4-02", "RFC3461-5.4-02", "RFC3461-5.4-03"),
)(lambda rules: extension(rules, "DSN", longer={}))

fault(
    "limit-text-line",
    title="A text line has 990 octets at most",
    breaks=("RFC5321-4.5.3.1.6-01", _ALL),
    also_trips=("rfc6152-8bitmime/3-eight-bit-content/longest-line*",),
)(lambda rules: limited(rules, text_line=990))

fault(
    "limit-message",
    title="A message has 60,000 octets at most",
    breaks=("RFC5321-4.5.3.1.7-01", _ALL),
)(lambda rules: limited(rules, message=60_000))

fault(
    "long-message-cut",
    title="What is behind 64,000 octets of a message is lost",
    breaks=("RFC5321-4.5.3.1.7-01", _ALL),
    also_trips=("security/outbound/own-end*dots-at-every-place*",),  # a long message
)(lambda rules: stored(rules, lambda octets: octets[:64_000]))

fault(
    "limit-recipients",
    title="A transaction has 50 recipients at most",
    breaks=("RFC5321-4.5.3.1.8-01", _ALL),
)(lambda rules: limited(rules, recipients=50))


@fault(
    "limit-domain",
    title="A domain in EHLO has 250 octets at most",
    breaks=("RFC5321-4.5.3.1.2-01", _ALL),
    roles=("mx", "submission", "relay"),
)
def _domain(rules: Rules) -> Rules:
    hello = rules.commands["EHLO"].handler

    def ehlo(session: Session, argument: str) -> Reply | None:
        return hello(session, argument) if len(argument) <= 250 else reply(501, "", "Domain too long")

    return handled(rules, "EHLO", ehlo)


fault(
    "limit-none",
    title="Command lines of any length are taken",
    breaks=("RFC5321-2.3.8-07",),
)(lambda rules: limited(rules, command_line=1_000_000))


def _fiftieth_recipient(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    count = session.memory["asked"] = session.memory.get("asked", 0) + 1
    if count < 50:
        return given
    session.state = State.CLOSED
    return [session.rules.render(reply(421, "4.7.0", f"{session.site.host} too many commands")), Close()]


fault(
    "fiftieth-recipient-421",
    title="The fiftieth RCPT of a session ends it with 421",
    breaks=("RFC5321-4.5.3.1.8-01", _ALL),
    seen_in=("smtp-server 3.13.0",),
    # It names as many recipients as the server takes.
    also_trips=("rfc5321/4.5.3.1-sizes/accepted-recipients-stay",),
)(lambda rules: on_reply(rules, _fiftieth_recipient, "RCPT"))

# Beyond the limits


@fault(
    "limit-answered-452",
    title="What is too long is refused for now, not for good",
    # A response to AUTH is a line that is too long.
    also_trips=("rfc4954-auth/4-auth-command/line-without-end",),
    breaks=(
        "RFC5321-4.5.3.1.9-01",
        "RFC5321-4.3.2-13",
    ),
)
def _for_now(rules: Rules) -> Rules:
    def temporary(session: Session, event: str, given: Reply) -> Reply:
        return reply(452, "4.5.3", given.text) if "too long" in given.text else given

    return on_reply(rules, temporary, code=(500, 501))


@fault(
    "limit-closes",
    title="A domain of more than 253 octets ends the connection without a word",
    breaks=("RFC5321-4.5.3.1-05",),
)
def _closes(rules: Rules) -> Rules:
    def close(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if len(session.line) <= len("EHLO ") + 253:
            return given
        session.state = State.CLOSED
        return [Close()]

    return on_reply(rules, close, "EHLO")


def _in_buffers(octets: bytearray, start: int) -> tuple[int, int] | None:
    found = find_line(octets, start)
    if (found is None or found[1] > 512) and len(octets) > 512 and octets[:4].upper() != b"AUTH":
        return 512, 512
    return found


fault(
    "line-in-buffers",
    title="Of a long line what does not fit into 512 octets is taken for another line",
    breaks=("RFC5321-4.5.3.1.9-02", "RFC5321-4.5.3.1-05"),
    # A response to AUTH is a line that is too long.
    also_trips=(
        "rfc4954-auth/4-auth-command/line-without-end",
        "rfc4954-auth/4-auth-command/long-response",
    ),
)(lambda rules: replace(rules, find_line=_in_buffers))


@fault(
    "line-swallowed",
    title="A session that gets more than 9,000 octets at once hangs",
    breaks=("RFC5321-4.5.3.1-05", "RFC5321-4.5.3.1.9-02"),
)
def _swallowed(rules: Rules) -> Rules:
    def swallow(session: Session, octets: bytes) -> bytes:
        session.memory["hangs"] = session.memory.get("hangs", False) or len(octets) > 9000
        return b"" if session.memory["hangs"] else octets

    return on_input(rules, swallow)


@fault(
    "reply-repeats-command",
    title="Replies to long commands repeat them twice",
    breaks=("RFC5321-4.5.3.1.5-01",),
)
def _repeats(rules: Rules) -> Rules:
    def repeat(session: Session, event: str, given: Reply) -> Reply:
        command = re.sub(r"[^!-~]", "?", session.line.decode("latin-1"))
        if len(command) < 200 or not given.lines:
            return given
        return given._replace(lines=(f"{given.lines[0]} {command * 2}", *given.lines[1:]))

    return on_reply(rules, repeat)


def _broken(octets: bytes) -> bytes:
    return re.sub(rb"([^\r\n]{990})(?=[^\r\n])", rb"\1!\r\n ", octets)


fault(
    "text-line-broken",
    title="Lines of more than 990 octets are broken in two",
    breaks=("RFC5321-2.3.10-01", "RFC5321-4.5.3.1.6-01", "RFC5321-4.5.3.1-05", "RFC5321-4.5.3.1.9-01", _ALL),
)(lambda rules: limited(message(rules, _broken), text_line=10_000_000))

# Recipients

fault(
    "recipients-552",
    title="A recipient too many gets 552",
    breaks=(
        "RFC5321-4.5.3.1.10-02",
        "RFC5321-4.5.3.1.9-01",
        "RFC5248-2.4-01",
    ),
)(lambda rules: answer(rules, "RCPT", 452, lambda given: given._replace(code=552, status="5.5.3")))

fault(
    "recipients-451",
    title="A recipient too many gets 451",
    breaks=("RFC5321-4.5.3.1.10-02", "RFC5321-4.5.3.1.9-01"),
    seen_in=(OPENSMTPD,),
)(lambda rules: answer(rules, "RCPT", 452, lambda given: given._replace(code=451)))


@fault(
    "recipients-pushed-out",
    title="A recipient too many is accepted, and pushes out the first one",
    breaks=("RFC5321-4.5.3.1.8-04", "SEC-LIMIT-RECIPIENTS"),
)
def _pushed_out(rules: Rules) -> Rules:
    def push(session: Session, event: str, given: Reply) -> Reply:
        if len(session.transaction.recipients) > 100:
            del session.transaction.recipients[0]
        return given

    return on_reply(limited(rules, recipients=1_000_000), push, "RCPT", 250)


# Header sections that are none of the server's business


def _many_in_header(session: Session, octets: bytes) -> Reply | None:
    return reply(550, "5.6.0", "Too many recipients") if trace.header(octets).count(b"@") > 200 else None


fault(
    "recipients-counted-in-header",
    title="A message that names more than 200 addresses in its header section is refused",
    breaks=("RFC5321-4.5.3.1.8-02", "RFC5321-4.5.3.1.8-03"),
)(lambda rules: checked(rules, _many_in_header))

_ODD = re.compile(rb"\r\nCc: ?(?:<@@|\r\n)|\r\nSender:(?s:.*)\r\nSender:|\r\nResent-Date: y").search


def _relay_validates(session: Session, octets: bytes) -> Reply | None:
    if session.site.role != "relay" or not _ODD(trace.header(octets)):
        return None
    return reply(550, "5.6.0", "Bad header field")


fault(
    "relay-validates-header",
    title="A relay refuses messages for the syntax of their header fields",
    breaks=("RFC5321-4.5.3.1.8-02",),
    roles=("relay",),
)(lambda rules: checked(rules, _relay_validates))

fault(
    "recipients-too-many-close",
    title="A recipient too many ends the connection without a reply",
    breaks=("RFC5321-4.5.3.1.10-02", "RFC5321-4.5.3.1.9-01", "RFC5321-4.5.3.1.8-04"),
)(lambda rules: closing(rules, "RCPT", 452, silent=True))


def _repeated(session: Session, event: str, given: Reply) -> Reply:
    long = len(session.line) > 200
    return reply(450, "4.5.2", f"Not now: {session.line.decode('latin-1')}") if long else given


fault(
    "reply-repeats-command-450",
    title="Long commands are refused for now, in a reply that repeats them",
    breaks=("RFC5321-4.5.3.1.5-01",),
    also_trips=("*",),
)(lambda rules: on_reply(rules, _repeated, code=5))


def _no_answer(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    return [] if "long" in given.text.lower() else given


fault(
    "text-line-too-long-unanswered",
    title="A message with a line that is too long gets no reply",
    breaks=("RFC5321-4.5.3.1-05", "RFC5321-4.5.3.1.9-01"),
)(lambda rules: on_reply(rules, _no_answer, "END-OF-DATA", 5))
