"""Faults of what a server for users lets out: dots that are not doubled, line ends that are none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference.change import limited, on_store, without_check
from conformance.reference.faults import fault
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Stored


def _out(rules: Rules, rewrite: Callable[[bytes], bytes]) -> Rules:
    """Change what a submission server hands to the next hop; it ends where the next hop sees the end."""

    def sent(session: Session, message: Stored) -> Stored:
        if session.site.role != "submission":
            return message
        return replace(message, octets=rewrite(message.octets).partition(b"\r\n.\r\n")[0] + b"\r\n")

    return on_store(rules, sent)


fault(
    "submission-passes-bare",
    title="A submission server passes on a bare CR or LF",
    breaks=("SEC-OUT-BARE", "RFC5321-2.3.8-08"),
    roles=("submission",),
)(lambda rules: without_check(rules, "bare"))

fault(
    "submission-doubles-no-dots",
    title="A submission server does not double leading dots towards the next hop",
    breaks=("SEC-OUT-END", "RFC5321-4.5.2-02"),
    roles=("submission",),
)(lambda rules: _out(rules, lambda octets: re.sub(rb"\r\n\.(?!\r\n)", b"\r\n", octets)))

fault(
    "submission-doubles-no-dots-at-borders",
    title="A submission server does not double a dot that begins a buffer of 4096 octets",
    breaks=("SEC-OUT-END", "RFC5321-4.5.2-02"),
    roles=("submission",),
)(lambda rules: _out(rules, _bordered))


def _bordered(octets: bytes) -> bytes:
    for border in range(4096, len(octets), 4096):
        if octets[border - 2 : border + 1] == b"\r\n.":
            return octets[:border] + b".\r\n"
    return octets


fault(
    "submission-drops-nul",
    title="A submission server drops NUL behind the place that doubles dots",
    breaks=("SEC-OUT-END", "SEC-OUT-BARE", "RFC5321-4.5.2-02"),
    roles=("submission",),
)(
    lambda rules: _out(
        without_check(rules, "bare"), lambda octets: re.sub(rb"\r\0\n\.", b"\r\n", octets).replace(b"\0", b"")
    )
)

fault(
    "submission-folds-lines",
    title="A submission server breaks long lines behind the place that doubles dots",
    breaks=("SEC-OUT-END", "RFC5321-4.5.2-02"),
    roles=("submission",),
)(
    lambda rules: _out(
        limited(rules, text_line=100_000),
        lambda octets: re.sub(rb"([^\r\n]{990}|[^\r\n]{998}|[^\r\n]{2048})(?=\.\r\n)", rb"\1\r\n", octets),
    )
)
