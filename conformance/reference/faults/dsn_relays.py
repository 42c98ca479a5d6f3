"""Faults of DSN where mail goes to the next hop, or can't (RFC 3461 sections 5.2.1, 5.2.6, 5.2.7 and 6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from conformance.reference import notification
from conformance.reference.change import on_store
from conformance.reference.faults import fault
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.reference.site import Role, Stored, written

ROLES: tuple[Role, ...] = ("submission", "relay")
Parameters = Mapping[str, str | None]


def _passed_on(
    rules: Rules, mail: Callable[[Parameters], Parameters], rcpt: Callable[[Parameters], Parameters]
) -> Rules:
    """Change the parameters of MAIL and RCPT that the next hop gets."""

    def changed(session: Session, stored: Stored) -> Stored:
        if stored.octets.startswith(b"Return-Path:") or not stored.recipient_parameters:
            return stored
        recipients = tuple(map(rcpt, stored.recipient_parameters))
        return replace(stored, parameters=mail(stored.parameters), recipient_parameters=recipients)

    return on_store(rules, changed)


def _without(*names: str) -> Callable[[Parameters], Parameters]:
    return lambda parameters: {name: value for name, value in parameters.items() if name not in names}


def _with(**values: str) -> Callable[[Parameters], Parameters]:
    return lambda parameters: {**values, **parameters}


def _changed(name: str, change: Callable[[str], str]) -> Callable[[Parameters], Parameters]:
    return lambda parameters: {n: change(v) if n == name and v else v for n, v in parameters.items()}


fault(
    "relay-dsn-lost",
    title="The parameters of DSN end here: the next hop gets none",
    breaks=(
        "RFC3461-5-01",
        "RFC3461-5.2.1-01",
        "RFC3461-5.2.1-02",
        "RFC3461-5.2.1-03",
        "RFC3461-5.2.1-04",
    ),
    roles=ROLES,
)(lambda rules: _passed_on(rules, _without("ENVID", "RET"), _without("NOTIFY", "ORCPT")))

fault(
    "relay-dsn-decoded",
    title="ENVID and ORCPT go to the next hop decoded, and in lower case",
    breaks=("RFC3461-5.2.1-01", "RFC3461-5.2.1-04"),
    roles=ROLES,
)(
    lambda rules: _passed_on(
        rules,
        _changed("ENVID", lambda value: value.replace("+2B", "+")),
        _changed("ORCPT", lambda value: value.replace("+2B", "+").lower()),
    )
)

fault(
    "relay-dsn-invented",
    title="The next hop is asked for notifications that nobody wants",
    breaks=("RFC3461-5.2.1-01", "RFC3461-5.2.1-02", "RFC3461-5.2.1-03"),
    roles=ROLES,
)(lambda rules: _passed_on(rules, _with(ENVID="1", RET="HDRS"), _with(NOTIFY="FAILURE")))

fault(
    "relay-orcpt-invented",
    title="An ORCPT is added that holds another address than that of RCPT",
    breaks=("RFC3461-5.2.1-05",),
    roles=ROLES,
)(lambda rules: _passed_on(rules, dict, _with(ORCPT="rfc822;other@lab.test")))


def _told(rules: Rules, choose: Callable[[Recipient], bool], *, of_notices: bool = False) -> Rules:
    """Report other failures than the sender asked for; ``of_notices``: those of notices too."""

    def failures(session: Session, refused: list[Recipient], message: bytes, identity: str) -> list[Stored]:
        told = [recipient for recipient in refused if choose(recipient)]
        path = session.transaction.reverse_path
        if path.mailbox is None:
            told = [recipient for recipient in told if of_notices and _notify(recipient)]
        if not told:
            return []
        notices = notification._notice(session, told, message, f"{identity}.failed", "failed")
        author = re.search(rb"From: <([^>]*)>", message)
        to = written(path) or (author[1].decode() if author else "")
        return [replace(notice, recipients=(to,)) for notice in notices]

    return replace(rules, failures=failures)


def _notify(recipient: Recipient) -> str:
    return (recipient.parameters.get("NOTIFY") or "").upper()


fault(
    "failure-only-when-asked",
    title="A failure is reported only where NOTIFY names FAILURE",
    breaks=("RFC3461-5.2.6-01", "RFC5321-3.6.3-01"),
    roles=ROLES,
)(lambda rules: _told(rules, lambda recipient: "FAILURE" in _notify(recipient)))

fault(
    "failure-with-notify-silent",
    title="A failure is not reported where NOTIFY is given",
    breaks=("RFC3461-5.2.6-01",),
    roles=ROLES,
)(lambda rules: _told(rules, lambda recipient: not _notify(recipient)))

fault(
    "failure-always",
    title="A failure is reported whatever NOTIFY says",
    breaks=("RFC3461-5.2.6-02", "RFC3461-5.2.8-01"),
    roles=ROLES,
)(lambda rules: _told(rules, lambda recipient: True))

fault(
    "failure-of-notice-when-asked",
    title="A notice that can't be delivered is reported where NOTIFY asks for it",
    breaks=("RFC3461-5.2-01",),
    roles=ROLES,
)(
    lambda rules: _told(
        rules,
        lambda recipient: "FAILURE" in (_notify(recipient) or "FAILURE"),
        of_notices=True,
    )
)


def _written(rules: Rules, change: Callable[[bytes], bytes], **parameters: str) -> Rules:
    """Change the notices of failure, and the parameters of MAIL with which they are sent."""
    before = rules.failures

    def failures(session: Session, refused: list[Recipient], message: bytes, identity: str) -> list[Stored]:
        notices = before(session, refused, message, identity)
        return [replace(notice, octets=change(notice.octets), parameters=parameters) for notice in notices]

    return replace(rules, failures=failures)


_RETURNED = re.compile(rb"(?<=\r\n\r\n)A line of the text\.(?:\r\n)?")


def _text_dropped(octets: bytes) -> bytes:
    return _RETURNED.sub(b"", octets)


def _text_added(octets: bytes) -> bytes:
    return octets if _RETURNED.search(octets) else octets + b"A line of the text.\r\n"


for _name, _title, _breaks, _change in (
    ("failure-without-text", "RET=FULL brings the header alone back", "RFC3461-6.2-02", _text_dropped),
    ("failure-with-text", "RET=HDRS brings the text back too", "RFC3461-6.2-02", _text_added),
    (
        "failure-own-words",
        "The diagnostic code is the server's own text",
        "RFC3461-9.2-01",
        lambda octets: octets.replace(b"smtp; 550 5.1.1 No such mailbox", b"smtp; 550 Permanent failure"),
    ),
    (
        "failure-folds-case",
        "The recipient stands in notices of failure in lower case",
        "RFC3461-9.1-01",
        lambda octets: re.sub(rb"(?<=Final-Recipient: rfc822; )[^\r]*", lambda found: found[0].lower(), octets),
    ),
    (
        "failure-unqualified-mta",
        "The reporting host names itself without a domain",
        "RFC3461-9.3-01",
        lambda octets: octets.replace(b"Reporting-MTA: dns; mx.lab.test", b"Reporting-MTA: dns; mx"),
    ),
):
    fault(_name, title=_title, breaks=(_breaks,), roles=ROLES)(
        lambda rules, change=_change: _written(rules, change)  # type: ignore[misc]
    )

fault(
    "failure-asks-for-notices",
    title="Notices of failure are sent with RET",
    breaks=("RFC3461-6.1-02",),
    roles=ROLES,
)(lambda rules: _written(rules, bytes, RET="HDRS"))


# Lists and aliases


def _delivered(rules: Rules, choose: Callable[[Session, Recipient], int]) -> Rules:
    """Send another number of notices of delivery about some recipients."""
    before = rules.notices

    def notices(session: Session, recipients: list[Recipient], message: bytes, identity: str) -> list[Stored]:
        return [
            notice
            for recipient in recipients
            for notice in before(session, [recipient], message, identity) * choose(session, recipient)
        ]

    return replace(rules, notices=notices)


fault(
    "list-delivery-not-reported",
    title="Delivery to a list is never reported",
    breaks=("RFC3461-5.2.7.1-01",),
)(lambda rules: _delivered(rules, lambda session, recipient: int(recipient.local not in session.site.lists)))

fault(
    "alias-delivery-reported-for-each",
    title="Delivery to an alias is reported once for each of its mailboxes",
    breaks=("RFC3461-5.2.7.3-01",),
)(lambda rules: _delivered(rules, lambda session, recipient: len(session.site.aliases.get(recipient.local, (1,)))))
