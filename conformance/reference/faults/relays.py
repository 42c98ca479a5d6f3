"""Faults of relays: what is passed on otherwise than it came (RFC 5321 sections 2.3.10, 2.3.11 and 6.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference import trace
from conformance.reference.change import checked, on_store, without_check
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
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


def _sorted(octets: bytes) -> bytes:
    header = trace.header(octets)
    fields = [match[0] for match in re.finditer(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*", header)]
    trace_first = [field for field in fields if field[:1].upper() == b"R"]
    return b"".join([*trace_first, *(field for field in fields if field not in trace_first)]) + octets[len(header) :]


fault(
    "relay-sorts-header",
    title="A relay puts trace and Resent fields in front of all others",
    breaks=("RFC5322-3.6-01", "RFC5322-3.6-02", "RFC5322-3.6-03"),
    roles=("relay",),
)(lambda rules: _relayed(rules, _sorted))


def _completed(octets: bytes) -> bytes:
    missing = b"Message-ID:" not in trace.header(octets)
    return octets.replace(b"\r\n\r\n", b"\r\nMessage-ID: <1@mx.lab.test>\r\n\r\n", 1) if missing else octets


fault(
    "relay-completes-header",
    title="A relay adds a Message-ID that is missing",
    breaks=("RFC5321-6.4-02",),
    roles=("relay",),
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


def _content(session: Session, octets: bytes) -> Reply | None:
    header = trace.header(octets)
    odd = b"This is no field" in octets or (b"MIME-Version" in header and b"multipart/report" not in header)
    return reply(550, "5.6.0", "Bad content") if odd and session.site.role == "relay" else None


fault(
    "relay-inspects-content",
    title="A relay refuses content that is not in order",
    breaks=("RFC5321-2.4-12",),
    roles=("relay",),
)(lambda rules: checked(rules, _content))


def _envelope(rules: Rules, rewrite: Callable[[str], str]) -> Rules:
    return on_store(rules, lambda session, message: replace(message, reverse_path=rewrite(message.reverse_path)))


fault(
    "path-lower-case",
    title="The local part of the reverse-path is put into small letters",
    breaks=("RFC5321-2.4-04",),
)(lambda rules: _envelope(rules, str.lower))

fault(
    "path-interpreted",
    title="%, !, + and = in the local part of the reverse-path are interpreted",
    breaks=("RFC5321-2.3.11-01",),
)(lambda rules: _envelope(rules, lambda path: re.sub(r"[%!+=].*@", "@", path)))
