"""The start ladder: the shortest honest way to the state a case is about. Failing here is never the case's failure."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from conformance.case.model import START_LADDER
from conformance.engine.outcome import BackOff, Stop
from conformance.engine.tls import TlsSettings

if TYPE_CHECKING:
    from conformance.engine.player import Play
    from conformance.engine.session import Session
    from conformance.smtp.reply import Reply


async def climb(play: Play, session: Session, start: str, impact: str) -> None:
    """Bring a connected session to a state. Raises Stop (inconclusive) or BackOff (the server asks us to wait)."""
    play.commands[session.number], play.owed[session.number] = "CONNECT", 1
    wanted = START_LADDER.index(start)
    target = play.setting.target
    if start in ("tcp", "connect"):
        return
    await _greeting(play, session)
    if start == "greeting":
        return
    await ehlo(play, session)
    ready = wanted >= START_LADDER.index("ready")
    submission = target.role == "submission" and target.credentials
    auth = start == "auth" or bool(ready and submission)
    secured = target.tls == "implicit"
    tls = start == "tls" or (not secured and target.tls == "starttls" and (ready or auth))
    if (auth or start == "secure") and not secured and "STARTTLS" in session.offers:
        tls = True
    if tls:
        await _tls(play, session)
    if auth:
        await _auth(play, session)
    await transaction(play, session, start)


async def transaction(play: Play, session: Session, start: str) -> None:
    """Go up from ``ready`` to a state in a transaction; where that is below, there is nothing to do."""
    for name, rung in _TRANSACTION:
        if START_LADDER.index(start) >= START_LADDER.index(name):
            await rung(play, session)


async def ask(play: Play, session: Session, line: bytes, expected: str, what: str, shown: str | None = None) -> Reply:
    """Send one command and return its reply, which has the expected class; anything else ends the play."""
    play.no_unsolicited(session)
    play.asks(session, what)
    session.send(line + b"\r\n")
    return await play.need(session, expected, f"needed {expected} to {shown or line.decode('utf-8', 'replace')}", what)


async def _greeting(play: Play, session: Session) -> None:
    code = str(play.case.needs.greeting or 220)
    reply = await play.need(session, code, f"needed a {code} greeting", "greeting")
    play.named((reply.message.split() or [play.setting.target.host])[0].encode("latin-1", "replace"))


async def ehlo(play: Play, session: Session) -> None:
    """Send EHLO (LHLO); the session notes what is offered."""
    verb = "LHLO" if play.setting.target.role == "lmtp" else "EHLO"
    await ask(play, session, verb.encode() + b" " + play.setting.target.client.encode(), "250", verb)


async def _tls(play: Play, session: Session) -> None:
    if "STARTTLS" not in session.offers:
        raise Stop("n/a", "STARTTLS is not offered")
    await ask(play, session, b"STARTTLS", "220", "STARTTLS")
    result = await session.start_tls(TlsSettings(play.setting.server_name), play.timeout)
    if not result.established:
        raise Stop("inconclusive", f"set-up: the TLS handshake failed: {result.detail}")
    await ehlo(play, session)


async def _auth(play: Play, session: Session) -> None:
    target = play.setting.target
    if "AUTH" not in session.offers:
        raise Stop("n/a", "AUTH is not offered")
    response = base64.b64encode(f"\0{target.user}\0{target.password}".encode())
    await ask(play, session, b"AUTH PLAIN " + response, "235", "AUTH", "AUTH PLAIN ********")


async def _mail(play: Play, session: Session) -> None:
    await ask(play, session, b"MAIL FROM:<" + play.values["sender"] + b">", "250", "MAIL")


async def _rcpt(play: Play, session: Session) -> None:
    await ask(play, session, b"RCPT TO:<" + play.values["recipient"] + b">", "25x", "RCPT")


async def _data(play: Play, session: Session) -> None:
    await ask(play, session, b"DATA", "354", "DATA")


_Rung = Callable[["Play", "Session"], Awaitable[None]]
_TRANSACTION: tuple[tuple[str, _Rung], ...] = (("mail", _mail), ("rcpt", _rcpt), ("data", _data))

__all__ = ["BackOff", "Stop", "ask", "climb", "ehlo", "transaction"]
