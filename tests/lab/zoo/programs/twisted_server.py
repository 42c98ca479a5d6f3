# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
"""Twisted Mail without TLS and AUTH, with what ``options`` of the settings wants otherwise."""

from __future__ import annotations

import smtplib
from typing import Any

from lab_mail import SETTINGS, deliver, is_local, refusal
from twisted.internet import reactor, threads
from twisted.mail import smtp
from zope.interface import implementer

OPTIONS: dict[str, str] = SETTINGS["options"]


def relay(message: bytes, sender: str, recipient: str) -> None:
    """Send a message on to where the suite listens."""
    with smtplib.SMTP(SETTINGS["host"], SETTINGS["ports"]["sink"], timeout=10) as next_hop:
        next_hop.sendmail(sender, [recipient], message)


@implementer(smtp.IMessage)
class Message:
    """A message on its way to one recipient."""

    def __init__(self, user: Any) -> None:
        self.lines: list[bytes] = []
        self.user = user

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        """Take a line."""
        self.lines.append(line + b"\r\n")

    def eomReceived(self) -> Any:  # noqa: N802
        """Deliver, or relay what is for elsewhere."""
        message, sender, recipient = b"".join(self.lines), str(self.user.orig), str(self.user.dest)
        if is_local(recipient):
            return threads.deferToThread(deliver, message, sender, [recipient])
        return threads.deferToThread(relay, message, sender, recipient)

    def connectionLost(self) -> None:  # noqa: N802
        """Forget it."""
        self.lines = []


@implementer(smtp.IMessageDelivery)
class Delivery:
    """Who gets mail here."""

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:  # noqa: N802
        """Return the trace field."""
        return b"Received: by " + SETTINGS["name"].encode()

    def validateFrom(self, helo: Any, origin: Any) -> Any:  # noqa: N802
        """Take every sender."""
        return origin

    def validateTo(self, user: Any) -> Any:  # noqa: N802
        """Accept the lab's users; an open relay takes mail for elsewhere too."""
        address = str(user.dest)
        if refusal(address, False) and (is_local(address) or OPTIONS.get("relay") != "open"):
            raise smtp.SMTPBadRcpt(user.dest)
        return lambda: Message(user)


class Factory(smtp.SMTPFactory):
    """Makes the sessions."""

    protocol = smtp.ESMTP
    domain = SETTINGS["name"].encode()

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        """Return a session."""
        session = smtp.SMTPFactory.buildProtocol(self, addr)
        session.host, session.delivery = self.domain, Delivery()
        return session


reactor.listenTCP(SETTINGS["ports"]["smtp"], Factory(), interface=SETTINGS["host"])
reactor.run()
