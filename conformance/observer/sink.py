"""The sink observer: messages that our own reference server took, octet for octet, with their envelopes.

Where the target is the embedded reference server, its stores are read. Where it is another server, ``listening`` is
the next hop of that server for a while: a reference server that takes mail for everybody but those whose names begin
with ``unreachable``. Whoever owns the target routes mail to it (a smart host, a transport for the domain of
``foreign``), so that what the target relays can be read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.observer import Message, ObserverError
from conformance.smtp.address import AddressError, Mailbox, parse_mailbox

if TYPE_CHECKING:
    from conformance.reference.reply import Reply
    from conformance.reference.rules import Rules
    from conformance.reference.session import Session
    from conformance.reference.site import Store, Stored
    from conformance.reference.table import Command
    from conformance.smtp.address import Path

SIZE = 64 * 1024 * 1024
"""Octets of the largest message that the listening sink takes."""

STORAGE = 512 * 1024 * 1024
"""Octets of all messages that it keeps."""

COMMANDS = 1000
"""So many lines of a session are kept."""


class Sink:
    """Reads the stores of a reference server: what it delivered, and what it handed (or would hand) to the next hop."""

    def __init__(self, *stores: Store) -> None:
        self._stores = stores

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the messages for the recipient that contain the token, with the recipient as the envelope has it."""
        wanted = _mailbox(recipient)
        return [
            Message(
                stored.octets,
                _octets(stored.reverse_path),
                _octets(name),
                _parameters(stored, index),
                _octets("\n".join(stored.commands)) if stored.commands else None,
                verbatim=True,
            )
            for store in self._stores
            for stored in store
            if token in stored.octets
            for index, name in enumerate(stored.recipients)
            if _mailbox(name) == wanted
        ]


def _parameters(stored: Stored, index: int) -> bytes:
    """Return what followed the paths of MAIL and of this RCPT, the keywords in upper case."""
    of_rcpt = stored.recipient_parameters[index] if index < len(stored.recipient_parameters) else {}
    lines = (("MAIL", stored.parameters), ("RCPT", of_rcpt))
    text = "\n".join(
        " ".join([verb, *(name if value is None else f"{name}={value}" for name, value in parameters.items())])
        for verb, parameters in lines
    )
    return _octets(text)


def _octets(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _mailbox(text: str) -> tuple[str, str]:
    """Return a mailbox in the form for finding it: a source route, case and quotes don't matter."""
    text = text.rpartition(":")[2] if text.startswith("@") else text
    try:
        mailbox = parse_mailbox(text, utf8=True)
    except AddressError:
        local, _, domain = text.rpartition("@")
        mailbox = Mailbox(local, domain)
    return mailbox.local.lower(), mailbox.host


@asynccontextmanager
async def listening(where: str) -> AsyncIterator[Sink]:
    """Take mail for everybody at ``host:port`` (``lmtp://host:port``: by LMTP) while the context lasts.

    Raises ObserverError where nothing can listen there.
    """
    from conformance.reference.faults import Fault
    from conformance.reference.serve import serving
    from conformance.reference.site import Limits, Site

    scheme, separator, place = where.rpartition("://")
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit() or (separator and scheme not in ("smtp", "lmtp")):
        raise ObserverError(f"sink: {where}: it is host:port, or lmtp://host:port, where the target relays to")
    limits = Limits(message=SIZE, storage=STORAGE, received=10_000, text_line=1_000_000, recipients=10_000)
    site = Site(host="sink.test", role="lmtp" if scheme == "lmtp" else "mx", limits=limits)
    everybody = Fault("sink", "takes mail for everybody, and keeps it as it came", (), _taking, "sink")
    try:
        async with serving(site, faults=[everybody], host=host.strip("[]"), port=int(port), tls="none"):
            yield Sink(site.store)
    except OSError as error:
        raise ObserverError(f"sink: nothing can listen at {where}: {error.strerror or error}") from None


def _taking(rules: Rules) -> Rules:
    """Take mail for any mailbox but ``unreachable...``, add no trace fields, refuse nothing but what is too large."""
    from conformance.reference import delivery
    from conformance.reference.reply import reply
    from conformance.reference.session import Recipient
    from conformance.reference.site import Stored, written

    def keep(session: Session, octets: bytes, identity: str) -> None:
        transaction = session.transaction
        session.site.store.add(
            Stored(
                written(transaction.reverse_path),
                tuple(recipient.path.text[1:-1] for recipient in transaction.recipients),
                octets,
                transaction.parameters,
                tuple(recipient.parameters for recipient in transaction.recipients),
                tuple(session.memory.get("said", ())),
                id=identity,
            )
        )

    def take(session: Session, path: Path) -> Recipient | Reply:
        unreachable = path.mailbox is not None and path.mailbox.local.lower().startswith(session.site.unreachable)
        return reply(550, "5.1.1", "No such mailbox") if unreachable else Recipient(path, "sink")

    def hear(session: Session, command: Command, argument: str) -> Reply | None:
        said: list[str] = session.memory.setdefault("said", [])
        if command.verb == "MAIL":
            del said[next((index for index, line in enumerate(said) if line[:4].upper() == "MAIL"), len(said)) :]
        if len(said) < COMMANDS:
            said.append(session.line.decode("utf-8", "surrogateescape"))
        return None

    checks = (delivery.size, delivery.storage)
    return replace(rules, recipient=take, checks=checks, deliver=keep, gates=(hear, *rules.gates))
