"""What happens to a complete message: checks, trace fields, the store (RFC 5321 sections 4.2.5 and 4.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from . import submission, trace
from .reply import Reply, reply
from .session import Recipient
from .site import Store, Stored, written
from .table import IN_TRANSACTION

if TYPE_CHECKING:
    from .session import Session

_TOO_BIG = reply(552, "5.3.4", "Message too big")
_FULL = reply(452, "4.3.1", "Insufficient system storage")
_LINE_TOO_LONG = reply(500, "5.5.2", "Line too long")
_LOOP = reply(554, "5.4.6", "Too many hops, this message is in a loop")
_BARE = reply(554, "5.6.0", "Bare CR or LF cannot be relayed")
_BARE_CR_OR_LF = re.compile(rb"\r(?!\n)|(?<!\r)\n").search


def finish(session: Session, message: bytes) -> list[Reply]:
    """Take responsibility for a message, or refuse it: one reply, in LMTP one for each recipient (RFC2033-4.2-02)."""
    recipients: list[Recipient | None] = [None]
    if session.site.role == "lmtp":
        recipients = [*session.transaction.recipients]
    refusal = check(session, message)
    if refusal is not None:
        return [refusal] * len(recipients)
    identity = session.site.next_id()
    session.rules.deliver(session, session.rules.complete(session, message, identity), identity)
    return [session.rules.text_reply(session, identity, recipient) for recipient in recipients]


def refused(session: Session, refusal: Reply, last: bool) -> list[Reply]:
    """Return the replies to a chunk that was thrown away: in LMTP the last one is answered for each recipient."""
    if session.site.role != "lmtp" or not last or session.state not in IN_TRANSACTION:
        return [refusal]
    return [refusal] * len(session.transaction.recipients)  # RFC2033-4.3-01, -02


def check(session: Session, message: bytes) -> Reply | None:
    """Ask every check; the first reply refuses the message."""
    for ask in session.rules.checks:
        refusal = ask(session, message)
        if refusal is not None:
            return refusal
    return None


def size(session: Session, message: bytes) -> Reply | None:
    """The size counts what is left when transparency is undone (RFC1870-5-01, RFC1870-4-02)."""
    return _TOO_BIG if 0 < session.limits.message < len(message) else None


def storage(session: Session, message: bytes) -> Reply | None:
    """Never say 250 without a place to keep the message (RFC5321-6.1-01)."""
    held = session.site.store.octets + session.site.outgoing.octets
    return _FULL if held + len(message) > session.limits.storage else None


def lines(session: Session, message: bytes) -> Reply | None:
    """A text line is 1000 octets with its CRLF at most (section 4.5.3.1.6); binary messages have no lines."""
    if len(message) < session.limits.text_line or session.transaction.binary:
        return None
    longest = max(map(len, message.split(b"\r\n")))
    return _LINE_TOO_LONG if longest + 2 > session.limits.text_line else None


def loop(session: Session, message: bytes) -> Reply | None:
    """Refuse a message that has passed too many servers (RFC5321-6.3-01, -02)."""
    return _LOOP if trace.hops(message) > session.limits.received else None


def bare(session: Session, message: bytes) -> Reply | None:
    """Keep bare CR and LF as data here, and never send them on (RFC5321-2.3.8-08)."""
    if all(recipient.local for recipient in session.transaction.recipients):
        return None
    return _BARE if _BARE_CR_OR_LF(message) else None


CHECKS = (size, storage, lines, loop, bare, submission.originator)


def deliver(session: Session, message: bytes, identity: str) -> None:
    """Put the message into the store, and into the outgoing queue for those recipients who are elsewhere.

    Received goes on top of what came (RFC5321-4.4-01, -07); final delivery adds Return-Path above it and drops the one
    that came with the message (RFC5321-4.4-11, -12, -17). An alias gives way to its mailboxes and changes nothing else
    (RFC5321-3.9.1-01); a list gets a copy with its owner as reverse-path (-3.9.2-01). Those whom the next hop refuses
    are reported to the sender (RFC5321-3.6.3-01).
    """
    site, transaction = session.site, session.transaction
    received = session.rules.received(session, identity).encode(errors="surrogateescape")
    elsewhere = [recipient for recipient in transaction.recipients if not recipient.local]
    refused = [recipient for recipient in elsewhere if _local_part(recipient).startswith(site.unreachable)]
    onward = [recipient for recipient in elsewhere if recipient not in refused]
    lists = [recipient for recipient in transaction.recipients if recipient.local in site.lists]
    here = [recipient for recipient in transaction.recipients if recipient.local and recipient not in lists]
    if onward:
        handed = _stored(session, onward, received + message, identity)
        _add(session, site.outgoing, replace(handed, commands=_commands(session, handed)))
    for notice in session.rules.failures(session, refused, message, identity):
        _add(session, site.outgoing, notice)
    if not (here or lists):
        return
    body = received + trace.without_return_path(message)
    if here:
        path = trace.return_path(transaction.reverse_path)
        _add(session, site.store, _stored(session, here, path.encode(errors="surrogateescape") + body, identity))
    for recipient in lists:
        _add(session, site.store, _list_copy(session, recipient, body, identity))
    for notice in session.rules.notices(session, here + lists, message, identity):
        _add(session, site.outgoing, notice)


def _local_part(recipient: Recipient) -> str:
    return recipient.path.mailbox.local.lower() if recipient.path.mailbox else ""


def _add(session: Session, store: Store, message: Stored) -> None:
    for change in session.rules.on_store:
        changed = change(session, message)
        if changed is None:
            return
        message = changed
    store.add(message)


def _stored(session: Session, recipients: list[Recipient], octets: bytes, identity: str) -> Stored:
    transaction = session.transaction
    return Stored(
        reverse_path=written(transaction.reverse_path),
        recipients=tuple(name for recipient in recipients for name in _mailboxes(session, recipient)),
        octets=octets,
        parameters=transaction.parameters,
        recipient_parameters=tuple(recipient.parameters for recipient in recipients),
        tls=session.tls,
        auth_user=session.user,
        id=identity,
    )


def _commands(session: Session, message: Stored) -> tuple[str, ...]:
    """Return what hands a message over to the next hop: one transaction for all recipients (RFC5321-4.5.4.1-10)."""

    def line(command: str, mailbox: str, parameters: Mapping[str, str | None]) -> str:
        words = (name if value is None else f"{name}={value}" for name, value in parameters.items())
        return " ".join([f"{command}:<{mailbox}>", *words])

    return (
        f"EHLO {session.site.host}",
        line("MAIL FROM", message.reverse_path, {**message.parameters, "SIZE": str(len(message.octets))}),
        *(line("RCPT TO", *each) for each in zip(message.recipients, message.recipient_parameters, strict=True)),
        "DATA",
    )


def _mailboxes(session: Session, recipient: Recipient) -> tuple[str, ...]:
    """Return the mailboxes that an alias stands for, or the one that the client has named."""
    members = session.site.aliases.get(recipient.local, ())
    return tuple(f"{member}@{session.site.domains[0]}" for member in members) or (written(recipient.path),)


def _list_copy(session: Session, recipient: Recipient, body: bytes, identity: str) -> Stored:
    """Return the copy for the members of a list: its errors go to the owner (RFC5321-3.9-02, RFC5321-3.9.2-01)."""
    site, domain = session.site, session.site.domains[0]
    owner = f"postmaster@{domain}"
    octets = f"Return-Path: <{owner}>\r\n".encode() + body
    return replace(
        _stored(session, [recipient], octets, identity),
        reverse_path=owner,
        recipients=tuple(f"{member}@{domain}" for member in site.lists[recipient.local]),
        parameters={},  # no copy inherits what was asked of the list: RFC3461-5.2.7.1-02
        recipient_parameters=(),
    )


def accepted(session: Session, identity: str, recipient: Recipient | None) -> Reply:
    """Return 250: the message is this server's responsibility now (RFC5321-2.1-01); in LMTP, for one recipient."""
    if recipient is None:
        return reply(250, "2.0.0", f"Accepted as {identity}")
    return reply(250, "2.1.5", f"Delivered as {identity}")
