"""The listening sink: the suite as the next hop of the target, over real sockets."""

from __future__ import annotations

import asyncio
import re
import smtplib
import socket
from collections.abc import Callable

import pytest

from conformance.observer import ObserverError
from conformance.observer.sink import Sink, listening

TEXT = b"Received: by somebody\r\nSubject: sc-1234\r\n\r\n.dot\r\n"


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def with_sink(where: str, use: Callable[[], None]) -> Sink:
    """Run a client while the sink listens, and return the sink."""

    async def run() -> Sink:
        async with listening(where) as sink:
            await asyncio.to_thread(use)
            return sink

    return asyncio.run(run())


def test_what_is_relayed_is_found_as_it_came() -> None:
    """Octets, reverse-path and forward-path are those of the client: no trace field, no other case."""
    port = free_port()

    def relay() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            recipients = ['"Some One"@Far.example', "b@far.example"]
            client.sendmail("MiXeD@a.example", recipients, TEXT, ["ret=HDRS"], ["NOTIFY=NEVER"])

    sink = with_sink(f"127.0.0.1:{port}", relay)
    (message,) = sink.find(b"sc-1234", '"some one"@far.example')
    assert message.octets == TEXT
    assert message.sender == b"MiXeD@a.example"
    assert message.recipient == b'"Some One"@Far.example'
    assert message.parameters is not None
    assert re.fullmatch(rb"MAIL .*RET=HDRS\nRCPT NOTIFY=NEVER", message.parameters)
    assert message.commands is not None
    said = rb'ehlo [^\n]*\nmail FROM:<MiXeD@a.example> [^\n]*\nrcpt TO:<"Some One"@[^\n]*\nrcpt TO:<b@[^\n]*\ndata'
    assert re.fullmatch(said, message.commands)
    assert len(sink.find(b"sc-1234", "B@far.example")) == 1


def test_other_mail_is_not_found() -> None:
    """Neither another recipient nor another token."""
    port = free_port()

    def relay() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("", ["a@far.example"], TEXT)

    sink = with_sink(f"smtp://127.0.0.1:{port}", relay)
    assert sink.find(b"sc-1234", "b@far.example") == []
    assert sink.find(b"sc-9999", "a@far.example") == []
    assert sink.find(b"sc-1234", "a@far.example")[0].sender == b""


def test_lmtp() -> None:
    """A server that hands over by LMTP finds a sink that speaks it."""
    port = free_port()

    def relay() -> None:
        with smtplib.LMTP("127.0.0.1", port) as client:
            client.sendmail("s@a.example", ["a@far.example"], TEXT)

    sink = with_sink(f"lmtp://127.0.0.1:{port}", relay)
    assert len(sink.find(b"sc-1234", "a@far.example")) == 1


@pytest.mark.parametrize("where", ["nowhere", "127.0.0.1", "imap://127.0.0.1:25"])
def test_what_is_no_place_is_told(where: str) -> None:
    """A sink that can't be is a mistake of the target file."""
    with pytest.raises(ObserverError, match="host:port"):
        with_sink(where, lambda: None)


def test_a_port_in_use_is_told() -> None:
    """Something else listens there already."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ObserverError, match="nothing can listen"):
            with_sink(f"127.0.0.1:{port}", lambda: None)
