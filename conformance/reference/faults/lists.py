"""Faults of mailing lists and aliases (RFC 5321 sections 3.5.1 and 3.9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference.change import answer, on_store
from conformance.reference.faults import fault
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Role, Stored

ROLES: tuple[Role, ...] = ("mx", "submission", "lmtp")


def _expanded(rules: Rules, kind: str, change: Callable[[Session, Stored], Stored]) -> Rules:
    """Change what is delivered for the lists (``lists``) or the aliases (``aliases``) of the site."""

    def changed(session: Session, stored: Stored) -> Stored:
        names = getattr(session.site, kind)
        meant = any(recipient.local in names for recipient in session.transaction.recipients)
        return change(session, stored) if meant and len(stored.recipients) > 1 else stored

    return on_store(rules, changed)


def _returning(stored: Stored, path: str) -> Stored:
    octets = re.sub(rb"\AReturn-Path: <[^>]*>", b"Return-Path: <" + path.encode() + b">", stored.octets)
    return replace(stored, reverse_path=path, octets=octets)


fault(
    "alias-sender-replaced",
    title="What goes through an alias gets the owner of the alias as reverse-path",
    breaks=("RFC5321-3.9.1-01", "RFC5321-4.5.5-03"),
    roles=ROLES,
)(lambda rules: _expanded(rules, "aliases", lambda session, stored: _returning(stored, "postmaster@lab.test")))

fault(
    "alias-one-mailbox",
    title="Of the mailboxes of an alias only the first gets the message",
    breaks=("RFC5321-3.9.1-01",),
    roles=ROLES,
)(lambda rules: _expanded(rules, "aliases", lambda session, stored: replace(stored, recipients=stored.recipients[:1])))

fault(
    "list-one-member",
    title="Of the members of a list only the first gets the message",
    breaks=("RFC5321-3.9.2-01",),
    roles=ROLES,
)(lambda rules: _expanded(rules, "lists", lambda session, stored: replace(stored, recipients=stored.recipients[:1])))

fault(
    "list-keeps-sender",
    title="What a list sends out keeps the reverse-path of the author",
    breaks=("RFC5321-3.9-02", "RFC5321-3.9.2-01", "RFC5321-3.9.2-02"),
    roles=ROLES,
)(
    lambda rules: _expanded(
        rules, "lists", lambda session, stored: _returning(stored, str(session.transaction.reverse_path)[1:-1])
    )
)

fault(
    "list-tags-subject",
    title="A list puts its name into Subject",
    breaks=("RFC5321-3.9-03",),
    roles=ROLES,
)(
    lambda rules: _expanded(
        rules,
        "lists",
        lambda session, stored: replace(
            stored, octets=stored.octets.replace(b"\r\nSubject: ", b"\r\nSubject: [staff] ", 1)
        ),
    )
)

fault(
    "list-leaves-author-out",
    title="A list does not send a message to the member who wrote it",
    breaks=("RFC5321-3.9-04",),
    roles=ROLES,
)(
    lambda rules: _expanded(
        rules,
        "lists",
        lambda session, stored: replace(
            stored,
            recipients=tuple(
                name for name in stored.recipients if f"<{name}>" != str(session.transaction.reverse_path)
            ),
        ),
    )
)

fault(
    "expn-names-the-list",
    title="EXPN of a list or an alias names it, instead of its mailboxes",
    breaks=("RFC5321-3.5.1-05", "RFC5321-3.5.1-10"),
)(lambda rules: answer(rules, "EXPN", 250, lambda given: given._replace(lines=given.lines[:1])))
