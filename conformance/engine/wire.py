"""Wires over sockets: TCP and Unix sockets under a ``Session``.

One receive buffer serves all connections: the event loop is single-threaded and the octets are copied out at once; a
large buffer per read is what makes asyncio's streams slow.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass

from conformance.engine.session import Session

_BUFFER = memoryview(bytearray(65536))

MAX_UNSENT_OCTETS = 96 * 1024 * 1024
"""What may wait to be sent on one connection; a step sends less."""


class ConnectError(Exception):
    """No connection: ``refused`` where somebody said no, else no answer or no route."""

    def __init__(self, problem: str, *, refused: bool) -> None:
        super().__init__(problem)
        self.refused = refused


class SocketWire(asyncio.BufferedProtocol):
    """A socket under a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._transport: asyncio.Transport | None = None
        session.wire = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; small writes go out at once."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the shared buffer."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Hand octets to the session."""
        self._session.data(bytes(_BUFFER[:nbytes]))

    def eof_received(self) -> bool:
        """The server half-closed: the session has ended."""
        self._session.ended(reset=False)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._session.ended(reset=isinstance(exc, ConnectionResetError | BrokenPipeError))

    def write(self, octets: bytes) -> None:
        """Send octets as one write."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)

    def close(self) -> None:
        """End the connection in order; what can't be sent within a moment is dropped."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.close()

    def abort(self) -> None:
        """End the connection with a RST."""
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:  # it is closed already where the server was quicker
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


@dataclass(frozen=True)
class SocketDialer:
    """Connects sessions to an address."""

    host: str
    port: int
    unix: str | None = None
    source: str | None = None
    timeout: float = 10.0

    async def connect(self, session: Session) -> None:
        """Connect the session. Raises ConnectError."""
        loop = session.loop
        try:
            async with asyncio.timeout(self.timeout):
                if self.unix:
                    await loop.create_unix_connection(lambda: SocketWire(session), self.unix)
                else:
                    source = (self.source, 0) if self.source else None
                    await loop.create_connection(lambda: SocketWire(session), self.host, self.port, local_addr=source)
        except TimeoutError:
            raise ConnectError(f"no answer to the connection within {self.timeout:g} s", refused=False) from None
        except ConnectionRefusedError:
            raise ConnectError("connection refused", refused=True) from None
        except OSError as error:
            raise ConnectError(error.strerror or str(error), refused=False) from None
