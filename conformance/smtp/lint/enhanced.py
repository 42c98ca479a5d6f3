"""Lints of enhanced status codes, where ENHANCEDSTATUSCODES is announced (RFC 2034, RFC 3463, RFC 5248)."""

from __future__ import annotations

import re

from conformance.smtp import status
from conformance.smtp.lint.rule import Context, Lint
from conformance.smtp.reply import Reply

_WITHOUT = ("CONNECT", "EHLO", "HELO", "LHLO")
"""The greeting and the replies to these commands carry none (RFC 2034 section 4)."""


def _carries(reply: Reply, context: Context) -> bool:
    """Whether the reply is one that has to carry a code: 2yz, 4yz and 5yz, but not the greeting and replies to EHLO."""
    return (
        context.enhanced
        and context.command != ""
        and context.command not in _WITHOUT
        and reply.code // 100 in (2, 4, 5)
        and bool(reply.texts)
    )


def _code(reply: Reply, context: Context) -> re.Match[bytes] | None:
    """Return what looks like an enhanced status code in a reply that has to carry one."""
    return status.LIKE.match(reply.texts[-1]) if _carries(reply, context) else None


def _present(reply: Reply, context: Context) -> str | None:
    if not _carries(reply, context) or status.LIKE.match(reply.texts[0]):
        return None
    return f"ENHANCEDSTATUSCODES is announced, this reply to {context.command} has none"


def _class(reply: Reply, context: Context) -> str | None:
    match = _code(reply, context)
    if match and match[1] != str(reply.code)[:1].encode():
        return f"enhanced status code {match[0].decode()} in a reply {reply.code}"
    return None


def _absent(reply: Reply, context: Context) -> str | None:
    if context.command == "" or not any(status.LIKE.match(text) for text in reply.texts):
        return None
    if reply.code // 100 == 3 or (context.command in _WITHOUT and reply.code // 100 == 2):
        return "an enhanced status code where none belongs"
    return None


def _lines(reply: Reply, context: Context) -> str | None:
    if not _carries(reply, context) or len(reply.texts) < 2:
        return None
    codes = {match[0] if (match := status.LIKE.match(text)) else None for text in reply.texts}
    return "the lines of one reply have different enhanced status codes" if len(codes) > 1 else None


def _syntax(reply: Reply, context: Context) -> str | None:
    match = _code(reply, context)
    if match and any(len(part) > 3 for part in match.groups()):
        return f"enhanced status code {match[0].decode()}: its numbers have at most three digits"
    return None


def _zeros(reply: Reply, context: Context) -> str | None:
    match = _code(reply, context)
    if match and any(len(part) > 1 and part.startswith(b"0") for part in match.groups()):
        return f"enhanced status code {match[0].decode()} has leading zeros"
    return None


def _space(reply: Reply, context: Context) -> str | None:
    match = _code(reply, context)
    rest = reply.texts[-1][match.end() :] if match else b""
    return "no space follows the enhanced status code" if rest and not rest.startswith((b" ", b"\t")) else None


def _registered(reply: Reply, context: Context) -> str | None:
    match = _code(reply, context)
    if match is None or status.find(match[0].decode()) is not None:
        return None
    subject, detail = match[2], match[3]
    well_formed = all(len(part) <= 3 and (part == b"0" or not part.startswith(b"0")) for part in (subject, detail))
    return f"the enhanced status code {match[0].decode()} is not registered" if well_formed else None


def _pair(reply: Reply, context: Context) -> str | None:
    match = _code(reply, context)
    known = status.find(match[0].decode()) if match else None
    if match is None or known is None or not known.replies or reply.code in known.replies:
        return None
    return f"{reply.code} {match[0].decode()}: the registry names other reply codes with {known.code} ({known.meaning})"


ENHANCED: tuple[Lint, ...] = (
    Lint(
        "enhanced-present",
        "Replies have an enhanced status code where ENHANCEDSTATUSCODES is announced",
        ("RFC2034-4-01", "RFC2034-4-09"),
        "MUST",
        check=_present,
    ),
    Lint(
        "enhanced-class",
        "The class of the enhanced status code is the first digit of the reply code",
        ("RFC2034-4-02", "RFC3463-2-04", "RFC2034-4-09"),
        "MUST",
        check=_class,
    ),
    Lint(
        "enhanced-absent",
        "The greeting, EHLO replies and 3yz replies have no enhanced status code",
        ("RFC2034-4-04", "RFC2034-4-03"),
        "SHOULD",
        check=_absent,
    ),
    Lint(
        "enhanced-lines",
        "Each line of a multi-line reply repeats the same enhanced status code",
        ("RFC2034-4-05",),
        "MUST",
        check=_lines,
    ),
    Lint(
        "enhanced-syntax",
        "The numbers of an enhanced status code have one to three digits",
        ("RFC3463-2-01",),
        "MUST",
        check=_syntax,
    ),
    Lint(
        "enhanced-zeros",
        "Enhanced status codes have no leading zeros",
        ("RFC3463-2-02",),
        "MUST",
        check=_zeros,
    ),
    Lint("enhanced-space", "A space follows the enhanced status code", ("RFC2034-4-06",), "MUST", check=_space),
    Lint(
        "enhanced-registered",
        "Enhanced status codes are registered",
        ("RFC3463-2-03", "RFC5248-2.1-01"),
        "SHOULD",
        check=_registered,
    ),
    Lint(
        "enhanced-pair",
        "Enhanced status codes go with the reply codes that the registry names",
        ("RFC5248-2.4-01",),
        "MAY",
        check=_pair,
    ),
)
