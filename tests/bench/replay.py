"""A bare replay: the octets of a run that was recorded, sent again by the least code that can, with nothing judged.

What this costs is what the sockets and the server cost; what the engine costs beyond it is ours. ``blocking`` does the
same for one case with a plain socket, as a script would.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from conformance.stream import Event, read, unescape

FINAL = re.compile(rb"^[0-9]{3}(?: .*)?\r?\n", re.MULTILINE)
CUT = re.compile(r"\[\.\.\. ([0-9]+) octets \.\.\.\]")
SECONDS = re.compile(r"([0-9.]+) s\Z")
PATIENCE = 10.0
"""How long a reply may take, in seconds."""


@dataclass(frozen=True, slots=True)
class Step:
    """Octets to send, replies to wait for, a handshake, or a pause."""

    octets: bytes = b""
    replies: int = 0
    tls: bool = False
    pause: float = 0.0


def plays(stream: Path) -> list[list[Step]]:
    """Return the steps of each session of each case in a stream that was played on one session."""
    found = []
    for result in read(stream).results:
        entries = list(result.transcript)
        if result.attempts and entries and {entry["session"] for entry in entries} == {1} and not _is_lint(result.id):
            found.append(_steps(entries))
    return found


def _is_lint(name: str) -> bool:
    return name.startswith("lint/")


def _steps(entries: list[Event]) -> list[Step]:
    steps: list[Step] = []
    for entry in entries:
        if entry.get("from") == "C":
            steps.append(Step(octets=unescape(CUT.sub(lambda match: "x" * int(match[1]), entry["octets"]))))
        elif entry.get("from") == "S":
            steps.append(Step(replies=1))
        elif entry["event"] == "tls" and not str(entry.get("detail", "")).startswith("failed"):
            steps.append(Step(tls=True))
        elif entry["event"] in ("silence", "wait") and (found := SECONDS.search(str(entry.get("detail", "")))):
            steps.append(Step(pause=float(found[1])))
    return steps


def unchecked() -> ssl.SSLContext:
    """Return TLS settings that take any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _play(steps: list[Step], host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        for step in steps:
            if step.octets:
                writer.write(step.octets)
            elif step.replies:
                await asyncio.wait_for(_reply(reader), PATIENCE)
            elif step.tls:
                await writer.start_tls(unchecked())
            else:
                await asyncio.sleep(step.pause)
    except (OSError, TimeoutError):
        return
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader) -> None:
    while line := await reader.readline():
        if FINAL.match(line):
            return


async def replay(recorded: list[list[Step]], host: str, port: int, jobs: int) -> None:
    """Play all, so many at once, the longest pauses first, as the engine does."""
    queue = sorted(recorded, key=lambda steps: -sum(step.pause for step in steps))
    left = iter(queue)

    async def worker() -> None:
        for steps in left:
            await _play(steps, host, port)

    await asyncio.gather(*(worker() for _ in range(jobs)))


def blocking(steps: list[Step], host: str, port: int) -> None:
    """Play one case with a plain blocking socket."""
    with socket.create_connection((host, port), PATIENCE) as plain:
        connection, buffer = plain, b""
        for step in steps:
            if step.octets:
                connection.sendall(step.octets)
            elif step.tls:
                connection = unchecked().wrap_socket(connection)
            elif step.pause:
                time.sleep(step.pause)
            while step.replies:
                found = FINAL.search(buffer)
                if found:
                    buffer = buffer[found.end() :]
                    break
                octets = connection.recv(65536)
                if not octets:
                    return
                buffer += octets


def main(arguments: list[str]) -> None:
    """``python -m tests.bench.replay STREAM HOST PORT JOBS MOST``: play so many cases (0: all), so many at once."""
    stream, host, port, jobs, most = arguments
    recorded = plays(Path(stream))
    asyncio.run(replay(recorded[: int(most) or None], host, int(port), int(jobs)))


if __name__ == "__main__":
    main(sys.argv[1:])
