"""Replies (RFC 5321 section 4.2) with their enhanced status codes (RFC 2034, RFC 3463)."""

from functools import lru_cache
from typing import NamedTuple


class Reply(NamedTuple):
    """A reply code, the enhanced status code that goes with it ("" for none), and one text for each line."""

    code: int
    status: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The texts as one."""
        return "\n".join(self.lines)


def reply(code: int, status: str, *lines: str) -> Reply:
    """Return a reply; ``status`` is "" for the greeting, EHLO, HELO and 3yz replies, which carry none (RFC 2034)."""
    return Reply(code, status, lines)


@lru_cache(maxsize=1024)
def render(answer: Reply) -> bytes:
    """Return a reply as octets: its code on each line, the status code too, CRLF (RFC5321-4.2.1-07, RFC2034-4-05)."""
    status = f"{answer.status} " if answer.status else ""
    last = len(answer.lines) - 1
    return "".join(
        f"{answer.code}{' ' if number == last else '-'}{status}{line}\r\n" for number, line in enumerate(answer.lines)
    ).encode(errors="surrogateescape")
