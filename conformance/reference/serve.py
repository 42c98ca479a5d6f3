"""The reference server on sockets: a thin asyncio shell.

``Connection`` does what the actions of a ``Server`` say and knows no SMTP. TLS goes through ``ssl.SSLObject`` over
memory buffers, not through asyncio's own transport: octets before and after the border between clear text and TLS
stay under control (RFC 3207 section 4), and a connection costs a tenth of the memory. All connections of a listener
share one receive buffer, and each has one timer that is armed again only when it goes off.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import tempfile
import threading
import warnings
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from .actions import Action, Close, Reset, StartTls, Wait
from .certificate import Certificate, make
from .faults import Fault
from .server import Server
from .site import Site

Tls = Literal["none", "starttls", "implicit"]

_RECEIVE = 65536
"""Octets read at once."""
_LINGER = 2.0
"""Seconds for which a closed connection waits for the client, so that the last reply is not lost to a reset."""
_WEAK = ("short-key", "weak-signature")
"""Certificates that OpenSSL shows only where it is told to be careless."""
_ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: close with a reset."""


class Endpoint:
    """Where a server listens, and what its connections share."""

    def __init__(self, site: Site, faults: Sequence[Fault | str], host: str, tls: Tls) -> None:
        self.site = replace(site, tls=site.tls and tls == "starttls")
        self.faults = tuple(faults)
        self.host = host
        self.port = 0
        self.tls = tls
        self.buffer = memoryview(bytearray(_RECEIVE))
        self.connections: set[Connection] = set()
        self._contexts: dict[tuple[tuple[str, Any], ...], ssl.SSLContext] = {}

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate, made when it is first needed."""
        return make(self.site.host)

    @property
    def ca_pem(self) -> bytes:
        """The certificate of the authority that a client has to trust, PEM."""
        return self.certificate.ca

    def context(self, changes: Iterable[tuple[str, Any]]) -> ssl.SSLContext:
        """Return the TLS settings, made once for each set of changes that faults ask for."""
        key = tuple(sorted(changes))
        if key not in self._contexts:
            self._contexts[key] = self._context(dict(key))
        return self._contexts[key]

    def _context(self, changes: dict[str, Any]) -> ssl.SSLContext:
        """Return TLS settings: TLS 1.2 and 1.3 with the usual ciphers (RFC 9325), unless changed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # faults ask for old versions
            context.minimum_version = changes.get("minimum_version", ssl.TLSVersion.TLSv1_2)
            context.maximum_version = changes.get("maximum_version", ssl.TLSVersion.MAXIMUM_SUPPORTED)
        if context.minimum_version < ssl.TLSVersion.TLSv1_2 or changes.get("certificate") in _WEAK:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        if "ciphers" in changes:
            context.set_ciphers(changes["ciphers"])
        kind = changes.get("certificate", "valid")
        certificate = self.certificate if kind == "valid" else make(self.site.host, kind)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "server.pem")
            file.touch(mode=0o600)
            file.write_bytes(certificate.key + certificate.chain)
            context.load_cert_chain(file)
        return context


class Connection(asyncio.BufferedProtocol):
    """One connection: input to the server, the server's actions to the socket."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._server = Server(endpoint.site, endpoint.faults)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Action] = deque()
        """Actions that wait for a ``Wait`` to end."""
        self._waiting: asyncio.TimerHandle | None = None
        self._tls: Layer | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or with implicit TLS shake hands first."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._endpoint.connections.add(self)
        self._active = self._loop.time()
        self._timer = self._loop.call_later(self._server.idle_timeout, self._idle)
        if not self._server.rules.listens(self._endpoint.site):
            self._reset()
        elif self._endpoint.tls == "implicit":
            self._start_tls()
        else:
            self._perform(self._server.connected(self.peer))

    @property
    def peer(self) -> str:
        """The client's address."""
        name = self._transport.get_extra_info("peername")
        return str(name[0]) if name else "127.0.0.1"

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer that all connections share: it is emptied before anything else can run."""
        return self._endpoint.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand octets to the server, through TLS where it is active; half a command does not put the timeout off."""
        if self._closing:
            return
        octets = bytes(self._endpoint.buffer[:nbytes])
        if self._tls is None:
            self._perform(self._server.receive(octets))
        else:
            self._read_tls(octets)
        if not self._server.midway:
            self._active = self._loop.time()

    def eof_received(self) -> bool:
        """Let the server finish; the transport stays open until it has."""
        if self._closing:
            self._transport.abort()
        else:
            self._perform(self._server.eof())
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel everything; the transaction that was open is gone (RFC5321-4.1.1.10-05)."""
        self._endpoint.connections.discard(self)
        self._closing = True
        self._timer.cancel()
        if self._waiting is not None:
            self._waiting.cancel()
        self._queue.clear()
        self._server.eof()

    def pause_writing(self) -> None:
        """Read no more commands from a client that does not read its replies."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        if self._waiting is None:
            self._transport.resume_reading()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def _idle(self) -> None:
        """End a connection on which nothing came for too long, or come back when that would be so."""
        left = self._active + self._server.idle_timeout - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._idle)
        elif self._closing or (self._tls is not None and not self._tls.established):
            self._transport.abort()
        else:
            self._perform(self._server.timeout())

    # Actions

    def _perform(self, actions: list[Action]) -> None:
        if self._waiting is not None:
            self._queue += actions
            return
        for number, action in enumerate(actions):
            if isinstance(action, bytes):
                self._send(action)
            elif isinstance(action, Wait):
                self._queue += actions[number + 1 :]
                self._transport.pause_reading()
                self._waiting = self._loop.call_later(action.seconds, self._go_on)
                return
            elif isinstance(action, StartTls):
                self._start_tls()
            elif isinstance(action, Close):
                self._close()
            elif isinstance(action, Reset):
                self._reset()

    def _go_on(self) -> None:
        self._waiting = None
        actions = list(self._queue)
        self._queue.clear()
        if not self._closing:
            self._transport.resume_reading()
            self._perform(actions)

    def _send(self, octets: bytes) -> None:
        if not self._closing and octets:
            self._transport.write(octets if self._tls is None else self._tls.write(octets))

    def _close(self) -> None:
        """Send close_notify (RFC8314-3.4-01) and FIN, and wait a little for the client to close too."""
        if self._closing:
            return
        self._closing = True
        if self._tls is not None and self._server.rules.tls.get("close_notify", True):
            self._transport.write(self._tls.finish())
        with contextlib.suppress(OSError):
            self._transport.write_eof()
        self._timer.cancel()
        self._timer = self._loop.call_later(_LINGER, self._transport.abort)

    def _reset(self) -> None:
        self._closing = True
        raw = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._transport.abort()

    # TLS

    def _start_tls(self) -> None:
        self._tls = Layer(self._endpoint.context(self._server.rules.tls.items()))

    def _read_tls(self, octets: bytes) -> None:
        layer = self._tls
        assert layer is not None
        was_established = layer.established
        try:
            clear = layer.read(octets)
        except ssl.SSLError:  # RFC3207-X-02: nothing but this connection may suffer
            self._transport.write(layer.pending())
            self._transport.close()
            self._closing = True
            return
        self._transport.write(layer.pending())
        if layer.established and not was_established:
            if self._endpoint.tls == "implicit":
                self._perform(self._server.connected(self.peer, tls=True, cipher=layer.cipher))
            else:
                self._perform(self._server.tls_established(layer.cipher))
        if clear:
            self._perform(self._server.receive(clear))
        if layer.ended and not self._closing:
            self._perform(self._server.eof())


class Layer:
    """TLS over memory buffers: TLS records in, clear octets out, and the other way round."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side=True)
        self.established = False
        self.ended = False
        """Whether the client sent close_notify."""

    def read(self, records: bytes) -> bytes:
        """Take TLS records; return the clear octets in them. Raise ssl.SSLError when they are wrong."""
        self._in.write(records)
        clear: list[bytes] = []
        with contextlib.suppress(ssl.SSLWantReadError):
            if not self.established:
                self._object.do_handshake()
                self.established = True
            while octets := self._object.read(_RECEIVE):
                clear.append(octets)
            self.ended = True
        return b"".join(clear)

    def write(self, octets: bytes) -> bytes:
        """Return clear octets as TLS records."""
        with contextlib.suppress(ssl.SSLError):
            self._object.write(octets)
        return self._out.read()

    def pending(self) -> bytes:
        """Return records that have to go out: handshake messages, alerts."""
        return self._out.read()

    def finish(self) -> bytes:
        """Return the close_notify alert."""
        with contextlib.suppress(ssl.SSLError):
            self._object.unwrap()
        return self._out.read()

    @property
    def cipher(self) -> str:
        """The cipher suite, "" where OpenSSL's name for it is not the registered one (before TLS 1.3)."""
        suite = self._object.cipher()
        return suite[0] if suite and suite[0].startswith("TLS_") else ""


@contextlib.asynccontextmanager
async def serving(
    site: Site | None = None,
    *,
    faults: Sequence[Fault | str] = (),
    host: str = "127.0.0.1",
    port: int = 0,
    tls: Tls = "starttls",
) -> AsyncIterator[Endpoint]:
    """Serve a site on a port (0: any free one) while the block runs."""
    endpoint = Endpoint(site or Site(), faults, host, tls)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(endpoint), host, port, backlog=1024)
    endpoint.port = server.sockets[0].getsockname()[1]
    try:
        yield endpoint
    finally:
        server.close()
        for connection in list(endpoint.connections):
            connection.abort()
        await server.wait_closed()


class ServingThread:
    """The same in a thread of its own, for programs without an event loop: ``with ServingThread() as endpoint:``."""

    def __init__(
        self,
        site: Site | None = None,
        *,
        faults: Sequence[Fault | str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls = "starttls",
    ) -> None:
        self._serving = serving(site, faults=faults, host=host, port=port, tls=tls)
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="smtp-reference-server", daemon=True)
        self._endpoint: Endpoint | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Endpoint:
        self._thread.start()
        self._started.wait()
        if self._endpoint is None:
            self._thread.join()
            raise self._error or RuntimeError("the server did not start")
        return self._endpoint

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # handed to the thread that started this one
            self._error = error
        finally:
            self._started.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._serving as self._endpoint:
            self._started.set()
            await self._stop.wait()
