"""The Maildir observer: one file a message in ``new`` and ``cur`` (a folder of plain files works too)."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.observer import MAX_MESSAGE_OCTETS, Message, ObserverError, place

TOKEN = re.compile(rb"sc-[0-9a-f]{20}")
_RETURN_PATH = re.compile(rb"^Return-Path:[ \t]*<([^>\r\n]*)>", re.IGNORECASE | re.MULTILINE)


class Maildir:
    """Maildirs at a path, which may contain ``{local}``, ``{domain}`` or ``{address}`` of the recipient.

    Each file is read once; what it holds is kept by token, so that hundreds of cases don't read the mailbox hundreds of
    times.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._seen: dict[Path, set[str]] = {}
        self._found: dict[tuple[Path, bytes], list[Message]] = {}

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the messages with this token. Raises ObserverError when the mailbox can't be read."""
        root = Path(place(self._where, recipient))
        try:
            self._scan(root)
        except OSError as error:
            raise ObserverError(f"{root}: {error.strerror or error}") from None
        return self._found.get((root, token), [])

    def _scan(self, root: Path) -> None:
        seen = self._seen.setdefault(root, set())
        folders = [root / "new", root / "cur"]
        for folder in folders if folders[0].is_dir() else [root]:
            if not folder.is_dir():
                continue
            for file in folder.iterdir():
                name = file.name.partition(":")[0]
                if name in seen or name.startswith(".") or not file.is_file():
                    continue
                octets = self._read(file)
                if octets is None:
                    continue
                seen.add(name)
                message = Message(octets, sender_of(octets))
                for token in set(TOKEN.findall(octets)):
                    self._found.setdefault((root, token), []).append(message)

    @staticmethod
    def _read(file: Path) -> bytes | None:
        try:
            with file.open("rb") as handle:
                return handle.read(MAX_MESSAGE_OCTETS)
        except FileNotFoundError:
            return None


def sender_of(octets: bytes) -> bytes | None:
    """Return the reverse-path that the delivering server wrote into Return-Path, or None."""
    header = octets.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    match = _RETURN_PATH.search(header)
    return match[1] if match else None
