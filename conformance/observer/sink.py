"""The sink observer: messages that our own reference server accepted, octet for octet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.observer import Message

if TYPE_CHECKING:
    from conformance.reference.site import Store, Stored


class Sink:
    """Reads the stores of a reference server: what it delivered, and what it would hand to the next hop."""

    def __init__(self, *stores: Store) -> None:
        self._stores = stores

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the messages for the recipient that contain the token."""
        wanted = recipient.lower()
        return [
            Message(stored.octets, stored.reverse_path.encode(), verbatim=True)
            for store in self._stores
            for stored in store
            if token in stored.octets and _for(stored, wanted)
        ]


def _for(stored: Stored, wanted: str) -> bool:
    return any(recipient.lower() == wanted for recipient in stored.recipients)
