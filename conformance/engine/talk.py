"""A dialogue by hand with a live server, for commands that look at one without judging it (``doctor``, ``init``)."""

from __future__ import annotations

import asyncio
import base64

from conformance.case.pattern import Event, TlsResult
from conformance.engine.session import Session
from conformance.engine.setting import Setting
from conformance.engine.tls import TlsSettings
from conformance.smtp.reply import Reply
from conformance.smtp.transcript import Transcript


class Talk:
    """One session with a server."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.transcript = Transcript(asyncio.get_running_loop().time())
        self.session = Session(1, self.transcript)
        self.timeout = setting.target.timeout

    @property
    def received(self) -> bytes:
        """What the server has sent so far."""
        return b"".join(entry.octets for entry in self.transcript.entries if entry.kind == "S")

    @property
    def offers(self) -> list[str]:
        """What is offered, keywords with their parameters."""
        every = self.session.offers
        return sorted(word for word in every if not any(other.startswith(f"{word} ") for other in every))

    async def connect(self) -> None:
        """Connect. Raises ConnectError."""
        await self.setting.dialer.connect(self.session)

    async def tls(self, *, verify: bool = False) -> TlsResult:
        """Return how a TLS handshake ends."""
        return await self.session.start_tls(TlsSettings(self.setting.server_name, verify=verify), self.timeout)

    async def event(self) -> Event:
        """Return what the server does next."""
        return await self.session.event(self.timeout)

    async def say(self, line: str) -> Event:
        """Send one command and return what comes of it."""
        return await self.send(line.encode() + b"\r\n")

    async def send(self, octets: bytes) -> Event:
        """Send octets and return what comes of them."""
        self.session.send(octets)
        return await self.event()

    async def hello(self) -> Event:
        """Say EHLO (LHLO) and return what comes of it; the session knows what is offered."""
        target = self.setting.target
        self.session.offers = frozenset()
        answer = await self.say(f"{'LHLO' if target.role == 'lmtp' else 'EHLO'} {target.client}")
        if isinstance(answer, Reply) and answer.code == 250:
            self.session.note_offers(answer)
        return answer

    async def auth(self) -> Event:
        """Authenticate with the target's credentials (PLAIN) and return what comes of it."""
        target = self.setting.target
        return await self.say("AUTH PLAIN " + base64.b64encode(f"\0{target.user}\0{target.password}".encode()).decode())

    async def close(self) -> None:
        """Say QUIT where the server still listens, and hang up."""
        if not self.session.over:
            self.session.send(b"QUIT\r\n")
            await self.session.event(min(2.0, self.timeout))
        self.session.hang_up()


def accepted(event: Event) -> bool:
    """Return whether an event is a positive completion reply."""
    return isinstance(event, Reply) and event.code // 100 == 2


def refused(event: Event) -> bool:
    """Return whether an event is a permanent negative reply."""
    return isinstance(event, Reply) and event.code // 100 == 5
