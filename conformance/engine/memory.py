"""Wires in memory: a session joined straight to a reference server; no ports, no threads, and time may be virtual.

TLS is a mere switch here: no handshake is computed, both ends take the border as crossed. What comes in the clear where
a handshake is due ends the connection, as it would be no TLS record.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from conformance.engine.certificate import NONE, Certificate
from conformance.engine.session import Session
from conformance.engine.tls import VERSIONS, TlsSettings
from conformance.engine.wire import ConnectError
from conformance.reference.actions import Action, Close, Reset, StartTls, Wait
from conformance.reference.server import Server


class MemoryWire:
    """A reference server under a session."""

    def __init__(self, session: Session, server: Server) -> None:
        self._session = session
        self._server = server
        self._loop = session.loop
        self._actions: deque[Action] = deque()
        self._waiting = False
        self._over = False
        self._tls_offered = False
        self._greets_in_tls = False
        self._idle_timer: asyncio.TimerHandle | None = None
        session.wire = self

    def start(self, *, tls: bool) -> None:
        """Begin the session: the server greets, or waits for the handshake that comes first."""
        self._tls_offered = self._greets_in_tls = tls
        if not tls:
            self._take(self._server.connected())

    def write(self, octets: bytes) -> None:
        """Give octets to the server, after what is under way."""
        self._loop.call_soon(self._receive, octets)

    def _receive(self, octets: bytes) -> None:
        if self._over:
            return
        if self._tls_offered and not self._server.rules.keep_clear_octets:
            self._server.eof()
            self._end()
            self._session.ended(reset=False)
            return
        actions = self._server.receive(octets)
        if actions or not self._server.midway:
            self._take(actions)

    def certificate(self) -> Certificate:
        """Return what is wrong with the certificate: what a fault says of it."""
        if not self._server.session.tls:
            return NONE
        kind = str(self._server.rules.tls.get("certificate", "valid"))
        return Certificate(frozenset({kind} - {"valid"}), f"in memory, {kind}")

    def upgrade(self, settings: TlsSettings) -> bool:
        """Cross into TLS where the server has asked for it, and has such a version; return whether it had."""
        rules = self._server.rules
        oldest = rules.tls.get("minimum_version", ssl.TLSVersion.TLSv1_2)
        newest = rules.tls.get("maximum_version", ssl.TLSVersion.TLSv1_3)
        if not _versions(settings).intersection(range(oldest, newest + 1)):
            return False
        under_way = any(isinstance(action, StartTls) for action in self._actions)
        if self._over or not (self._tls_offered or under_way):
            return False
        self._tls_offered = False
        self._actions = deque(action for action in self._actions if not isinstance(action, StartTls))
        self._loop.call_soon(self._upgraded)
        return True

    def _upgraded(self) -> None:
        if self._over:
            return
        if self._greets_in_tls:
            self._greets_in_tls = False
            self._take(self._server.connected(tls=True))
        else:
            self._take(self._server.tls_established())

    def close(self) -> None:
        """The client hung up."""
        self._loop.call_soon(self._client_closed)

    def _client_closed(self) -> None:
        if not self._over:
            self._server.eof()
            self._end()

    def abort(self) -> None:
        """The client reset the connection."""
        self.close()

    def _end(self) -> None:
        self._over = True
        self._actions.clear()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _take(self, actions: list[Action]) -> None:
        self._actions.extend(actions)
        if not self._waiting:
            self._act()

    def _act(self) -> None:
        self._waiting = False
        while self._actions and not self._over:
            action = self._actions.popleft()
            if isinstance(action, bytes):
                self._session.data(action)
            elif isinstance(action, Wait):
                self._waiting = True
                self._loop.call_later(action.seconds, self._act)
                return
            elif isinstance(action, StartTls):
                self._tls_offered = True
            elif isinstance(action, Close | Reset):
                self._end()
                self._session.ended(reset=isinstance(action, Reset))
        self._watch()

    def _watch(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        if not self._over:
            self._idle_timer = self._loop.call_later(self._server.idle_timeout, self._idled)

    def _idled(self) -> None:
        self._idle_timer = None
        if not self._over:
            self._take(self._server.timeout())


def _versions(settings: TlsSettings) -> set[int]:
    """Return the versions that a client would take."""
    lowest = VERSIONS[settings.minimum or "TLSv1.2"]
    highest = VERSIONS[settings.maximum or "TLSv1.3"]
    return {version for version in VERSIONS.values() if lowest <= version <= highest}


@dataclass(frozen=True)
class MemoryDialer:
    """Connects sessions to servers in memory, a new one for each."""

    server: Callable[[], Server | None]
    tls: bool = False

    async def connect(self, session: Session) -> None:
        """Connect the session. Raises ConnectError where there is no server, or it does not listen."""
        server = self.server()
        if server is None or not server.rules.listens(server.session.site):
            raise ConnectError("connection refused", refused=True)
        wire = MemoryWire(session, server)
        if self.tls:
            wire.start(tls=True)
        else:
            session.loop.call_soon(lambda: wire.start(tls=False))
