"""Faults of relays: what is passed on otherwise than it came (RFC 5321 sections 2.3.10, 2.3.11 and 6.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference import trace
from conformance.reference.change import on_store, without_check
from conformance.reference.faults import fault
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Stored


def _relayed(rules: Rules, rewrite: Callable[[bytes], bytes]) -> Rules:
    """Change what a relay passes on."""

    def passed(session: Session, message: Stored) -> Stored:
        return replace(message, octets=rewrite(message.octets)) if session.site.role == "relay" else message

    return on_store(rules, passed)


fault(
    "relay-dots-not-doubled",
    title="Leading dots are not doubled towards the next hop, which removes one",
    breaks=("RFC5321-4.5.2-02",),
    roles=("relay",),
)(lambda rules: _relayed(rules, lambda octets: octets.replace(b"\r\n.", b"\r\n")))

fault(
    "relay-breaks-lines",
    title="A relay breaks lines of more than 990 octets in two",
    breaks=("RFC5321-2.3.10-01", "RFC5321-4.5.3.1.6-01"),
    roles=("relay",),
)(lambda rules: _relayed(rules, lambda octets: re.sub(rb"([^\r\n]{990})(?=[^\r\n])", rb"\1!\r\n ", octets)))

fault(
    "relay-quotes-from",
    title='A relay changes "From " at the start of a line to ">From "',
    breaks=("RFC5321-2.3.10-01",),
    roles=("relay",),
)(lambda rules: _relayed(rules, lambda octets: octets.replace(b"\r\nFrom ", b"\r\n>From ")))

fault(
    "relay-comments-commands",
    title="A relay puts a hash in front of lines that look like commands",
    breaks=("RFC5321-2.3.10-01",),
    roles=("relay",),
)(lambda rules: _relayed(rules, lambda octets: re.sub(rb"\r\n(?=(?:QUIT|RSET)\r\n)", b"\r\n#", octets)))

fault(
    "relay-trims-end",
    title="A relay removes empty lines at the end of the text",
    breaks=("RFC5321-2.3.10-01",),
    roles=("relay",),
)(lambda rules: _relayed(rules, lambda octets: re.sub(rb"(?:\r\n)+\Z", b"\r\n", octets)))


def _completed(octets: bytes) -> bytes:
    missing = b"Message-ID:" not in trace.header(octets)
    return octets.replace(b"\r\n\r\n", b"\r\nMessage-ID: <1@mx.lab.test>\r\n\r\n", 1) if missing else octets


fault(
    "relay-completes-header",
    title="A relay adds a Message-ID that is missing",
    breaks=("RFC5321-6.4-02",),
    roles=("relay",),
    also_trips=("rfc5321/3.6-relaying/header-kept*",),
)(lambda rules: _relayed(rules, _completed))

fault(
    "relay-removes-return-path",
    title="A relay removes Return-Path fields",
    breaks=("RFC5321-4.4-15",),
    roles=("relay",),
)(lambda rules: _relayed(rules, trace.without_return_path))

fault(
    "relay-sends-lf",
    title="A relay ends lines with LF",
    breaks=("RFC5321-2.3.8-06", "RFC5321-2.3.8-08"),
    roles=("relay",),
)(lambda rules: _relayed(rules, lambda octets: octets.replace(b"\r\n", b"\n")))

fault(
    "relay-passes-bare",
    title="A relay passes on a bare CR or LF",
    breaks=("RFC5321-2.3.8-08", "RFC5322-2.3-01"),
    roles=("relay",),
)(lambda rules: without_check(rules, "bare"))
