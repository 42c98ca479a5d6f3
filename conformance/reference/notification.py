"""Delivery status notifications (RFC 3461 section 6, RFC 3464): written for recipients with NOTIFY=SUCCESS.

This server knows at the end of data whether it can deliver, so it refuses instead of sending failure notices later
(RFC 5321 section 3.6.3); "delivered" is the one notice that remains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import trace
from .extension import xtext
from .site import Stored, written

if TYPE_CHECKING:
    from .session import Recipient, Session

_TEMPLATE = """\
From: Mail Delivery System <postmaster@{host}>
To: <{to}>
Subject: Successful delivery
Date: {date}
Message-ID: <{identity}.dsn@{host}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=us-ascii

Your message was delivered to:

{names}

--{boundary}
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}
{envelope}
{fields}
--{boundary}
Content-Type: text/rfc822-headers

{header}
--{boundary}--
"""


def wanted(session: Session, recipients: list[Recipient]) -> list[Recipient]:
    """Return the recipients of whose delivery the sender wants to know; nobody is told about a null reverse-path."""
    if session.transaction.reverse_path.mailbox is None:  # RFC3461-5.2-01
        return []
    return [r for r in recipients if "SUCCESS" in (r.parameters.get("NOTIFY") or "").upper().split(",")]


def delivered(session: Session, recipients: list[Recipient], message: bytes, identity: str) -> list[Stored]:
    """Return the "delivered" notice for those who asked for one (RFC3461-5.2.3-01, -02, RFC3461-6.1-01)."""
    told = session.rules.wanted(session, recipients)
    if not told:
        return []
    site, transaction = session.site, session.transaction
    envid = xtext.decode(transaction.parameters.get("ENVID") or "")
    to = written(transaction.reverse_path)
    text = _TEMPLATE.format(
        host=site.host,
        to=to,
        date=trace.date(site.clock()),
        identity=identity,
        boundary=f"=_{identity}",
        names="\n".join(f"  {recipient.path}" for recipient in told),
        envelope=f"Original-Envelope-Id: {envid}\n" if envid else "",  # RFC3461-6.3-01
        fields="\n".join(_fields(recipient) for recipient in told),
        header="{header}",
    )
    # Without failures only the header comes back (RFC3461-6.2-03); it may hold any octets.
    top, bottom = text.replace("\n", "\r\n").encode().split(b"{header}")
    octets = top + trace.header(message).removesuffix(b"\r\n") + bottom
    return [Stored("", (to,), octets, id=f"{identity}.dsn")]


def _fields(recipient: Recipient) -> str:
    """Return the fields about one recipient (RFC3461-6.3-03, -04)."""
    kind, _, address = (recipient.parameters.get("ORCPT") or "").partition(";")
    original = f"Original-Recipient: {kind}; {xtext.decode(address) or address}\n" if kind else ""
    kind = "rfc822" if str(recipient.path).isascii() else "utf-8"
    return f"{original}Final-Recipient: {kind}; {written(recipient.path)}\nAction: delivered\nStatus: 2.1.5\n"
