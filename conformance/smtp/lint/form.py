"""Lints of the form of replies: lines, codes, octets (RFC 5321 sections 2.3.7, 2.3.8, 4.2 and 4.5.3.1.5)."""

from __future__ import annotations

from conformance.smtp import codes
from conformance.smtp.lint.rule import Context, Lint
from conformance.smtp.reply import Reply


def _no_text(reply: Reply, _: Context) -> str | None:
    """Say that there is no text; a challenge without data is 334 and nothing (RFC 4954 section 4)."""
    if not reply.code or reply.code == 334 or reply.texts[-1].strip():
        return None
    return "the code stands without text"


def _no_space(reply: Reply, _: Context) -> str | None:
    bare = reply.code and len(reply.lines[-1].rstrip(b"\r\n")) == 3
    return "the last line has no space after the code" if bare else None


def _eight_bit(reply: Reply, context: Context) -> str | None:
    if "eight-bit" in reply.deviations and not context.utf8:
        return "an octet above 127, though the client did not ask for SMTPUTF8"
    return None


def _first_digit(reply: Reply, _: Context) -> str | None:
    return f"the reply code {reply.code:03d}" if reply.code and not 200 <= reply.code <= 599 else None


def _second_digit(reply: Reply, _: Context) -> str | None:
    if 200 <= reply.code <= 599 and reply.code // 10 % 10 > 5:
        return f"the reply code {reply.code}"
    return None


def _unknown_code(reply: Reply, _: Context) -> str | None:
    if 200 <= reply.code <= 599 and reply.code // 10 % 10 <= 5 and reply.code not in codes.KNOWN:
        return f"no document defines the reply code {reply.code}"
    return None


def _allowed(reply: Reply, context: Context) -> str | None:
    if context.refused or reply.code not in codes.KNOWN or codes.may_answer(context.command, reply.code):
        return None
    what = "the greeting" if context.command == "CONNECT" else f"a reply to {context.command}"
    return f"{reply.code} is not in the list of codes for {what}"


_FOLLOWED = "RFC5321-4.3.1-05"
_LISTS = {
    "CONNECT": "RFC5321-4.3.2-08",
    **dict.fromkeys(("EHLO", "HELO", "LHLO"), "RFC5321-4.3.2-09"),
    "MAIL": "RFC5321-4.3.2-10",
    "RCPT": "RFC5321-4.3.2-11",
    **dict.fromkeys(("DATA", "END-OF-DATA"), "RFC5321-4.3.2-12"),
    **dict.fromkeys(("RSET", "NOOP", "QUIT"), "RFC5321-4.3.2-13"),
    "VRFY": "RFC5321-4.3.2-14",
    "EXPN": "RFC5321-4.3.2-15",
    "HELP": "RFC5321-4.3.2-16",
}
"""The lists of section 4.3.2; the commands of extensions have theirs elsewhere."""


def _lists(reply: Reply, context: Context) -> tuple[str, ...]:
    """Return the list that a code is not in, that lists are to be followed, and what RFC 7504 says of its codes."""
    found = [_LISTS[context.command]] if context.command in _LISTS else []
    found.append(_FOLLOWED)
    if reply.code in (521, 556):
        found.append("RFC7504-5.1-01")
    if reply.code == 521 and context.command in ("MAIL", "RCPT"):
        found.append("RFC7504-3-03")
    return tuple(found)


FORM: tuple[Lint, ...] = (
    Lint(
        "line-end",
        "Every reply line ends in CRLF, without bare CR or LF",
        ("RFC5321-2.3.8-05",),
        "MUST NOT",
        frozenset({"bare-lf", "bare-cr"}),
    ),
    Lint(
        "line-length",
        "Reply lines have at most 512 octets",
        ("RFC5321-4.5.3.1.5-01",),
        "SHOULD",
        frozenset({"long-line"}),
    ),
    Lint(
        "grammar",
        "A reply is a three-digit code, a space or hyphen, and text",
        ("RFC5321-4.2-02", "RFC5321-2.3.7-01", "RFC5321-2.4-01", "RFC5321-4.2.1-07", "RFC5321-4.1.1.1-15"),
        "MUST",
        frozenset({"no-code", "bad-separator", "truncated"}),
    ),
    Lint(
        "code-digits",
        "The first digit of a reply code is 2, 3, 4 or 5",
        ("RFC5321-4.2-14", "RFC5321-4.3.2-03"),
        "MUST NOT",
        check=_first_digit,
    ),
    Lint(
        "code-second-digit",
        "The second digit of a reply code is 0 to 5",
        ("RFC5321-4.2-06",),
        "SHOULD",
        check=_second_digit,
    ),
    Lint(
        "code-known",
        "Reply codes are those of RFC 5321 and of registered extensions",
        ("RFC5321-4.2-07", "RFC5321-4.2.1-05"),
        "SHOULD",
        check=_unknown_code,
    ),
    Lint(
        "code-allowed",
        "Each command is answered with a code from its list",
        (_FOLLOWED, *dict.fromkeys(_LISTS.values()), "RFC7504-5.1-01", "RFC7504-3-03"),
        "SHOULD",
        check=_allowed,
        broken=_lists,
    ),
    Lint(
        "one-code",
        "All lines of a multi-line reply have the same code",
        ("RFC5321-4.2.1-08",),
        "MUST",
        frozenset({"mixed-codes"}),
    ),
    Lint(
        "text-octets",
        "Reply text has no control octets and no NUL",
        ("RFC5321-4.2-05",),
        "MUST",
        frozenset({"control", "nul"}),
    ),
    Lint(
        "ascii",
        "Reply text is ASCII where SMTPUTF8 was not asked for",
        ("RFC5321-4.2-05", "RFC5321-2.4-09", "RFC5321-4.1.1.1-16"),
        "MUST",
        check=_eight_bit,
    ),
    Lint("text", "Reply codes are followed by text", ("RFC5321-4.2-10",), "SHOULD NOT", check=_no_text),
    Lint(
        "space",
        "The code of a last line is followed by a space even where there is no text",
        ("RFC5321-4.2.1-09",),
        "SHOULD",
        check=_no_space,
    ),
)
