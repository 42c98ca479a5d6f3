"""Faults of time: replies are alike, and how long they take tells what they hide."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.actions import Action, Wait
from conformance.reference.change import answer, on_reply
from conformance.reference.faults import fault
from conformance.reference.policy import lookup
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.smtp.address import Path

LOOKED_UP = 0.02
"""How long it takes to look for a mailbox that exists, or to hash a password, in seconds."""


def _slowly(session: Session, given: Reply) -> list[Action]:
    return [Wait(LOOKED_UP), session.rules.render(given)]


def _line_names_a_mailbox(session: Session) -> bool:
    """Whether the local part in a command is that of a mailbox here."""
    words = session.line.decode("latin-1").replace("<", " ").replace(":", " ").split("@")[0].split()
    return lookup(session, words[-1]) is not None


@fault(
    "rcpt-slow-for-mailboxes",
    title="Every name is accepted; RCPT takes longer where there is a mailbox",
    breaks=("SEC-TIME-MAILBOX", "RFC5321-3.3-08", "RFC5321-4.2.5-04", "SEC-RELAY-CATCH-ALL"),
    also_trips=("security/relay/delivered*", "rfc2033-lmtp/4-changes-to-smtp/data-without-recipient*"),
)
def _rcpt(rules: Rules) -> Rules:
    before = rules.recipient

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        found = before(session, path)
        return Recipient(path, "postmaster") if isinstance(found, Reply) and found.status == "5.1.1" else found

    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        return _slowly(session, given) if _line_names_a_mailbox(session) else given

    return on_reply(replace(rules, recipient=recipient), change, "RCPT", 250)


@fault(
    "vrfy-slow-for-mailboxes",
    title="VRFY always says that it can't tell; it takes longer where there is a mailbox",
    breaks=("SEC-TIME-MAILBOX",),
)
def _vrfy(rules: Rules) -> Rules:
    can_not_tell = reply(252, "2.5.0", "Cannot VRFY user, but will take mail for it")

    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        return _slowly(session, given) if _line_names_a_mailbox(session) else given

    return on_reply(answer(answer(rules, "VRFY", 250, can_not_tell), "VRFY", 550, can_not_tell), change, "VRFY", 252)


@fault(
    "login-slow-for-users",
    title="A password is hashed only where the user exists, so that a failed login takes longer then",
    breaks=("SEC-TIME-USER",),
)
def _login(rules: Rules) -> Rules:
    before = rules.authenticate

    def authenticate(session: Session, user: str, password: str) -> bool:
        session.memory["hashed"] = user in session.site.users
        return before(session, user, password)

    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        return _slowly(session, given) if session.memory.pop("hashed", False) else given

    return on_reply(replace(rules, authenticate=authenticate), change, "AUTH", 535)
