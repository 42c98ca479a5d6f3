"""Faults of transparency: leading dots, and text that does not arrive as it was sent (RFC 5321 section 4.5.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference import framing
from conformance.reference.change import checked, message, on_input, stored
from conformance.reference.faults import fault
from conformance.reference.faults._seen import OPENSMTPD, POSTFIX, QPSMTPD, SMTP_SERVER
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import State

# Leading dots

fault(
    "dots-kept",
    title="No leading dot is removed",
    breaks=("RFC5321-4.5.2-01", "RFC5321-4.5.2-04", "RFC1870-5-01"),
    also_trips=("rfc5321/2.3.10-relay/*", "rfc5321/D-scenarios/*"),
)(lambda rules: replace(rules, unstuff=lambda text: text))

fault(
    "dots-only-doubled",
    title="A leading dot is removed only where another dot follows it",
    breaks=("RFC5321-4.5.2-01",),
    seen_in=(QPSMTPD, SMTP_SERVER),
)(lambda rules: replace(rules, unstuff=lambda text: re.sub(rb"(\A|\r\n)\.\.", rb"\1.", text)))

fault(
    "dots-anywhere",
    title="Two dots become one wherever they stand",
    breaks=("RFC5321-4.5.2-01",),
    also_trips=("rfc5321/D-scenarios/*",),
)(lambda rules: replace(rules, unstuff=lambda text: text.replace(b"..", b".")))

fault(
    "dots-behind-space",
    title="A dot is removed at the start of a line though white space is in front of it",
    breaks=("RFC5321-4.5.2-01",),
)(lambda rules: message(rules, lambda text: re.sub(rb"(\r\n[ \t]+)\.", rb"\1", text)))

fault(
    "dots-at-line-end",
    title="The dot at the end of a short line is removed",
    breaks=("RFC5321-4.5.2-01",),
)(lambda rules: message(rules, lambda text: re.sub(rb"(\r\n[a-z]{4})\.\r\n", rb"\1\r\n", text)))


def _body_only(text: bytes) -> bytes:
    header, line, body = text.partition(b"\r\n\r\n")
    return header + line + framing.unstuff(body)


fault(
    "dots-kept-in-header",
    title="Leading dots are removed in the body and kept in the header section",
    breaks=("RFC5321-4.5.2-04",),
)(lambda rules: replace(rules, unstuff=_body_only))


def _not_the_first(text: bytes) -> bytes:
    header, line, body = text.partition(b"\r\n\r\n")
    return framing.unstuff(header) + line + body.replace(b"\r\n.", b"\r\n")


fault(
    "dots-kept-on-first-line",
    title="The first line of the body keeps its leading dot",
    also_trips=("rfc5321/2.3.10-relay/*",),
    breaks=("RFC5321-4.5.2-04",),
)(lambda rules: replace(rules, unstuff=_not_the_first))


@fault(
    "dots-by-segment",
    title="Transparency is undone in each TCP segment for itself",
    breaks=("RFC5321-4.5.2-01",),
)
def _by_segment(rules: Rules) -> Rules:
    leading = re.compile(rb"(\r\n)\.(?=\.+[^.]|[^.\r])").sub
    first = re.compile(rb"(\A|\r\n)\.(?=\.+[^.]|[^.\r])").sub

    def undo(session: Session, octets: bytes) -> bytes:
        if session.state is not State.TEXT:
            session.memory["text"] = False
            return octets
        known, session.memory["text"] = session.memory.get("text", False), True
        return (leading if known else first)(rb"\1\0", octets)

    return replace(on_input(rules, undo), unstuff=lambda text: text.replace(b"\0", b""))


fault(
    "dots-behind-lf",
    title="A bare LF is taken for a line end in the text, and the dot behind it removed",
    breaks=("RFC5321-4.5.2-05", "RFC5321-4.1.1.4-05"),
    seen_in=(POSTFIX, OPENSMTPD),
)(lambda rules: replace(rules, unstuff=lambda text: re.sub(rb"(\A|\n)\.", rb"\1", text)))

fault(
    "dots-behind-cr",
    title="A bare CR is taken for a line end in the text, and the dot behind it removed",
    breaks=("RFC5321-4.5.2-05",),
)(lambda rules: replace(rules, unstuff=lambda text: re.sub(rb"(\A|\r\n?)\.", rb"\1", text)))

# The characters of the text


def _in_body(rules: Rules, rewrite: Callable[[bytes], bytes]) -> Rules:
    def rewritten(text: bytes) -> bytes:
        header, line, body = text.partition(b"\r\n\r\n")
        return header + line + rewrite(body)

    return message(rules, rewritten)


fault(
    "text-controls-lost",
    title="Control characters in the text are lost",
    breaks=("RFC5321-2.3.10-01", "RFC5321-4.5.2-06", "RFC5321-4.1.1.4-01"),
)(lambda rules: _in_body(rules, lambda text: re.sub(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", b"", text)))

fault(
    "text-tabs-expanded",
    title="Tabs in the text become spaces",
    breaks=("RFC5321-2.3.10-01", "RFC5321-4.5.2-06", "RFC5321-4.5.2-08"),
    also_trips=("rfc5321/4.5.2-transparency/leading-dot[[]dot-tab]",),
)(lambda rules: _in_body(rules, lambda text: text.expandtabs()))

fault(
    "text-spaces-collapsed",
    title="Several spaces in a row become one",
    breaks=(
        "RFC5321-2.3.10-01",
        "RFC5321-4.5.2-06",
    ),
    also_trips=("rfc5321/D-scenarios/*",),
)(lambda rules: _in_body(rules, lambda text: re.sub(rb"  +", b" ", text)))

fault(
    "text-backslash-lost",
    title="Backslashes in the text are lost",
    breaks=(
        "RFC5321-2.3.10-01",
        "RFC5321-4.5.2-06",
    ),
)(lambda rules: _in_body(rules, lambda text: text.replace(b"\\", b"")))

fault(
    "text-white-space-trimmed",
    title="White space at the end of text lines is lost",
    breaks=("RFC5321-2.3.10-01", "RFC5321-4.5.2-06", "RFC5321-4.5.2-08"),
)(lambda rules: _in_body(rules, lambda text: re.sub(rb"[ \t]+\r\n", b"\r\n", text)))

fault(
    "text-from-quoted",
    title='"From " at the start of a line becomes ">From ", as in mbox files',
    breaks=(
        "RFC5321-2.3.10-01",
        "RFC5321-4.5.2-08",
    ),
)(lambda rules: message(rules, lambda text: re.sub(rb"\r\nFrom ", b"\r\n>From ", text)))

fault(
    "text-not-ascii-added",
    title="A header field with octets above 127 is added to each message",
    breaks=("RFC5321-4.5.2-07", "RFC5321-2.3.1-01"),
    also_trips=("rfc6531-smtputf8/3.7.3-messages/trace-in-ascii",),
)(lambda rules: stored(rules, lambda octets: "X-Scanned: gepr\u00fcft\r\n".encode("latin-1") + octets))


def _odd(session: Session, octets: bytes) -> Reply | None:
    odd = not session.transaction.binary and re.search(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", octets)
    return reply(554, "5.6.0", "Odd characters") if odd else None


fault(
    "text-control-characters-refused",
    title="A message with control characters in its text is refused",
    breaks=("RFC5321-4.5.2-06", "RFC5321-4.1.1.4-01"),
)(lambda rules: checked(rules, _odd))
