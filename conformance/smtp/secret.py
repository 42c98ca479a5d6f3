"""Keeping the password out of everything that is written: transcripts, reasons, reports, the terminal.

A server may send back what it was sent, and PLAIN puts the password in the middle of a base64 text, where its letters
depend on how many octets stand before it. So each of the three ways in which base64 can cut the password is looked
for, and the whole word around it goes.
"""

from __future__ import annotations

import base64
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from conformance.stream import escape

STARS = "********"

SHORTEST_CORE = 4
"""Letters of base64 that give a password away; fewer stand in many texts by chance."""

_LETTERS = frozenset(string.ascii_letters + string.digits + "+/=")


@dataclass(frozen=True)
class Secrets:
    """What must not be written; nothing where there is no password."""

    password: bytes = b""

    def hide(self, octets: bytes) -> bytes:
        """Return octets with stars for the password and for the base64 words that hold it."""
        return self.hide_text(octets.decode("latin-1")).encode("latin-1") if self.password else octets

    def hide_text(self, text: str) -> str:
        """Return text (also text that was escaped) with stars for the same."""
        if not self.password:
            return text
        for core in self._cores:
            text = _without_words(text, core)
        for form in self._forms:
            text = text.replace(form, STARS)
        return text

    @cached_property
    def _forms(self) -> tuple[str, ...]:
        """The password as text, as octets, escaped once and twice, and alone in base64."""
        text, octets, once = (
            self.password.decode("utf-8", "replace"),
            self.password.decode("latin-1"),
            escape(self.password),
        )
        alone = base64.b64encode(self.password).decode().rstrip("=")
        return tuple(dict.fromkeys((text, octets, once, escape(once.encode()), alone)))

    @cached_property
    def _cores(self) -> tuple[str, ...]:
        return tuple(_cores(self.password))


NO_SECRETS = Secrets()


def _cores(password: bytes) -> Iterable[str]:
    """Return the letters that the password alone decides, for each number of octets (modulo three) before it."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + password).decode()
        core = encoded[-(-8 * before // 6) : 8 * (before + len(password)) // 6]
        if len(core) >= SHORTEST_CORE:
            yield core


def _without_words(text: str, core: str) -> str:
    """Return text with stars for each base64 word that holds these letters."""
    kept, end = [], 0
    while (found := text.find(core, end)) >= 0:
        start, stop = found, found + len(core)
        while start > end and text[start - 1] in _LETTERS:
            start -= 1
        while stop < len(text) and text[stop] in _LETTERS:
            stop += 1
        kept += [text[end:start], STARS]
        end = stop
    return "".join((*kept, text[end:])) if kept else text
