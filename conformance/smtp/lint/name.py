"""Lints of names in replies: the server's, the first word of some, and forward paths (sections 4.1.1.1, 4.2)."""

from __future__ import annotations

import re

from conformance.smtp import status
from conformance.smtp.lint.rule import Context, Lint
from conformance.smtp.reply import Reply

_DOMAIN = re.compile(
    rb"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
    rb"|\[[^\]\s]+\])(?=[\s,;:]|$)"
)
"""Forgiving: an underscore, a dot at the end, and a comma, colon or semicolon behind the name are let go."""

_PATH = re.compile(rb"<[^<>\s]*@[^<>\s]+>")


def _name(reply: Reply) -> bytes | None:
    """Return the domain or literal at the start of a reply, behind an enhanced status code, or None."""
    text = reply.texts[0] if reply.texts else b""
    code = status.LIKE.match(text)
    match = _DOMAIN.match(text[code.end() :].lstrip() if code else text)
    return match[0] if match else None


def _qualified(name: bytes) -> bool:
    return b"." in name or name.startswith(b"[")


def _greeting(reply: Reply, context: Context) -> str | None:
    if reply.code != 220 or context.command != "CONNECT":
        return None
    return None if _name(reply) else "the first word after 220 is no domain or address literal"


def _hello(reply: Reply, context: Context) -> str | None:
    if reply.code != 250 or context.command not in ("EHLO", "HELO", "LHLO"):
        return None
    return None if _name(reply) else f"the first word of the reply to {context.command} is no domain or address literal"


def _full(reply: Reply, context: Context) -> str | None:
    if (context.command, reply.code) not in (("CONNECT", 220), ("EHLO", 250), ("HELO", 250), ("LHLO", 250)):
        return None
    name = _name(reply)
    if name is None or _qualified(name):
        return None
    return f"the server calls itself {name.decode('latin-1')!r}, which is no fully qualified name"


def _closing(reply: Reply, context: Context) -> str | None:
    if reply.code != 421 and (reply.code, context.command) != (221, "QUIT"):
        return None
    name = _name(reply)
    if name is None or not _qualified(name):
        return f"the first word after {reply.code} is not the server's domain"
    return None


def _forward_path(reply: Reply, context: Context) -> str | None:
    if reply.code not in (251, 551) or context.command not in ("RCPT", "VRFY"):
        return None
    if any(_PATH.search(text) for text in reply.texts):
        return None
    return f"{reply.code} does not say to which path mail goes"


NAME: tuple[Lint, ...] = (
    Lint(
        "greeting-domain",
        "The 220 greeting begins with the server's domain or address literal",
        ("RFC5321-4.2-04", "RFC5321-4.1.1.1-04"),
        "MUST",
        check=_greeting,
    ),
    Lint(
        "hello-domain",
        "The reply to EHLO and HELO begins with the server's domain or address literal",
        ("RFC5321-4.1.1.1-13", "RFC5321-4.1.1.1-04", "RFC5321-4.1.1.1-21"),
        "MUST",
        check=_hello,
    ),
    Lint(
        "full-name",
        "The name in the greeting and in the reply to EHLO is fully qualified",
        ("RFC5321-4.3.1-04", "RFC5321-2.3.5-01"),
        "SHOULD",
        check=_full,
    ),
    Lint(
        "closing-domain",
        "221 and 421 name the server as their first word",
        ("RFC5321-4.2.2-02",),
        "SHOULD",
        check=_closing,
    ),
    Lint(
        "forward-path",
        "251 and 551 name the path to which mail goes",
        ("RFC5321-4.2.3-01",),
        "SHOULD",
        check=_forward_path,
    ),
)
