"""Servers that do odd things, on loopback ports; each handles its connections in threads."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Odd = Callable[[socket.socket], None]


def lines(connection: socket.socket) -> Iterator[bytes]:
    """Yield what the client sends, line by line, until it ends."""
    with connection.makefile("rb") as file:
        yield from file


@contextlib.contextmanager
def serving(odd: Odd) -> Iterator[int]:
    """Give the port of a server that does something odd on each connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def one(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                odd(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def ssh(connection: socket.socket) -> None:
    """Greet as an SSH server."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    for _ in lines(connection):
        return


def http(connection: socket.socket) -> None:
    """Wait for a request, as an HTTP server does."""
    for _ in lines(connection):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        return


def mute(connection: socket.socket) -> None:
    """Say nothing."""
    for _ in lines(connection):
        pass


def dropping(connection: socket.socket) -> None:
    """Greet, and drop the connection at the first command."""
    connection.sendall(b"220 mx.lab.test ESMTP\r\n")
    for _ in lines(connection):
        return


def answering(
    answers: dict[bytes, bytes], other: bytes = b"250 OK\r\n", greeting: bytes = b"220 mx.lab.test\r\n"
) -> Odd:
    """Return a server that greets and has one answer for each verb."""

    def odd(connection: socket.socket) -> None:
        connection.sendall(greeting)
        for line in lines(connection):
            verb = line[:4].upper()
            connection.sendall(answers.get(verb, b"221 mx.lab.test bye\r\n" if verb == b"QUIT" else other))
            if verb == b"QUIT":
                return

    return odd


def endless(start: bytes, more: bytes) -> Odd:
    """Return a server whose answer to NOOP never ends (it stops when the client does, or after a gigabyte)."""

    def odd(connection: socket.socket) -> None:
        connection.sendall(b"220 mx.lab.test\r\n")
        for line in lines(connection):
            if not line.upper().startswith(b"NOOP"):
                connection.sendall(b"250 mx.lab.test\r\n")
                continue
            connection.sendall(start)
            block = more * (65536 // len(more))
            for _ in range(16384):
                connection.sendall(block)

    return odd
