"""Lints of the EHLO reply: every line after the first is a keyword with its parameters (RFC 5321 section 4.1.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.smtp import keyword
from conformance.smtp.lint.rule import Context, Lint
from conformance.smtp.reply import Reply

_PARAMETERS = (
    "RFC1870-3-01",
    "RFC2034-3-01",
    "RFC2920-2-01",
    "RFC3030-2-01",
    "RFC3030-3-02",
    "RFC3207-2-01",
    "RFC3461-2-01",
    "RFC4405-2-01",
    "RFC6152-2-01",
    "RFC6531-3.1-01",
    "RFC7293-3.1-01",
    "RFC8689-2-01",
    "RFC9422-3-01",
)
"""What the documents of the keywords say about their parameters."""


def _each(check: Callable[[str], str | None]) -> Callable[[Reply, Context], str | None]:
    """Return a check of a whole reply: the first line of the list about which there is something to say."""

    def of_reply(reply: Reply, context: Context) -> str | None:
        return next((found for line in _lines(reply, context) if (found := check(line)) is not None), None)

    return of_reply


def _lines(reply: Reply, context: Context) -> Iterator[str]:
    """Yield the lines after the first, of a positive reply to EHLO or LHLO."""
    if reply.code == 250 and context.command in ("EHLO", "LHLO"):
        for text in reply.texts[1:]:
            yield text.decode("latin-1")


def _old_form(line: str) -> bool:
    return keyword.split(line)[0].startswith("AUTH=")


def _line(line: str) -> str | None:
    if _old_form(line) or keyword.LINE.fullmatch(" ".join(line.split())):
        return None
    return f"{line!r} is no keyword with parameters" if line.strip() else "an empty line"


def _white_space(line: str) -> str | None:
    if line.strip() and line != " ".join(line.split()):
        return f"{line!r} has more white space than single spaces between words"
    return None


def _equals_sign(line: str) -> str | None:
    return f"{line!r}: a keyword has no '='" if _old_form(line) else None


def _registered(line: str) -> str | None:
    name, _ = keyword.split(line)
    if not keyword.LINE.fullmatch(name) or keyword.is_private(name):
        return None
    known = keyword.known().get(name)
    return None if known and known.status in ("registered", "deprecated") else f"{name} is not registered with IANA"


def _parameters(line: str) -> str | None:
    name, parameters = keyword.split(" ".join(line.split()))
    known = keyword.known().get(name)
    if known is None or known.parameters is None or known.parameters.fullmatch(parameters):
        return None
    if not known.parameters.pattern:
        return f"{line!r}: {name} takes no parameter"
    return f"{line!r}: these are no parameters of {name}"


def _once(reply: Reply, context: Context) -> str | None:
    seen: set[str] = set()
    for line in _lines(reply, context):
        name, _ = keyword.split(line)
        if not keyword.LINE.fullmatch(name):
            continue
        if name in seen:
            return f"{name} is listed twice"
        seen.add(name)
    return None


def _requires(reply: Reply, context: Context) -> str | None:
    listed = {keyword.split(line)[0] for line in _lines(reply, context)}
    for name in sorted(listed & keyword.known().keys()):
        missing = [other for other in keyword.known()[name].requires if other not in listed]
        if missing:
            return f"{name} is listed without {' and '.join(missing)}"
    return None


EHLO: tuple[Lint, ...] = (
    Lint(
        "keyword-grammar",
        "Each line of the EHLO reply after the first is a keyword, and parameters",
        ("RFC5321-4.1.1.1-14", "RFC5321-4.1.1.1-21"),
        "MUST",
        check=_each(_line),
    ),
    Lint(
        "keyword-spaces",
        "Single spaces separate keyword and parameters in the EHLO reply",
        ("RFC5321-4.1.1.1-14", "RFC5321-4.1.1.1-21"),
        "SHOULD",
        check=_each(_white_space),
    ),
    Lint(
        "keyword-equals-sign",
        "AUTH is listed without an equals sign",
        ("RFC5321-4.1.1.1-14", "RFC5321-4.1.1.1-21"),
        "SHOULD",
        check=_each(_equals_sign),
    ),
    Lint(
        "keyword-registered",
        "EHLO keywords are registered or begin with X",
        ("RFC5321-2.2.2-01", "RFC5321-2.2.2-03"),
        "SHOULD",
        check=_each(_registered),
    ),
    Lint(
        "keyword-parameters",
        "EHLO keywords have the parameters that their definition gives them",
        ("RFC5321-4.1.1.1-14", *_PARAMETERS),
        "MUST",
        check=_each(_parameters),
    ),
    Lint(
        "keyword-once",
        "Each EHLO keyword is listed once",
        ("RFC5321-4.1.1.1-17", "RFC5321-4.1.1.1-26"),
        "SHOULD",
        check=_once,
    ),
    Lint(
        "keyword-requires",
        "Extensions that build on others are listed with them",
        ("RFC5321-2.2.1-01",),
        "SHOULD",
        check=_requires,
    ),
)
