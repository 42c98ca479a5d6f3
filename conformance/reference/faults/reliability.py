"""Faults of messages that are lost, returned wrongly or in a loop (RFC 5321 sections 6.1 to 6.3), and of patience."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference import trace
from conformance.reference.actions import Action, Close
from conformance.reference.change import limited, on_actions, on_input, on_reply, on_store, without_check
from conformance.reference.faults import fault
from conformance.reference.faults._seen import AIOSMTPD, CHASQUID, EXIM, POSTFIX, SENDMAIL, SMTP_SERVER
from conformance.reference.reply import Reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Stored
from conformance.reference.table import State

# Accepted and lost


@fault(
    "lost-without-quit",
    title="Messages are lost where the client ends the connection without QUIT",
    breaks=("RFC5321-6.1-01", "RFC5321-2.1-01"),
    also_trips=("rfc5321/4.1.1.10-quit/lost-connection-undoes-nothing",),
)
def _lost(rules: Rules) -> Rules:
    def note(session: Session, event: str, given: Reply) -> Reply:
        session.memory["quit"] = event == "QUIT"
        return given

    def lose(session: Session, actions: list[Action]) -> list[Action]:
        if session.closed and not session.memory.get("quit"):
            session.site.store.clear()
        return actions

    return on_actions(on_reply(rules, note), lose)


@fault(
    "lost-behind-quit",
    title="A message whose end comes in one segment with QUIT is accepted and lost",
    breaks=("RFC2920-3.1-03",),
)
def _lost_behind_quit(rules: Rules) -> Rules:
    def note(session: Session, octets: bytes) -> bytes:
        session.memory["lost"] = octets.endswith(b".\r\nQUIT\r\n")
        return octets

    return on_store(on_input(rules, note, State.TEXT), lambda session, m: None if session.memory.get("lost") else m)


@fault(
    "recipients-behind-a-refused-one-lost",
    title="Recipients behind one who was refused are accepted and forgotten",
    breaks=("RFC5321-3.3-07", "RFC5321-AppD-01"),
)
def _recipients_lost(rules: Rules) -> Rules:
    def note(session: Session, event: str, given: Reply) -> Reply:
        session.memory.setdefault("kept", len(session.transaction.recipients))
        return given

    def forget(session: Session, event: str, given: Reply) -> Reply:
        session.memory.pop("kept", None)
        return given

    def lose(session: Session, message: Stored) -> Stored | None:
        kept = message.recipients[: session.memory.get("kept")]
        return replace(message, recipients=kept) if kept else None

    return on_store(on_reply(on_reply(rules, note, "RCPT", 5), forget, "MAIL", 2), lose)


_ODD = re.compile(rb"(?i)\r\nThis is no field|\r\nSubject:(?s:.*)\r\nSubject:|multipart/mixed|[\x80-\xff]").search


def _odd(session: Session, message: Stored) -> Stored | None:
    header = trace.header(message.octets)
    broken = b"\nFrom:" not in header or b"\r\n\r\n" not in message.octets or _ODD(header)
    return None if broken and b".dsn@" not in header else message


fault(
    "odd-message-lost",
    title="Messages with syntax errors are accepted and thrown away",
    breaks=("RFC5321-6.2-01",),
    # Messages with UTF-8 or several fields of one kind are odd.
    also_trips=(
        "rfc5321/3.6-relaying/content-not-judged*",
        "rfc5321/3.6-relaying/header-kept*",
        "rfc5321/3.6.3-undeliverable-mail/notification",
        "rfc6531-smtputf8/3.7.3-messages/header",
        "rfc6531-smtputf8/3.7.3-messages/u-labels",
        "rfc3461-dsn/5.2.7-lists-and-aliases/alias",
    ),
)(lambda rules: on_store(rules, _odd))

# Notices of failure


def _in_loop(message: Stored) -> bool:
    return trace.hops(message.octets) > 101


def _returned(rules: Rules, notice: Callable[[Stored], Stored | None]) -> Rules:
    """Accept messages in a loop, and let a notice take their place."""
    rules = without_check(rules, "loop")
    return on_store(rules, lambda session, message: notice(message) if _in_loop(message) else message)


def _notice(message: Stored, to: str, path: str = "") -> Stored:
    token = re.findall(rb"sc-[0-9a-f]{20}", message.octets)[:1]
    octets = f"Return-Path: <{path}>\r\nFrom: <postmaster@lab.test>\r\nSubject: Failure\r\n\r\n".encode()
    return replace(message, reverse_path=path, recipients=(to,), octets=octets + b"".join(token) + b"\r\n")


fault(
    "failure-unreported",
    title="Messages that can't be delivered are thrown away",
    breaks=("RFC5321-6.1-02", "RFC5321-6.1-06", "RFC5321-4.1.1.4-15"),
)(lambda rules: _returned(rules, lambda message: None))

fault(
    "failure-reported-by-postmaster",
    title="The reverse-path of notices is the postmaster's",
    breaks=("RFC5321-6.1-03", "RFC5321-4.4-24"),
)(lambda rules: _returned(rules, lambda message: _notice(message, message.reverse_path, "postmaster@lab.test")))


def _to_header_address(message: Stored) -> Stored | None:
    found = re.search(rb"\r\nReply-To: <([^>]+)>", message.octets)
    return _notice(message, found[1].decode()) if found else None


fault(
    "failure-reported-to-header",
    title="Notices of failure go to the address in Reply-To",
    breaks=(
        "RFC5321-4.4-18",
        "RFC5321-6.1-05",
        "RFC5321-6.1-02",
        "RFC5321-6.1-06",
        "RFC5321-4.1.1.4-15",
        "RFC5321-6.1-04",
    ),
)(lambda rules: _returned(rules, _to_header_address))


def _spam(session: Session, message: Stored) -> Stored:
    return _notice(message, message.reverse_path) if b"*GTUBE-" in message.octets else message


fault(
    "spam-returned",
    title="Spam is accepted and returned to whoever it names as its sender",
    breaks=("RFC5321-6.2-03",),
)(lambda rules: on_store(rules, _spam))

# Loops

fault(
    "loop-limit-15",
    title="A message with more than 15 Received fields is taken for one in a loop",
    breaks=("RFC5321-6.3-01",),
    seen_in=(SENDMAIL, EXIM, POSTFIX, CHASQUID),
)(lambda rules: limited(rules, received=15))

fault(
    "many-hops-lost",
    title="A message with more than 45 Received fields is accepted and thrown away",
    breaks=("RFC5321-6.3-01",),
)(lambda rules: on_store(rules, lambda session, message: None if trace.hops(message.octets) > 46 else message))

fault(
    "loop-not-stopped",
    title="Received fields are not counted",
    breaks=("RFC5321-6.3-02",),
    seen_in=(AIOSMTPD, SMTP_SERVER),
)(lambda rules: without_check(rules, "loop"))

# Patience


@fault(
    "slow-client-cut-off",
    title="A command or message in more than four segments ends the session",
    breaks=("RFC5321-4.5.3.2.7-03", "RFC5321-2.4-08", "RFC5321-4.1.1.4-11", "RFC2920-X-01"),
)
def _cut_off(rules: Rules) -> Rules:
    def count(session: Session, octets: bytes) -> bytes:
        session.memory["segments"] = session.memory.get("segments", 0) + 1
        return octets

    def act(session: Session, actions: list[Action]) -> list[Action]:
        if any(isinstance(action, bytes) for action in actions):
            session.memory["segments"] = 0
        elif session.memory.get("segments", 0) > 4 and not session.closed:
            session.state = State.CLOSED
            return [b"421 4.4.2 mx.lab.test too slow\r\n", Close()]
        return actions

    return on_actions(on_input(rules, count), act)
