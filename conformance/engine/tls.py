"""TLS over memory buffers: an ``ssl.SSLObject`` that is fed records and gives octets, without owning a socket.

asyncio's own TLS transport costs ten times the memory a connection, and hides where the border between clear text and
TLS lies; here every octet on either side of the border is ours.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What a client asks for."""

    server_name: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    verify: bool = False


@lru_cache(maxsize=32)
def client_context(minimum: str | None, maximum: str | None, verify: bool) -> ssl.SSLContext:
    """Return the client context for these settings; without ``verify`` any certificate and old ciphers are taken."""
    context = ssl.create_default_context() if verify else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for to see them refused
        if minimum is not None:
            context.minimum_version = VERSIONS[minimum]
        if maximum is not None:
            context.maximum_version = VERSIONS[maximum]
    return context


class TlsLayer:
    """One TLS connection, as client, over two memory buffers."""

    def __init__(self, settings: TlsSettings) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = client_context(settings.minimum, settings.maximum, settings.verify)
        self._object = context.wrap_bio(self._in, self._out, server_hostname=settings.server_name)
        self.handshaking = True
        self.closed = False
        self.error = ""
        self.on_change: Callable[[], None] = lambda: None
        self._handshake()

    def _handshake(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        except (ssl.SSLError, ValueError, OSError) as error:
            self.fail(_words(error))
            return
        self.handshaking = False
        self.on_change()

    def fail(self, why: str) -> None:
        """End a handshake under way as failed."""
        if self.handshaking:
            self.handshaking = False
            self.error = why
            self.on_change()

    @property
    def description(self) -> str:
        """Version and cipher suite."""
        cipher = self._object.cipher()
        return f"{self._object.version()} {cipher[0] if cipher else ''}".strip()

    @property
    def certificate(self) -> bytes | None:
        """The certificate that the server showed, DER."""
        return self._object.getpeercert(binary_form=True)

    def feed(self, records: bytes) -> bytes:
        """Take octets from the wire; return the clear octets that they carry."""
        self._in.write(records)
        if self.handshaking:
            self._handshake()
            if self.handshaking or self.error:
                return b""
        clear = bytearray()
        while not self.closed:
            try:
                octets = self._object.read(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except (ssl.SSLError, ValueError, OSError):
                self.closed = True
                break
            if not octets:
                self.closed = True
            clear += octets
        return bytes(clear)

    def send(self, octets: bytes) -> None:
        """Encrypt octets; ``outgoing`` has the records."""
        view = memoryview(octets)
        try:
            while view:
                view = view[self._object.write(view) :]
        except (ssl.SSLError, ValueError, OSError):
            self.closed = True

    def outgoing(self) -> bytes:
        """Return the octets that go to the wire now."""
        return self._out.read()


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    reason = getattr(error, "reason", None)
    return str(reason).replace("_", " ").lower() if reason else str(error)
