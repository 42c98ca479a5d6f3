"""Delivery status notifications (RFC 3461 section 6, RFC 3464): "delivered" or "expanded" for NOTIFY=SUCCESS, "failed".

This server knows at the end of data whether it can deliver, so it refuses instead of sending failure notices later;
what remains is mail that the next hop refuses (RFC 5321 section 3.6.3).
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
Subject: {subject}
Date: {date}
Message-ID: <{identity}@{host}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=us-ascii

{said}

{names}

--{boundary}
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}
{envelope}
{fields}
--{boundary}
Content-Type: {kind}

{returned}
--{boundary}--
"""


def wanted(session: Session, recipients: list[Recipient]) -> list[Recipient]:
    """Return the recipients of whose delivery the sender wants to know; nobody is told about a null reverse-path."""
    if session.transaction.reverse_path.mailbox is None:  # RFC3461-5.2-01
        return []
    return [r for r in recipients if "SUCCESS" in (r.parameters.get("NOTIFY") or "").upper().split(",")]


def delivered(session: Session, recipients: list[Recipient], message: bytes, identity: str) -> list[Stored]:
    """Return the notice for those who asked for one (RFC3461-5.2.3-01, -02, RFC3461-6.1-01).

    It says "expanded" of an alias, and then nothing of its mailboxes (RFC3461-5.2.7.3-01).
    """
    told = session.rules.wanted(session, recipients)
    expanded = [recipient for recipient in told if recipient.local in session.site.aliases]
    told = [recipient for recipient in told if recipient not in expanded]
    return [
        *(_notice(session, told, message, f"{identity}.dsn", "delivered") if told else ()),
        *(_notice(session, expanded, message, f"{identity}.expanded", "expanded") if expanded else ()),
    ]


def failed(session: Session, recipients: list[Recipient], message: bytes, identity: str) -> list[Stored]:
    """Return the "failed" notice about those whom the next hop refused, for the sender (RFC5321-3.6.3-01, -05).

    None is sent about a notice (RFC5321-3.6.3-04), nor about those with NOTIFY=NEVER or without FAILURE (RFC 3461).
    """
    told = [r for r in recipients if "FAILURE" in (r.parameters.get("NOTIFY") or "FAILURE").upper().split(",")]
    if not told or session.transaction.reverse_path.mailbox is None:
        return []
    return _notice(session, told, message, f"{identity}.failed", "failed")


_WORDS = {
    "delivered": ("Successful delivery", "Your message was delivered to:", "2.1.5"),
    "expanded": ("Successful delivery", "Your message was passed on to the mailboxes of:", "2.1.5"),
    "failed": ("Undelivered mail", "Your message could not be delivered to:", "5.1.1"),
}
"""For each action of RFC 3464: the subject, what is said of the recipients, and their status."""


_SAID = "550 5.1.1 No such mailbox"
"""What the next hop replies to RCPT for those whom it refuses."""


def _notice(session: Session, told: list[Recipient], message: bytes, identity: str, action: str) -> list[Stored]:
    subject, said, status = _WORDS[action]
    site, transaction = session.site, session.transaction
    envid = xtext.decode(transaction.parameters.get("ENVID") or "")
    to = written(transaction.reverse_path)
    # Without failures, and with RET=HDRS, only the header comes back (RFC3461-6.2-02, -03).
    whole = action == "failed" and (transaction.parameters.get("RET") or "").upper() == "FULL"
    text = _TEMPLATE.format(
        host=site.host,
        to=to,
        date=trace.date(site.clock()),
        subject=subject,
        said=said,
        identity=identity,
        boundary=f"=_{identity.partition('.')[0]}",
        names="\n".join(f"  {recipient.path}" for recipient in told),
        envelope=f"Original-Envelope-Id: {envid}\n" if envid else "",  # RFC3461-6.3-01
        fields="\n".join(_fields(recipient, action, status) for recipient in told),
        kind="message/rfc822" if whole else "text/rfc822-headers",
        returned="{returned}",
    )
    # What comes back may hold any octets.
    top, bottom = text.replace("\n", "\r\n").encode().split(b"{returned}")
    octets = top + (message if whole else trace.header(message)).removesuffix(b"\r\n") + bottom
    return [Stored("", (to,), octets, id=identity)]


def _fields(recipient: Recipient, action: str, status: str) -> str:
    """Return the fields about one recipient (RFC3461-6.3-03, -04)."""
    kind, _, address = (recipient.parameters.get("ORCPT") or "").partition(";")
    original = f"Original-Recipient: {kind}; {xtext.decode(address) or address}\n" if kind else ""
    kind = "rfc822" if str(recipient.path).isascii() else "utf-8"
    said = f"Diagnostic-Code: smtp; {_SAID}\n" if action == "failed" else ""  # RFC3461-9.2-01
    final = f"Final-Recipient: {kind}; {written(recipient.path)}\n"
    return f"{original}{final}Action: {action}\nStatus: {status}\n{said}"
