# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
"""aiosmtpd in any version from 1.2 on, with what ``options`` of the settings wants otherwise."""

from __future__ import annotations

import asyncio
import inspect
import smtplib
import ssl
from typing import Any

from aiosmtpd import smtp
from lab_mail import SETTINGS, deliver, is_local, password_is, refusal, tls_context

OPTIONS: dict[str, str] = SETTINGS["options"]


class Handler:
    """Who gets mail, and where it goes."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        """Accept the lab's users; an open relay takes mail for elsewhere too."""
        no = refusal(address, getattr(session, "authenticated", False))
        if no is not None and (is_local(address) or OPTIONS.get("relay") != "open"):
            return no
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Deliver, and relay what is for elsewhere."""
        here = [address for address in envelope.rcpt_tos if is_local(address)]
        elsewhere = [address for address in envelope.rcpt_tos if not is_local(address)]
        deliver(envelope.content, envelope.mail_from or "", here)
        if elsewhere:
            await asyncio.to_thread(relay, envelope.content, envelope.mail_from or "", elsewhere)
        return "250 OK"


def relay(message: bytes, sender: str, recipients: list[str]) -> None:
    """Send a message on to where the suite listens."""
    with smtplib.SMTP(SETTINGS["host"], SETTINGS["ports"]["sink"], timeout=10) as next_hop:
        next_hop.sendmail(sender, recipients, message)


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
    """Check a login."""
    good = isinstance(data, smtp.LoginPassword) and password_is(data.login.decode(), data.password.decode())
    return smtp.AuthResult(success=good, handled=False)


def given() -> dict[str, Any]:
    """Return the arguments for the library."""
    found: dict[str, Any] = {"hostname": SETTINGS["name"], "tls_context": tls_context(), "enable_SMTPUTF8": True}
    if "auth" in OPTIONS:
        found |= {"authenticator": authenticate, "auth_require_tls": OPTIONS["auth"] != "clear"}
    if OPTIONS.get("size") == "none":
        found["data_size_limit"] = None
    if "ident" in OPTIONS:
        found["ident"] = OPTIONS["ident"]
    if "commands" in OPTIONS:
        found["command_call_limit"] = int(OPTIONS["commands"])
    if OPTIONS.get("tls") == "1.0":
        found["tls_context"].set_ciphers("DEFAULT:@SECLEVEL=0")
        found["tls_context"].minimum_version = ssl.TLSVersion.TLSv1
    found["require_starttls"] = OPTIONS.get("starttls") == "required"
    known = inspect.signature(smtp.SMTP.__init__).parameters
    return {name: value for name, value in found.items() if name in known}


async def serve() -> None:
    """Listen."""
    loop = asyncio.get_running_loop()
    await loop.create_server(
        lambda: smtp.SMTP(Handler(), loop=loop, **given()), SETTINGS["host"], SETTINGS["ports"]["smtp"]
    )
    await loop.create_future()


asyncio.run(serve())
