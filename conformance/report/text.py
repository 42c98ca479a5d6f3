r"""Text that may hold anything a server sent, made harmless to look at.

The stream keeps octets as escaped ASCII; reasons and titles are text, and a stream may have been edited. Whatever is
shown goes through ``visible`` first: no control character, no bidirectional override and no lone surrogate leaves it,
so neither a terminal nor an XML parser nor a reader can be misled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

RUN = 48
"""A character repeated more often than this is shown a few times, with the count."""

SHOWN_OF_RUN = 8
"""How often it is shown then."""

_REPEATED = re.compile(rf"(\\x[0-9a-fA-F]{{2}}|\\.|[^\\])\1{{{RUN},}}")
_LINE = re.compile(r"(?:[^\\]|\\(?!n).)*(?:\\n|\\?\Z)")


def visible(text: str) -> str:
    r"""Return text with everything that does not print as an escape: ``\x1b``, ``\u202e``, ``\udcff``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def lines(octets: str) -> Iterator[str]:
    r"""Yield the lines of escaped octets, each with its line end (``\n`` ends a line, a bare ``\r`` does not)."""
    at = 0
    while at < len(octets):
        match = _LINE.match(octets, at)
        assert match is not None
        yield match[0]
        at = match.end() if match.end() > at else len(octets)


def without_runs(octets: str) -> str:
    """Return escaped octets with long runs of one octet counted instead of spelled out; nothing is lost."""
    return _REPEATED.sub(_count, octets)


def _count(match: re.Match[str]) -> str:
    times = len(match[0]) // len(match[1])
    return f"{match[1] * SHOWN_OF_RUN}[... {times} times {match[1]}]"


def plural(count: int, word: str) -> str:
    """Return a count with its noun: ``1 case``, ``2 cases``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
