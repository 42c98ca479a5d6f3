"""One SMTP session as the player sees it: send octets, wait for the next event, start TLS, hang up.

What carries the octets is a ``Wire`` below it: a socket (``conformance.engine.socket``) or a reference server in memory
(``conformance.engine.memory``). The session makes replies of octets, keeps the transcript, and owns the only timer: one
that is re-armed when it fires, not for each wait.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Collection
from typing import Protocol

from conformance.case.pattern import Closed, Event, Silence, TlsResult
from conformance.engine import certificate
from conformance.engine.certificate import Certificate
from conformance.engine.tls import TlsLayer, TlsSettings
from conformance.smtp.reply import Reply, ReplyParser
from conformance.smtp.transcript import Entry, Transcript

MAX_RECEIVED_OCTETS = 8 * 1024 * 1024
"""What a server may send in one session; beyond it the connection is cut."""

MAX_WAITING_REPLIES = 10_000
"""Replies that nobody has read yet; beyond it the connection is cut."""

HANDSHAKE_SECONDS = 10.0
"""The least that a TLS handshake may take before it counts as failed: it costs the server more than a reply."""

MAX_PARAMETERS = 100
"""How many parameters of one EHLO keyword are noted."""


class Wire(Protocol):
    """What carries octets."""

    def write(self, octets: bytes) -> None:
        """Send octets as one write."""

    def close(self) -> None:
        """End the connection in order (FIN)."""

    def abort(self) -> None:
        """End the connection at once (RST where it can)."""

    # A wire in memory also has ``upgrade(settings) -> bool``, TLS as a mere switch, and ``certificate()``.


class Session:
    """One connection to the target."""

    def __init__(self, number: int, transcript: Transcript) -> None:
        self.number = number
        self.transcript = transcript
        self.loop = asyncio.get_running_loop()
        self.wire: Wire | None = None
        self.offers: frozenset[str] = frozenset()
        """Every EHLO keyword offered in this session so far, in upper case: ``AUTH``, ``AUTH PLAIN`` ..."""
        self.last_reply: Reply | None = None
        """The event read last, where it was a reply."""
        self.entry: Entry | None = None
        """The transcript entry of the event that was read last."""
        self.tls: TlsLayer | None = None
        self._parser = ReplyParser()
        self._events: deque[tuple[Event, Entry]] = deque()
        self._waiter: asyncio.Future[bool] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._received = 0
        self._ended: Closed | None = None
        self._hung_up = False

    # ------------------------------------------------------------------ from the wire

    def data(self, octets: bytes) -> None:
        """Take octets that the server sent."""
        self._received += len(octets)
        if self._received > MAX_RECEIVED_OCTETS:
            self._cut(f"more than {MAX_RECEIVED_OCTETS} octets came: cut off")
            return
        if self.tls is None:
            self._plain(octets)
            return
        octets = self.tls.feed(octets)
        self._flush()
        if octets:
            self._plain(octets)
        if self.tls.handshaking:
            return
        if self.tls.closed:
            self.ended(reset=False)
        self._wake()

    def _plain(self, octets: bytes) -> None:
        for reply in self._parser.feed(octets):
            self._add(reply, self.transcript.add(self.loop.time(), self.number, "S", reply.octets))
        if len(self._events) > MAX_WAITING_REPLIES:
            self._cut(f"more than {MAX_WAITING_REPLIES} replies came unasked: cut off")

    def _cut(self, why: str) -> None:
        """End the connection because the server sends without end."""
        if self._ended is None:
            self._ended = Closed(cut=why)
            self._events.clear()
            self._add(self._ended, self._note("error", why))
            if self.wire is not None:
                self.wire.abort()

    def ended(self, *, reset: bool) -> None:
        """Take the end of the connection."""
        if self._ended is not None:
            return
        rest = self._parser.close()
        if rest is not None and not self._hung_up:
            self._add(rest, self.transcript.add(self.loop.time(), self.number, "S", rest.octets, "unfinished"))
        self._ended = Closed(reset)
        if not self._hung_up:
            self._add(self._ended, self._note("reset" if reset else "close", "by the server"))
        if self.tls is not None:
            self.tls.fail("the connection ended during the handshake")
        self._wake()

    def refused(self) -> None:
        """Take it that no connection could be made."""
        self._ended = Closed(refused=True)
        self._add(self._ended, self._note("refused", "no connection"))

    def _add(self, event: Event, entry: Entry) -> None:
        self._events.append((event, entry))
        self._wake()

    def _note(self, kind: str, detail: str) -> Entry:
        return self.transcript.add(self.loop.time(), self.number, kind, detail=detail)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    # ------------------------------------------------------------------ for the player

    def note_offers(self, reply: Reply) -> None:
        """Note the keywords of a positive EHLO reply, each alone and with each of its parameters."""
        for text in reply.texts[1:]:
            keyword, *parameters = text.decode("latin-1").upper().split() or [""]
            self.offers |= {keyword, *(f"{keyword} {parameter}" for parameter in parameters[:MAX_PARAMETERS])} - {""}

    @property
    def waiting(self) -> int:
        """How many events have come that nobody has read."""
        return len(self._events)

    @property
    def over(self) -> bool:
        """Whether the connection has ended, from either side."""
        return self._ended is not None or self._hung_up

    def send(self, octets: bytes, shown: bytes | None = None) -> None:
        """Send octets in one write; what is sent after the end of the connection is lost.

        ``shown`` stands in the transcript where the octets themselves are a secret.
        """
        self.transcript.add(self.loop.time(), self.number, "C", octets if shown is None else shown)
        if self.over or self.wire is None:
            return
        if self.tls is not None:
            self.tls.send(octets)
            self._flush()
        else:
            self.wire.write(octets)

    def _flush(self) -> None:
        if self.tls is not None and self.wire is not None and (octets := self.tls.outgoing()) and not self.over:
            self.wire.write(octets)

    async def event(self, seconds: float) -> Event:
        """Return the next reply, the end of the connection, or silence after so many seconds."""
        deadline = self.loop.time() + seconds
        while not self._events and not self.over and (left := deadline - self.loop.time()) > 0:
            await self._wait(left)  # which may end early: TLS session tickets come, and are no reply
        if self._events:
            event, self.entry = self._events.popleft()
            self.last_reply = event if isinstance(event, Reply) else None
            return event
        if self.over:
            self.entry = self._note("close", "the connection has ended already")
            return self._ended or Closed()
        self.entry = self._note("silence", f"{seconds:g} s")
        self.last_reply = None
        return Silence(seconds, self._parser.pending)

    async def _wait(self, seconds: float) -> None:
        """Wait until something comes or the time is up."""
        self._deadline = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_at(self._deadline, self._tick)
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _tick(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self.loop.time() >= self._deadline - 1e-6:
            self._waiter.set_result(False)
        else:
            self._timer = self.loop.call_at(self._deadline, self._tick)

    async def start_tls(self, settings: TlsSettings, seconds: float) -> TlsResult:
        """Make a TLS handshake; return how it ended."""
        if self.over or self.wire is None:
            return self._tls_result(False, "the connection has ended")
        upgrade = getattr(self.wire, "upgrade", None)
        if upgrade is not None:
            crossed = bool(upgrade(settings))
            return self._tls_result(crossed, "in memory" if crossed else "the server does not start TLS")
        try:
            layer = TlsLayer(settings)
        except (ssl.SSLError, ValueError) as error:
            return self._tls_result(False, f"these TLS settings are not to be had here: {error}", here=True)
        if layer.error:
            return self._tls_result(False, f"these TLS settings are not to be had here: {layer.error}", here=True)
        self.tls = layer
        self._flush()
        seconds = max(seconds, HANDSHAKE_SECONDS)
        deadline = self.loop.time() + seconds
        while layer.handshaking and self._ended is None:
            left = deadline - self.loop.time()
            if left <= 0:
                return self._tls_result(False, f"no end of the handshake within {seconds:g} s")
            layer.on_change = self._wake
            await self._wait(left)
        if layer.error:
            return self._tls_result(False, layer.error)
        return self._tls_result(True, layer.description)

    def _tls_result(self, established: bool, detail: str, *, here: bool = False) -> TlsResult:
        self.entry = self._note("tls", detail if established else f"failed: {detail}")
        return TlsResult(established, detail, here)

    def certificate(self, names: Collection[str], now: float) -> Certificate:
        """Return what is to be said of the certificate that the server showed. Raises ValueError for a broken one."""
        shown = getattr(self.wire, "certificate", None)
        if shown is not None:
            found: Certificate = shown()
        else:
            der = self.tls.certificate if self.tls is not None else None
            found = certificate.read(der, names, now) if der else certificate.NONE
        self.entry = self._note("certificate", str(found))
        return found

    def hang_up(self, how: str = "close") -> None:
        """End the connection from our side."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._hung_up and self._ended is None:
            self._hung_up = True
            self._note(how, "by the client")
        if self.wire is not None:
            if how == "reset":
                self.wire.abort()
            else:
                self.wire.close()
