"""Faults of answering for messages, of time, and of policy (RFC 5321 sections 4.2.5, 4.5.3.2, 7.2, RFC 1123)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import trace
from conformance.reference.actions import Action, Close, Wait
from conformance.reference.change import (
    answer,
    grammar,
    handled,
    on_actions,
    on_reply,
    on_store,
    stored,
    without_command,
)
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Stored
from conformance.reference.transaction import rcpt

fault(
    "message-lost",
    title="Messages are answered with 250 and lost",
    breaks=("RFC5321-2.1-01", "RFC5321-4.2.5-01"),
    # What is looked for in a mailbox is not there.
    also_trips=("*",),
)(lambda rules: on_store(rules, lambda session, stored: None))


@fault(
    "message-refused-and-delivered",
    title="A message is refused and delivered all the same",
    breaks=("RFC5321-4.2.5-04",),
    # 2yz to the text is asked for in all of them, or nothing in the mailbox.
    also_trips=(
        "rfc*",
        "security/smuggling/smuggled-message*",
    ),
)
def _refused_and_delivered(rules: Rules) -> Rules:
    def keep(session: Session, octets: bytes) -> Reply | None:
        session.rules.deliver(session, octets, session.site.next_id())
        return None

    return replace(rules, checks=(keep, *rules.checks), deliver=rules.deliver)


def _with_field(stored: Stored, name: str) -> Stored:
    field = f"{name}: {', '.join(f'<{recipient}>' for recipient in stored.recipients)}\r\n"
    return replace(stored, octets=field.encode() + stored.octets)


fault(
    "envelope-in-header",
    title="Every recipient of the envelope is told in Apparently-To",
    breaks=("RFC5321-7.2-01", "RFC5321-7.2-03", "RFC5321-7.2-04", "RFC5321-7.6-01"),
)(lambda rules: on_store(rules, lambda session, stored: _with_field(stored, "Apparently-To")))


@fault(
    "header-recipients-served",
    title="Everybody who is named in the header gets the message",
    breaks=("RFC5321-AppC-07",),
    also_trips=("rfc5321/3.3-mail-transactions/transactions-do-not-mix",),
)
def _header_recipients(rules: Rules) -> Rules:
    named = re.compile(rb"^(?:To|Cc|Bcc|Resent-To|Apparently-To): *<([^<>]+@lab\.test)>", re.MULTILINE)

    def serve(session: Session, stored: Stored) -> Stored:
        names = {name.decode("latin-1").lower() for name in named.findall(trace.header(stored.octets))}
        others = sorted(names - {name.lower() for name in stored.recipients})
        return replace(stored, recipients=(*stored.recipients, *others))

    return on_store(rules, serve)


fault(
    "idle-one-minute",
    title="A session that is idle for a minute ends",
    breaks=("RFC5321-4.5.3.2.7-01", "RFC1123-5.3.2-01"),
    also_trips=("rfc5321/4.5.3.2-timeouts/slow-command",),
)(lambda rules: replace(rules, idle_timeout=60.0))

fault(
    "idle-half-a-minute",
    title="A session in which nothing comes for half a minute ends, in the middle of a command too",
    breaks=("RFC5321-4.5.3.2.7-01", "RFC5321-4.5.3.2.7-03", "RFC1123-5.3.2-01"),
)(lambda rules: replace(rules, idle_timeout=30.0))

fault(
    "idle-without-421",
    title="An idle session ends without a word",
    breaks=("RFC5321-4.5.3.2.7-02",),
)(lambda rules: replace(rules, idle=lambda session: None))

fault(
    "idle-two-minutes-without-421",
    title="A session that is idle for two minutes ends without a word",
    breaks=("RFC5321-4.5.3.2.7-01", "RFC1123-5.3.2-01", "RFC5321-4.5.3.2.7-02", "RFC5321-4.5.3.2.7-03"),
)(lambda rules: replace(rules, idle_timeout=120.0, idle=lambda session: None))


@fault(
    "idle-two-minutes-forgotten",
    title="A session that was idle for two minutes ends at the next command",
    breaks=("RFC5321-4.5.3.2.7-01", "RFC1123-5.3.2-01", "RFC5321-4.5.3.2.7-03"),
)
def _forgotten(rules: Rules) -> Rules:
    def idle(session: Session) -> None:
        session.memory["forgotten"] = True

    def act(session: Session, actions: list[Action]) -> list[Action]:
        return [] if session.memory.pop("forgotten", False) else actions or ([Close()] if session.closed else [])

    return on_actions(replace(rules, idle_timeout=120.0, idle=idle), act)


@fault(
    "idle-421-stays-open",
    title="An idle session is told 421, and the connection stays open",
    breaks=("RFC5321-4.5.3.2.7-02",),
)
def _stays(rules: Rules) -> Rules:
    def act(session: Session, actions: list[Action]) -> list[Action]:
        idle = any(isinstance(action, bytes) and b"idle for too long" in action for action in actions)
        return [action for action in actions if not isinstance(action, Close)] if idle else actions

    return on_actions(rules, act)


fault(
    "recipient-reply-late",
    title="The reply to RCPT takes a minute",
    breaks=("RFC1123-5.2.7-03",),
)(lambda rules: on_reply(rules, _late, "RCPT"))


def _late(session: Session, event: str, given: Reply) -> list[Action]:
    return [Wait(60.0), session.rules.render(given)]


fault(
    "literal-unreadable",
    title="An address literal in RCPT is a syntax error",
    breaks=("RFC1123-5.2.17-01", "RFC5321-4.1.3-07", "RFC1123-5.2.17-02"),
)(lambda rules: handled(rules, "RCPT", _no_literal))


def _no_literal(session: Session, argument: str) -> Reply | None:
    return reply(501, "5.1.3", "Bad address") if "@[" in argument else rcpt(session, argument)


fault(
    "header-route-refused",
    title="A message with a source route in its header is refused",
    breaks=("RFC1123-5.2.19-01",),
)(lambda rules: replace(rules, checks=(_no_route, *rules.checks)))


def _no_route(session: Session, octets: bytes) -> Reply | None:
    return reply(554, "5.6.0", "Bad header") if re.search(rb"(?m)^To: <@", octets) else None


fault(
    "recipient-251-without-path",
    title="A recipient is accepted with 251, as one to be forwarded, and the reply does not say where to",
    breaks=("RFC5321-4.2.3-01",),
)(lambda rules: answer(rules, "RCPT", 250, reply(251, "2.1.5", "User not local; will forward")))

fault(
    "recipient-521",
    title="A mailbox that does not exist is refused with 521",
    breaks=("RFC7504-3-03", "RFC5321-4.3.2-11", "RFC5248-2.4-01", "RFC7504-5.1-01"),
    also_trips=(
        "rfc5321/3.3-mail-transactions/unknown-recipient*",
        "rfc6409-submission/4-mandatory-actions/code-for-improper-commands*",
        "rfc6531-smtputf8/3.3-addresses/recipient",
    ),
)(lambda rules: answer(rules, "RCPT", 550, lambda given: given._replace(code=521)))

fault(
    "domain-number",
    title="A number after a number sign is a domain",
    breaks=("RFC5321-F.4-01",),
    # A domain is ASCII then.
    also_trips=("rfc6531-smtputf8/3.3-addresses/sender*",),
)(lambda rules: grammar(rules, label="[#A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?"))


fault(
    "header-folding-undone",
    title="Folded header fields are unfolded on the way",
    breaks=("RFC1123-5.2.6-01",),
    roles=("relay",),
)(lambda rules: stored(rules, lambda octets: octets.replace(b"X-Folded: a\r\n\t", b"X-Folded: a ")))

fault(
    "local-part-interpreted",
    title="A percent sign in a local part is taken for a route",
    breaks=("RFC1123-5.2.16-01",),
    roles=("relay",),
)(lambda rules: on_store(rules, _percent))


def _percent(session: Session, stored: Stored) -> Stored:
    return replace(stored, recipients=tuple(recipient.partition("%")[0] for recipient in stored.recipients))


fault(
    "postmaster-not-from-nobody",
    title="Mail to postmaster is refused from the null reverse-path",
    breaks=("RFC5321-4.5.1-06",),
)(lambda rules: handled(rules, "RCPT", _not_from_nobody))


def _not_from_nobody(session: Session, argument: str) -> Reply | None:
    if session.transaction.reverse_path.mailbox is None and "postmaster@" in argument.lower():
        return reply(550, "5.1.1", "No such mailbox here")
    return rcpt(session, argument)


def _missing(name: str, *verbs: str) -> None:
    listed = " and ".join(", ".join(verbs).rsplit(", ", 1))
    fault(
        name,
        title=f"{listed} {'are' if len(verbs) > 1 else 'is'} not recognised",
        breaks=("RFC5321-4.5.1-01", "RFC5321-4.3.2-05"),
        # Everything that sends such a command where it is no premise.
        also_trips=("rfc*",),
    )(lambda rules: without_command(rules, *verbs))


_missing("mail-unknown", "MAIL")
_missing("rcpt-unknown", "RCPT")
_missing("data-unknown", "DATA")
_missing("simple-commands-unknown", "RSET", "NOOP", "QUIT")
