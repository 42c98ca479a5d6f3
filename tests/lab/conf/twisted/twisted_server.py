# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
"""Twisted Mail as its documentation sets it up: a delivery that says who gets mail, TLS and AUTH."""

from __future__ import annotations

from typing import Any

from lab_mail import SETTINGS, deliver, refusal
from twisted.cred import checkers, portal
from twisted.internet import defer, reactor, ssl
from twisted.mail import smtp
from twisted.mail.imap4 import LOGINCredentials, PLAINCredentials
from zope.interface import implementer


def recipient(user: Any) -> str:
    """Return the address as the client gave it: the library adds the server's name where there is no domain."""
    return str(user.dest).removesuffix(f"@{SETTINGS['name']}")


@implementer(smtp.IMessage)
class Message:
    """A message on its way to one recipient."""

    def __init__(self, user: Any) -> None:
        self.lines: list[bytes] = []
        self.user = user

    def lineReceived(self, line: Any) -> None:  # noqa: N802
        """Take a line."""
        self.lines.append(line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line)

    def eomReceived(self) -> Any:  # noqa: N802
        """Deliver."""
        deliver(b"".join(line + b"\r\n" for line in self.lines), str(self.user.orig), [recipient(self.user)])
        return defer.succeed(None)

    def connectionLost(self) -> None:  # noqa: N802
        """Forget it."""
        self.lines = []


@implementer(smtp.IMessageDelivery)
class Delivery:
    """Who gets mail here."""

    def __init__(self, authenticated: bool, login: bool) -> None:
        self.authenticated = authenticated
        self.login = login

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:  # noqa: N802
        """Return the trace field, as the documentation's example makes it."""
        return b"Received: from %s ([%s]) by %s with ESMTP; %s" % (
            helo[0],
            helo[1] if isinstance(helo[1], bytes) else str(helo[1]).encode(),
            SETTINGS["name"].encode(),
            smtp.rfc822date(),
        )

    def validateFrom(self, helo: Any, origin: Any) -> Any:  # noqa: N802
        """Take every sender; on the submission ports, after a login."""
        if self.login and not self.authenticated:
            raise smtp.SMTPBadSender(origin, 530, "Authentication required")
        return origin

    def validateTo(self, user: Any) -> Any:  # noqa: N802
        """Accept the lab's users; relay for those who logged in."""
        if refusal(recipient(user), self.authenticated):
            raise smtp.SMTPBadRcpt(user.dest)
        return lambda: Message(user)


@implementer(portal.IRealm)
class Realm:
    """Where logins lead."""

    def __init__(self, login: bool) -> None:
        self.login = login

    def requestAvatar(self, avatar_id: Any, mind: Any, *interfaces: Any) -> Any:  # noqa: N802
        """Return a delivery."""
        known = avatar_id is not checkers.ANONYMOUS
        return smtp.IMessageDelivery, Delivery(known, self.login), lambda: None


context = ssl.DefaultOpenSSLContextFactory(SETTINGS["key"], SETTINGS["certificate"])


class Factory(smtp.SMTPFactory):
    """Makes the sessions of one port."""

    protocol = smtp.ESMTP
    domain = SETTINGS["name"].encode()

    def __init__(self, role: str) -> None:
        database = checkers.InMemoryUsernamePasswordDatabaseDontUse()
        for name, word in SETTINGS["users"].items():
            database.addUser(f"{name}@{SETTINGS['domain']}".encode(), word.encode())
        self.role = role
        door = portal.Portal(Realm(role != "smtp"), [database, checkers.AllowAnonymousAccess()])
        smtp.SMTPFactory.__init__(self, door)

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        """Return a session."""
        session = smtp.SMTPFactory.buildProtocol(self, addr)
        session.host = SETTINGS["name"].encode()
        if self.role != "smtps":
            session.ctx = context
        if self.role != "smtp":
            session.challengers = {b"LOGIN": LOGINCredentials, b"PLAIN": PLAINCredentials}
        return session


for role, port in SETTINGS["ports"].items():
    if role == "smtps":
        reactor.listenSSL(port, Factory(role), context, interface=SETTINGS["host"])
    else:
        reactor.listenTCP(port, Factory(role), interface=SETTINGS["host"])
reactor.run()
