"""SMTP replies without I/O (RFC 5321 section 4.2): a parser that accepts almost anything and records what was wrong.

A conformance client must survive whatever a server sends and still say exactly what was wrong with it. So the parser
forgives: a bare LF ends a line, a line may be endless (it is kept up to a limit), codes may differ from line to line,
any octet may occur. Each deviation is recorded in the reply; the lints (``conformance.smtp.lint``) make findings of
the records.

A reply is a run of lines, each starting with the same three digits; the last has no hyphen after them. A line that
does not start with three digits is a reply of its own with code 0 when it stands alone, and a deviation of the reply
it stands in otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

MAX_REPLY_OCTETS = 64 * 1024
"""What is kept of one reply; the rest is counted and dropped (RFC 5321 asks for 512 a line, no limit on lines)."""

MAX_REPLY_LINES = 1024
"""Lines kept of one reply."""

_ALWAYS_KEPT = 8
"""Octets kept of every line, however much was dropped: the code decides where the reply ends."""

_CODE = re.compile(rb"[0-9]{3}(?![0-9])")
_ENHANCED = re.compile(rb"\A([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?=[ \t]|$)")


@dataclass(frozen=True)
class Reply:
    """One reply: its code, its lines as they came (with line ends), and what deviates from the grammar.

    ``code`` is 0 where no line begins with three digits. ``deviations`` are names from ``DEVIATIONS``.
    """

    code: int
    lines: tuple[bytes, ...]
    deviations: frozenset[str] = frozenset()
    dropped: int = 0

    @property
    def octets(self) -> bytes:
        """The reply as it came, up to the size limit."""
        return b"".join(self.lines)

    @cached_property
    def texts(self) -> tuple[bytes, ...]:
        """The text of each line, without code, separator and line end."""
        return tuple(_text(line) for line in self.lines)

    @cached_property
    def enhanced(self) -> str | None:
        """The enhanced status code of the last line (RFC 2034), as ``5.1.1``, or None."""
        match = _ENHANCED.match(self.texts[-1]) if self.lines else None
        return match[0].decode("ascii") if match else None

    @cached_property
    def message(self) -> str:
        """The texts without enhanced codes, joined by newlines, 8-bit octets as Latin-1."""
        return "\n".join(_without_enhanced(text).decode("latin-1") for text in self.texts)

    def __str__(self) -> str:
        first = self.lines[0].rstrip(b"\r\n") if self.lines else b""
        text = first.decode("latin-1")
        shown = "".join(c if " " <= c < "\x7f" else f"\\x{ord(c):02x}" for c in text[:200])
        return shown + (f" (+{len(self.lines) - 1} lines)" if len(self.lines) > 1 else "")


DEVIATIONS = {
    "bare-lf": "a line ends with a bare LF",
    "bare-cr": "a CR that no LF follows",
    "nul": "a NUL octet",
    "no-code": "a line does not begin with three digits",
    "mixed-codes": "the lines of one reply have different codes",
    "bad-separator": "the code is followed by neither a space nor a hyphen",
    "bad-code": "the code is outside [2-5][0-5][0-9]",
    "long-line": "a line is longer than 512 octets",
    "eight-bit": "an octet above 127",
    "control": "a control octet in the text",
    "truncated": "the reply was cut off by the end of the connection",
    "oversize": "the reply is larger than what the suite keeps",
}


def _without_enhanced(text: bytes) -> bytes:
    match = _ENHANCED.match(text)
    return text[match.end() :].lstrip(b" ") if match else text


def _text(line: bytes) -> bytes:
    body = line.rstrip(b"\r\n")
    return body[4:] if _CODE.match(body) else body


class ReplyParser:
    """Makes replies of octets as they come, in any segmentation; memory is bounded by the limits given."""

    def __init__(self, max_octets: int = MAX_REPLY_OCTETS, max_lines: int = MAX_REPLY_LINES) -> None:
        self._max_octets = max_octets
        self._max_lines = max_lines
        self._line = bytearray()
        self._line_dropped = 0
        self._start()

    def _start(self) -> None:
        self._lines: list[bytes] = []
        self._kept = 0
        self._dropped = 0
        self._code = 0
        self._deviations: set[str] = set()

    @property
    def pending(self) -> bool:
        """Whether an unfinished reply is held."""
        return bool(self._line or self._lines or self._dropped or self._line_dropped)

    def feed(self, octets: bytes) -> list[Reply]:
        """Return the replies that these octets complete."""
        replies = []
        start = 0
        while (end := octets.find(b"\n", start)) >= 0:
            self._append(octets[start : end + 1])
            start = end + 1
            if self._end_line():
                replies.append(self._finish())
        if start < len(octets):
            self._append(octets[start:])
        return replies

    def close(self) -> Reply | None:
        """Return what was left unfinished when the connection ended, marked ``truncated``, or None."""
        if not self.pending:
            return None
        self._deviations.add("truncated")
        if self._line:
            self._end_line()
        return self._finish()

    def _append(self, piece: bytes) -> None:
        room = max(0, self._max_octets - self._kept - len(self._line), _ALWAYS_KEPT - len(self._line))
        if len(piece) > room:
            self._line_dropped += len(piece) - room
            piece = piece[:room]
        self._line += piece

    def _end_line(self) -> bool:
        """Take the line into the reply; return whether the reply is complete."""
        line, lost = bytes(self._line), self._line_dropped
        self._line.clear()
        self._line_dropped = 0
        self._dropped += lost
        if lost:
            self._deviations.add("oversize")
        found = self._deviations
        if lost or len(line) > 512:
            found.add("long-line")
        if not lost and line.endswith(b"\n") and not line.endswith(b"\r\n"):
            found.add("bare-lf")
        self._note_octets(line)
        match = _CODE.match(line)
        more = line[3:4] == b"-" if match else bool(self._lines)
        if match:
            code = int(match[0])
            if self._code and code != self._code:
                found.add("mixed-codes")
            self._code = self._code or code
            if not (200 <= code <= 559 and line[1:2] <= b"5"):
                found.add("bad-code")
            if line[3:4] not in (b" ", b"-") and line[3:].rstrip(b"\r\n"):
                found.add("bad-separator")
        elif line or not lost:
            found.add("no-code")
        if len(self._lines) < self._max_lines:
            self._lines.append(line)
            self._kept += len(line)
        else:
            self._dropped += len(line)
            found.add("oversize")
        return not more

    def _note_octets(self, line: bytes) -> None:
        body = line[:-2] if line.endswith(b"\r\n") else line[:-1] if line.endswith(b"\n") else line
        if _ODD.search(body) is None:
            return
        found = self._deviations
        if b"\r" in body:
            found.add("bare-cr")
        if b"\0" in body:
            found.add("nul")
        if not body.isascii():
            found.add("eight-bit")
        if _CONTROL.search(body):
            found.add("control")

    def _finish(self) -> Reply:
        reply = Reply(self._code, tuple(self._lines), frozenset(self._deviations), self._dropped)
        self._start()
        return reply


_ODD = re.compile(rb"[^\x20-\x7e\t]")
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
