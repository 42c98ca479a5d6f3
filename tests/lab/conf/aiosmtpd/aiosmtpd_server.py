# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
"""aiosmtpd as its documentation sets it up: defaults, a handler that says who gets mail, TLS and AUTH."""

from __future__ import annotations

import asyncio
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from lab_mail import SETTINGS, deliver, password_is, received, refusal, tls_context


class Handler:
    """The two hooks that a mail server on aiosmtpd must have."""

    def __init__(self, tls: bool) -> None:
        self.tls = tls

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        """Accept the lab's users; relay for those who logged in."""
        no = refusal(address, session.authenticated)
        if no is not None:
            return no
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Deliver."""
        sender = envelope.mail_from or ""
        trace = received(session.host_name, session.peer[0], self.protocol(session, envelope))
        deliver(trace + envelope.content, "" if sender == "<>" else sender, envelope.rcpt_tos)
        return "250 OK"

    def protocol(self, session: Any, envelope: Any) -> str:
        """Return how a message came, in the words of RFC 3848 and of RFC 6531 section 4.3."""
        if not session.extended_smtp:
            return "SMTP"
        secure, known = "S" * (self.tls or bool(session.ssl)), "A" * bool(session.authenticated)
        return ("UTF8SMTP" if envelope.smtp_utf8 else "ESMTP") + secure + known


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
    """Check a login."""
    good = isinstance(data, LoginPassword) and password_is(data.login.decode(), data.password.decode())
    return AuthResult(success=good, handled=False)


async def serve() -> None:
    """Listen on the three ports."""
    loop = asyncio.get_running_loop()
    context, ports = tls_context(), SETTINGS["ports"]
    kinds: dict[str, dict[str, Any]] = {
        "smtp": {"tls_context": context, "enable_SMTPUTF8": True},
        "submission": {"tls_context": context, "require_starttls": True, "auth_required": True},
        "smtps": {"auth_required": True, "auth_require_tls": False},  # it counts only STARTTLS as TLS
    }
    for role, options in kinds.items():
        given = {"authenticator": authenticate} | options if role != "smtp" else options

        def protocol(given: dict[str, Any] = given, role: str = role) -> Any:
            return SMTP(Handler(role == "smtps"), loop=loop, hostname=SETTINGS["name"], **given)

        secure = context if role == "smtps" else None
        await loop.create_server(protocol, SETTINGS["host"], ports[role], ssl=secure)
    await loop.create_future()


asyncio.run(serve())
