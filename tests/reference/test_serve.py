"""The shell on sockets, with the standard library's client."""

import asyncio
import smtplib
import socket
import ssl
import struct
from dataclasses import replace

import pytest

from conformance.reference import Close, Reset, Site, Wait
from conformance.reference.actions import Action
from conformance.reference.faults import Fault
from conformance.reference.rules import Rules
from conformance.reference.serve import Endpoint, ServingThread, serving
from conformance.reference.session import Session
from conformance.reference.site import Limits

MESSAGE = "Subject: hello\r\n\r\n.leading dot\r\n"


def trusting(endpoint: Endpoint) -> ssl.SSLContext:
    """Return a client's TLS settings that trust the endpoint and check everything."""
    context = ssl.create_default_context(cadata=endpoint.ca_pem.decode())
    if hasattr(ssl, "VERIFY_X509_STRICT"):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def actions_fault(name: str, *actions: Action) -> Fault:
    """Return a fault that does these actions instead of answering NOOP."""

    def change(rules: Rules) -> Rules:
        def instead(session: Session, wanted: list[Action]) -> list[Action]:
            return list(actions) if session.line == b"noop" else wanted

        return replace(rules, on_actions=(instead,))

    return Fault(name, name, (), change, "test")


class TestDialogue:
    def test_clear_text(self) -> None:
        """A message is accepted over a socket and stored."""
        site = Site()
        with ServingThread(site) as endpoint, smtplib.SMTP(endpoint.host, endpoint.port) as client:
            client.sendmail("sender@example.net", ["alice@lab.test"], MESSAGE)
        assert site.store[0].octets.endswith(b"\r\n\r\n.leading dot\r\n")

    def test_starttls(self) -> None:
        """A strict client trusts the certificate, and the session is a new one after the handshake."""
        site = Site()
        with ServingThread(site) as endpoint, smtplib.SMTP("localhost", endpoint.port) as client:
            assert client.starttls(context=trusting(endpoint))[0] == 220
            assert client.docmd("MAIL FROM:<>")[0] == 503
            client.sendmail("sender@example.net", ["alice@lab.test"], MESSAGE)
            assert not client.has_extn("starttls")
        assert site.store[0].tls
        assert b"with ESMTPS id" in site.store[0].octets
        assert b"\r\n tls TLS_" in site.store[0].octets

    def test_implicit_tls(self) -> None:
        """The handshake comes before the greeting."""
        with ServingThread(tls="implicit") as endpoint:
            context = trusting(endpoint)
            with smtplib.SMTP_SSL(endpoint.host, endpoint.port, context=context) as client:
                assert client.noop()[0] == 250

    def test_three_hundred_clients(self) -> None:
        """Three hundred connections at once are all served."""

        async def visit(endpoint: Endpoint) -> bytes:
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            await reader.readline()
            writer.write(b"EHLO client.example.net\r\nQUIT\r\n")
            octets = await reader.read()
            writer.close()
            return octets

        async def main() -> list[bytes]:
            async with serving(Site(limits=Limits(sessions=300))) as endpoint:
                return await asyncio.gather(*(visit(endpoint) for _ in range(300)))

        replies = asyncio.run(main())
        assert len(replies) == 300
        assert all(reply.endswith(b"\r\n221 2.0.0 mx.lab.test closing connection\r\n") for reply in replies)


class TestEnds:
    def connect(self, endpoint: Endpoint) -> socket.socket:
        """Connect and read the greeting."""
        client = socket.create_connection((endpoint.host, endpoint.port), timeout=10)
        client.recv(1000)
        return client

    def test_idle_client_gets_421(self) -> None:
        """Silence ends with 421 and a close."""
        with ServingThread(Site(idle_timeout=0.05)) as endpoint, self.connect(endpoint) as client:
            assert client.recv(1000) == b"421 4.4.2 mx.lab.test idle for too long, closing connection\r\n"
            assert client.recv(1000) == b""

    def test_half_closed_client_gets_its_replies(self) -> None:
        """All commands before the client's FIN are answered."""
        with ServingThread() as endpoint, self.connect(endpoint) as client:
            client.sendall(b"NOOP\r\n")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1000) == b"250 2.0.0 OK\r\n"
            assert client.recv(1000) == b""

    def test_broken_handshake_hurts_nobody_else(self) -> None:
        """Clear text where TLS records belong ends that connection only."""
        with ServingThread() as endpoint, self.connect(endpoint) as other:
            with self.connect(endpoint) as client:
                client.sendall(b"STARTTLS\r\n")
                assert client.recv(1000).startswith(b"220 ")
                client.sendall(b"NOOP\r\n")
                while client.recv(1000):
                    pass
            other.sendall(b"NOOP\r\n")
            assert other.recv(1000) == b"250 2.0.0 OK\r\n"

    @pytest.mark.parametrize("actions", [(b"2", Wait(0.01), b"50 late\r\n", Close())])
    def test_wait_delays_what_follows(self, actions: tuple[Action, ...]) -> None:
        """Octets after a Wait come later, in order."""
        with ServingThread(faults=[actions_fault("wait", *actions)]) as endpoint, self.connect(endpoint) as client:
            client.sendall(b"noop\r\n")
            assert client.recv(1) == b"2"
            assert client.makefile("rb").read() == b"50 late\r\n"

    def test_reset(self) -> None:
        """Reset cuts the connection with RST."""
        with ServingThread(faults=[actions_fault("reset", Reset())]) as endpoint, self.connect(endpoint) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
            client.sendall(b"noop\r\n")
            with pytest.raises(ConnectionResetError):
                client.recv(1000)

    def test_port_in_use(self) -> None:
        """The thread's error reaches the caller."""
        with ServingThread() as endpoint, pytest.raises(OSError), ServingThread(port=endpoint.port):
            pass
