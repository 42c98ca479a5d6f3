"""Faults of relaying: which mail is taken for elsewhere, and what reaches the next hop (RFC 5321 sections 2.3, 3.6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference import policy
from conformance.reference.change import answer, checked, on_store
from conformance.reference.faults import fault
from conformance.reference.faults._seen import POSTFIX
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.reference.site import Role, Stored
from conformance.smtp.address import Path


def _relayed(rules: Rules, change: Callable[[Session, Stored], Stored]) -> Rules:
    """Change what goes to the next hop; what is delivered here stays as it is."""

    def changed(session: Session, stored: Stored) -> Stored:
        local = session.site.role not in ("relay", "submission") or stored.octets.startswith(b"Return-Path:")
        return stored if local else change(session, stored)

    return on_store(rules, changed)


def _recipients(rules: Rules, change: Callable[[str], str]) -> Rules:
    """Change the recipients that the next hop gets."""
    return _relayed(
        rules, lambda session, stored: replace(stored, recipients=tuple(change(name) for name in stored.recipients))
    )


def _header(rules: Rules, pattern: bytes, new: bytes) -> Rules:
    """Rewrite the header that the next hop gets."""
    find = re.compile(pattern, re.MULTILINE)
    return _relayed(rules, lambda session, stored: replace(stored, octets=find.sub(new, stored.octets, count=1)))


ROLES: tuple[Role, ...] = ("submission", "relay")

fault(
    "relay-refused-554",
    title="Mail for elsewhere is declined with 554",
    breaks=(
        "RFC5321-3.6.2-01",
        "RFC5321-7.9-03",
    ),
    seen_in=(POSTFIX,),
)(lambda rules: answer(rules, "RCPT", 550, lambda given: given._replace(code=554) if "elay" in given.text else given))


@fault(
    "relay-completes-domains",
    title="A domain of one label is completed to a domain of this site",
    breaks=("RFC5321-5.1-03", "RFC5321-2.3.5-01"),
)
def _completes(rules: Rules) -> Rules:
    def recipient(session: Session, path: Path) -> Recipient | object:
        mailbox = path.mailbox
        if mailbox is not None and mailbox.domain and "." not in mailbox.domain and mailbox.literal is None:
            path = replace(path, mailbox=replace(mailbox, domain=session.site.domains[0]))
        return policy.recipient(session, path)

    return replace(rules, recipient=recipient)  # type: ignore[arg-type]


fault(
    "relay-loses-mail",
    title="Mail for elsewhere is accepted and goes nowhere",
    breaks=("RFC5321-2.1-01", "RFC5321-3.6.1-05"),
    # What is looked for in a relayed message is not there.
    also_trips=("rfc*",),
    roles=ROLES,
)(lambda rules: _recipients(rules, lambda name: "lost@lost.example"))

fault(
    "relay-one-recipient",
    title="Of several recipients elsewhere only the first gets the message",
    breaks=("RFC5321-2.1-01", "RFC5321-3.3-07"),
    roles=ROLES,
)(lambda rules: _relayed(rules, lambda session, stored: replace(stored, recipients=stored.recipients[:1])))

fault(
    "relay-folds-case",
    title="The local parts of recipients and senders go to the next hop in lower case",
    breaks=("RFC5321-2.3.11-01", "RFC5321-2.4-04", "RFC1123-5.2.16-01", "RFC6409-8.8-01"),
    roles=ROLES,
)(
    lambda rules: _relayed(
        _recipients(rules, str.lower),
        lambda session, stored: replace(stored, reverse_path=stored.reverse_path.lower()),
    )
)

fault(
    "relay-rewrites-local-parts",
    title="Characters that have a meaning elsewhere are taken out of local parts on the way to the next hop",
    breaks=("RFC5321-2.3.11-01", "RFC5321-2.4-04", "RFC1123-5.2.16-01", "RFC6409-8.8-01"),
    roles=ROLES,
)(lambda rules: _recipients(rules, lambda name: re.sub(r"[%!+=/ -](?=.*@)|(?<=e)@(?=one\")", "_", name)))


def _as_written(session: Session, name: str) -> str:
    found = (r.path.text[1:-1] for r in session.transaction.recipients if str(r.path.mailbox) == name)
    return next(found, name)


fault(
    "relay-paths-as-written",
    title="Quotes and source routes go to the next hop as they came",
    breaks=(
        "RFC5321-4.1.2-22",
        "RFC5321-3.6.1-03",
        "RFC5321-AppC-04",
        "RFC5321-4.1.1.3-04",
        "RFC5321-3.3-10",
        "RFC1123-5.2.6-04",
    ),
    roles=ROLES,
)(
    lambda rules: _relayed(
        rules,
        lambda session, stored: replace(
            stored, recipients=tuple(_as_written(session, name) for name in stored.recipients)
        ),
    )
)

fault(
    "relay-route-in-sender",
    title="The hosts of a source route are put in front of the reverse-path",
    breaks=("RFC5321-4.1.1.3-05", "RFC5321-AppC-05"),
    roles=ROLES,
)(lambda rules: _relayed(rules, _routed))


def _routed(session: Session, stored: Stored) -> Stored:
    route = session.transaction.recipients[0].path.route
    return replace(stored, reverse_path=f"@{route[0]}:{stored.reverse_path}") if route else stored


fault(
    "relay-backslashes-doubled",
    title="A backslash in a quoted local part goes to the next hop as a character of the mailbox",
    breaks=("RFC5321-4.1.2-28",),
    roles=ROLES,
)(lambda rules: _recipients(rules, lambda name: name.replace(",", "\\\\,") if name.startswith('"') else name))

# Text and header

fault(
    "relay-footer",
    title="A relay adds a line to every message, and breaks long lines",
    breaks=("RFC5321-2.3.10-01", "RFC5321-3.6.3-06"),
    roles=ROLES,
    also_trips=(
        "rfc5321/2.3.10-relay/dots-doubled",
        "rfc5321/2.3.10-relay/*",
    ),
)(
    lambda rules: _relayed(
        rules, lambda session, stored: replace(stored, octets=_wrapped(stored.octets) + b"-- \r\nSent by lab.test\r\n")
    )
)


def _wrapped(octets: bytes) -> bytes:
    return re.sub(rb"([^\r\n]{900})", rb"\1\r\n", octets)


fault(
    "relay-text-tidied",
    title="White space at line ends, empty lines in a row and odd MIME are tidied up on the way",
    breaks=("RFC5321-2.3.10-01", "RFC5321-3.6.3-06"),
    roles=ROLES,
)(lambda rules: _relayed(rules, lambda session, stored: replace(stored, octets=_tidy(stored.octets))))


def _tidy(octets: bytes) -> bytes:
    top, blank, text = octets.partition(b"\r\n\r\n")
    text = re.sub(rb"[ \t]+\r\n", b"\r\n", text).replace(b"\r\n\r\n\r\n", b"\r\n\r\n").replace(b"=ZZ", b"?")
    return top + blank + re.sub(rb"^From ", b">From ", text, flags=re.MULTILINE)


_REORDERED = ("RFC5322-3.6-02",)
_TRACE = ("RFC5322-3.6-03",)

for _name, _title, _pattern, _new, _more in (
    ("bcc-removed", "Bcc is taken out of the header", rb"^Bcc:.*\r\n", b"", ()),
    ("dates-repaired", "Date fields that are no dates are taken out", rb"^Date: yesterday\r\n", b"", ()),
    ("header-sorted", "Subject is moved to the top", rb"\A([\s\S]*?)^(Subject:.*\r\n)", rb"\2\1", _REORDERED),
    ("trace-merged", "Received fields of others are taken out", rb"(?<=\n)^Received: by (?:b|c)\..*\r\n", b"", _TRACE),
    ("addresses-completed", "Addresses get a domain", rb"^To: somebody,", b"To: somebody@lab.test,", ()),
    ("header-refolded", "Folded fields are unfolded", rb"\r\n\tb\r", b" b\r", ()),
    ("header-routes-removed", "Source routes are taken out of the header", rb"<@hop\.example:", b"<", ()),
):
    fault(
        f"relay-{_name}",
        title=f"{_title} by a relay",
        breaks=("RFC5321-3.6.3-06", "RFC1123-5.2.6-01", *_more),
        roles=ROLES,
    )(lambda rules, pattern=_pattern, new=_new: _header(rules, pattern, new))  # type: ignore[misc]

# Notifications


def _failures(rules: Rules, report: Callable[..., list[Stored]]) -> Rules:
    """Report in another way what the next hop refused; ``report`` gets the right one and its arguments."""
    before = rules.failures
    return replace(rules, failures=lambda *given: report(before, *given))


def _notices(rules: Rules, change: Callable[[bytes], bytes] = bytes, sender: str = "") -> Rules:
    """Change the notifications about mail that the next hop refused."""
    before = rules.failures

    def failures(session: Session, refused: list[Recipient], message: bytes, identity: str) -> list[Stored]:
        made = before(session, refused, message, identity)
        return [replace(notice, octets=change(notice.octets), reverse_path=sender) for notice in made]

    return replace(rules, failures=failures)


fault(
    "notice-never",
    title="Mail that the next hop refuses is lost without a word",
    breaks=("RFC5321-3.6.3-01", "RFC5321-2.1-01", "RFC5321-6.1-02", "RFC5321-4.4-21"),
    roles=ROLES,
)(lambda rules: replace(rules, failures=lambda session, refused, message, identity: []))

fault(
    "notice-for-one",
    title="Of several recipients whom the next hop refuses only the first is reported",
    breaks=("RFC5321-4.4-23", "RFC5321-3.6.3-01"),
    roles=ROLES,
)(lambda rules: _failures(rules, lambda before, session, refused, *given: before(session, refused[:1], *given)))

fault(
    "notice-of-one-at-most",
    title="Where the next hop refuses several recipients nobody is told",
    breaks=("RFC5321-4.4-23", "RFC5321-3.6.3-01"),
    roles=ROLES,
)(
    lambda rules: _failures(
        rules,
        lambda before, session, refused, *given: before(session, refused, *given) if len(refused) == 1 else [],
    )
)

fault(
    "notice-for-each",
    title="Each recipient whom the next hop refuses is reported in a notification of its own",
    breaks=("RFC5321-4.4-22",),
    roles=ROLES,
)(
    lambda rules: _failures(
        rules,
        lambda before, session, refused, *given: [n for each in refused for n in before(session, [each], *given)],
    )
)

fault(
    "notice-only-of-all",
    title="Nobody is told of a recipient whom the next hop refuses while others take the message",
    breaks=("RFC5321-4.4-21", "RFC5321-3.6.3-01"),
    roles=ROLES,
)(
    lambda rules: _failures(
        rules,
        lambda before, session, refused, *given: (
            before(session, refused, *given) if len(refused) == len(session.transaction.recipients) else []
        ),
    )
)


@fault(
    "message-refused-for-next-hop",
    title="A message is refused to all of its recipients when the next hop refuses one",
    breaks=("RFC5321-4.4-20",),
    roles=ROLES,
)
def _refused_for_one(rules: Rules) -> Rules:
    def ask(session: Session, message: bytes) -> Reply | None:
        names = [str(recipient.path) for recipient in session.transaction.recipients]
        refused = [name for name in names if name.startswith("<unreachable")]
        return reply(550, "5.1.1", "A recipient was refused") if refused and len(refused) < len(names) else None

    return checked(rules, ask)


@fault(
    "message-lost-for-next-hop",
    title="Nobody gets a message of whose recipients the next hop refuses one",
    breaks=("RFC5321-4.4-20",),
    roles=ROLES,
)
def _lost_for_one(rules: Rules) -> Rules:
    def lose(session: Session, message: Stored) -> Stored | None:
        names = [str(recipient.path) for recipient in session.transaction.recipients]
        return None if message.commands and any(name.startswith("<unreachable") for name in names) else message

    return on_store(rules, lose)


fault(
    "notice-with-sender",
    title="Notifications come from postmaster instead of the null reverse-path",
    breaks=("RFC5321-3.6.3-05", "RFC5321-4.5.5-01"),
    roles=ROLES,
)(lambda rules: _notices(rules, sender="postmaster@mx.lab.test"))

fault(
    "notice-plain-text",
    title="Notifications are plain text, without the parts of a delivery status notification",
    breaks=("RFC5321-3.6.3-02",),
    roles=ROLES,
)(
    lambda rules: _notices(
        rules, lambda octets: octets.replace(b"multipart/report; report-type=delivery-status;", b"a/b;")
    )
)

fault(
    "notice-without-date",
    title="Notifications have no Date field",
    breaks=("RFC5322-3.6-04",),
    roles=ROLES,
)(lambda rules: _notices(rules, lambda octets: re.sub(rb"Date: [^\r]*\r\n", b"", octets, count=1)))

fault(
    "notice-without-message-id",
    title="Notifications have no Message-ID",
    breaks=("RFC5322-3.6-05", "RFC5322-3.6.4-02"),
    roles=ROLES,
)(lambda rules: _notices(rules, lambda octets: re.sub(rb"Message-ID: [^\r]*\r\n", b"", octets, count=1)))

fault(
    "notice-odd-addresses",
    title="Addresses in notifications have comments and spaces in them",
    breaks=("RFC5322-3.4.1-01",),
    roles=ROLES,
)(lambda rules: _notices(rules, lambda octets: re.sub(rb"<postmaster@", b"<postmaster (the) @ ", octets, count=1)))


@fault(
    "notice-about-notice",
    title="Mail with the null reverse-path that can't be delivered is reported to its author",
    breaks=("RFC5321-3.6.3-04", "RFC5321-4.5.4-02", "RFC3461-5.2-01"),
    roles=ROLES,
)
def _about_notice(rules: Rules) -> Rules:
    before = rules.failures

    def failures(session: Session, refused: list[Recipient], message: bytes, identity: str) -> list[Stored]:
        author = re.search(rb"From: <([^>]*)>", message)
        if session.transaction.reverse_path.mailbox is not None or author is None or not refused:
            return before(session, refused, message, identity)
        return [Stored("", (author[1].decode(),), b"Subject: Undelivered\r\n\r\n" + message, id=identity)]

    return replace(rules, failures=failures)
