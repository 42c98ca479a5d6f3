"""Lints: rules that hold for every reply of every dialogue, so that each case checks far more than its own question.

The parser records, the lints judge. A lint is a name, the requirement it stands for, and a function that returns what
is wrong, or None. ``LINTS`` is the whole table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from conformance.smtp.reply import Reply

_DOMAIN = re.compile(
    rb"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
    rb"|\[[^\]\s]+\])(?=[\s,;:]|$)"
)
_ENHANCED = re.compile(rb"([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?=[ \t]|$)")
_LIKE_ENHANCED = re.compile(rb"([0-9])\.([0-9]+)\.([0-9]+)(?=[ \t]|$)")


@dataclass(frozen=True, slots=True)
class Context:
    """What a reply answers: ``CONNECT``, a verb in upper case, or ``""`` where several commands were sent at once."""

    command: str
    enhanced: bool = False
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Lint:
    """A rule for every reply. ``deviations`` are the parser's records that break it, ``check`` looks closer."""

    name: str
    title: str
    requirement: str
    level: str
    deviations: frozenset[str] = frozenset()
    check: Callable[[Reply, Context], str | None] | None = None

    @property
    def id(self) -> str:
        """The id of its result."""
        return f"lint/{self.name}"

    def finding(self, reply: Reply, context: Context) -> str | None:
        """Return what is wrong with the reply under this rule, or None."""
        if self.deviations and (found := self.deviations & reply.deviations):
            from conformance.smtp.reply import DEVIATIONS

            return "; ".join(DEVIATIONS[name] for name in sorted(found))
        return self.check(reply, context) if self.check is not None else None


def _no_text(reply: Reply, _: Context) -> str | None:
    return "the code stands without text" if reply.code and not reply.texts[-1].strip() else None


def _eight_bit(reply: Reply, context: Context) -> str | None:
    if "eight-bit" in reply.deviations and not context.utf8:
        return "an octet above 127, though the client did not ask for SMTPUTF8"
    return None


def _first_word(reply: Reply, code: int, *commands: str) -> str | None:
    text = reply.texts[0] if reply.texts else b""
    match = _ENHANCED.match(text)
    if match:
        text = text[match.end() :].lstrip()
    return None if _DOMAIN.match(text) else f"the first word after {code} is no domain or address literal"


def _greeting_domain(reply: Reply, context: Context) -> str | None:
    return _first_word(reply, 220) if reply.code == 220 and context.command == "CONNECT" else None


def _closing_domain(reply: Reply, context: Context) -> str | None:
    if reply.code == 421 or (reply.code == 221 and context.command == "QUIT"):
        words = reply.texts[0].split() if reply.texts else []
        if words and _ENHANCED.match(words[0]):
            words = words[1:]
        if not words or not _DOMAIN.match(words[0]) or (b"." not in words[0] and not words[0].startswith(b"[")):
            return f"the first word after {reply.code} is not the server's domain"
    return None


_NO_ENHANCED = ("CONNECT", "EHLO", "HELO", "LHLO")


def _applies(reply: Reply, context: Context) -> bool:
    return context.enhanced and context.command != "" and reply.code >= 200 and bool(reply.texts)


def _enhanced_present(reply: Reply, context: Context) -> str | None:
    if not _applies(reply, context) or context.command in _NO_ENHANCED or reply.code // 100 == 3:
        return None
    return None if _LIKE_ENHANCED.match(reply.texts[-1]) else "ENHANCEDSTATUSCODES is announced, the reply has none"


def _enhanced_class(reply: Reply, context: Context) -> str | None:
    if not _applies(reply, context) or context.command in _NO_ENHANCED:
        return None
    match = _LIKE_ENHANCED.match(reply.texts[-1])
    if match and match[1] != str(reply.code)[:1].encode():
        return f"enhanced status code {match[0].decode()} in a reply {reply.code}"
    return None


def _enhanced_absent(reply: Reply, context: Context) -> str | None:
    if not _applies(reply, context) or not (context.command in _NO_ENHANCED or reply.code // 100 == 3):
        return None
    if reply.code >= 400 and context.command in _NO_ENHANCED:
        return None
    return "an enhanced status code where none belongs" if _ENHANCED.match(reply.texts[-1]) else None


def _enhanced_lines(reply: Reply, context: Context) -> str | None:
    if not _applies(reply, context) or len(reply.texts) < 2 or context.command in _NO_ENHANCED:
        return None
    codes = {match[0] if (match := _ENHANCED.match(text)) else None for text in reply.texts}
    return "the lines of one reply have different enhanced status codes" if len(codes) > 1 else None


def _enhanced_syntax(reply: Reply, context: Context) -> str | None:
    if not _applies(reply, context) or context.command in _NO_ENHANCED:
        return None
    match = _LIKE_ENHANCED.match(reply.texts[-1])
    if match and any((len(part) > 1 and part.startswith(b"0")) or len(part) > 3 for part in match.groups()):
        return f"enhanced status code {match[0].decode()} with leading zeros or more than three digits"
    return None


LINTS: tuple[Lint, ...] = (
    Lint(
        "line-end",
        "Every reply line ends in CRLF, without bare CR or LF",
        "RFC5321-2.3.8-05",
        "MUST NOT",
        frozenset({"bare-lf", "bare-cr"}),
    ),
    Lint(
        "line-length",
        "Reply lines have at most 512 octets",
        "RFC5321-4.5.3.1.5-01",
        "MUST",
        frozenset({"long-line"}),
    ),
    Lint(
        "grammar",
        "A reply is a three-digit code, a space or hyphen, and text",
        "RFC5321-4.2-02",
        "MUST",
        frozenset({"no-code", "bad-separator", "truncated"}),
    ),
    Lint(
        "code-digits",
        "Reply codes are 2yz to 5yz with a second digit from 0 to 5",
        "RFC5321-4.2-14",
        "MUST NOT",
        frozenset({"bad-code"}),
    ),
    Lint(
        "one-code",
        "All lines of a multi-line reply have the same code",
        "RFC5321-4.2.1-08",
        "MUST",
        frozenset({"mixed-codes"}),
    ),
    Lint(
        "text-octets",
        "Reply text has no control octets and no NUL",
        "RFC5321-4.2-05",
        "MUST",
        frozenset({"control", "nul"}),
    ),
    Lint("ascii", "Reply text is ASCII where SMTPUTF8 was not asked for", "RFC5321-4.2-05", "MUST", check=_eight_bit),
    Lint("text", "Reply codes are followed by text", "RFC5321-4.2-10", "SHOULD NOT", check=_no_text),
    Lint(
        "greeting-domain",
        "The 220 greeting begins with the server's domain or address literal",
        "RFC5321-4.2-04",
        "MUST",
        check=_greeting_domain,
    ),
    Lint(
        "closing-domain",
        "221 and 421 name the server as their first word",
        "RFC5321-4.2.2-02",
        "SHOULD",
        check=_closing_domain,
    ),
    Lint(
        "enhanced-present",
        "Replies have an enhanced status code where ENHANCEDSTATUSCODES is announced",
        "RFC2034-4-01",
        "MUST",
        check=_enhanced_present,
    ),
    Lint(
        "enhanced-class",
        "The class of the enhanced status code is the first digit of the reply code",
        "RFC2034-4-02",
        "MUST",
        check=_enhanced_class,
    ),
    Lint(
        "enhanced-absent",
        "The greeting, EHLO replies and 3yz replies have no enhanced status code",
        "RFC2034-4-04",
        "MUST",
        check=_enhanced_absent,
    ),
    Lint(
        "enhanced-lines",
        "Each line of a multi-line reply repeats the same enhanced status code",
        "RFC2034-4-05",
        "MUST",
        check=_enhanced_lines,
    ),
    Lint(
        "enhanced-syntax",
        "Enhanced status codes have no leading zeros",
        "RFC3463-2-02",
        "MUST",
        check=_enhanced_syntax,
    ),
)

UNSOLICITED = Lint(
    "unsolicited",
    "Every command gets exactly one reply, and none comes unasked",
    "RFC5321-4.2-01",
    "MUST",
)
"""Found by the player, which knows what it has asked."""

ALL = (*LINTS, UNSOLICITED)


def findings(reply: Reply, context: Context) -> list[tuple[Lint, str]]:
    """Return each lint that the reply breaks, with what is wrong."""
    found = []
    for lint in LINTS:
        if (detail := lint.finding(reply, context)) is not None:
            found.append((lint, detail))
    return found
