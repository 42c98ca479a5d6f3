"""The mbox observer: one file a mailbox, messages parted by ``From `` lines."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.observer import Message, ObserverError, place
from conformance.observer.maildir import sender_of

MAX_MBOX_OCTETS = 256 * 1024 * 1024
"""The largest mailbox that is read."""

_PART = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\r\n\r\n))From [^\n]*\n")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


class Mbox:
    """mbox files at a path, which may contain ``{local}``, ``{domain}`` or ``{address}`` of the recipient."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._read: dict[Path, tuple[int, list[bytes]]] = {}

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the messages with this token. Raises ObserverError when the mailbox can't be read."""
        path = Path(place(self._where, recipient))
        return [Message(octets, sender_of(octets)) for octets in self._messages(path) if token in octets]

    def _messages(self, path: Path) -> list[bytes]:
        try:
            size = path.stat().st_size
            known = self._read.get(path)
            if known is not None and known[0] == size:
                return known[1]
            if size > MAX_MBOX_OCTETS:
                raise ObserverError(f"{path}: larger than {MAX_MBOX_OCTETS} octets")
            messages = split(path.read_bytes())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ObserverError(f"{path}: {error.strerror or error}") from None
        self._read[path] = (size, messages)
        return messages


def split(octets: bytes) -> list[bytes]:
    """Return the messages of an mbox, without their ``From `` lines and with ``>From `` quoting undone."""
    starts = list(_PART.finditer(octets))
    messages = []
    for index, match in enumerate(starts):
        end = starts[index + 1].start() if index + 1 < len(starts) else len(octets)
        text = octets[match.end() : end]
        blank = b"\r\n" if text.endswith(b"\r\n\r\n") else b"\n"
        text = text.removesuffix(blank)
        messages.append(_QUOTED.sub(rb"\1", text))
    return messages
