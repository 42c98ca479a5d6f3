"""Faults of the transmission types in Received fields (RFC 3848)."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.faults import fault
from conformance.reference.rules import Rules
from conformance.reference.session import Session


def _named(rules: Rules, wrong: dict[str, str]) -> Rules:
    """Give other names to some transmission types."""

    def received(session: Session, identity: str) -> str:
        field = rules.received(session, identity)
        return field.replace(f"with {session.protocol} ", f"with {wrong.get(session.protocol, session.protocol)} ")

    return replace(rules, received=received)


fault(
    "trace-smtp-always",
    title="Received says SMTP, however the message came",
    breaks=(
        "RFC3848-1-01",
        "RFC3848-1-02",
        "RFC3848-1-03",
        "RFC3848-1-04",
        "RFC3848-1-05",
        "RFC3207-4.2-06",
        "RFC4954-7-01",
    ),
    also_trips=("rfc5321/4.4-trace/with-what-was-spoken*",),
)(lambda rules: _named(rules, dict.fromkeys(("ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA", "LMTP"), "SMTP")))

fault(
    "trace-esmtp-always",
    title="Received says ESMTP after HELO, in TLS and after a login",
    breaks=(
        "RFC3848-1-01",
        "RFC3848-1-02",
        "RFC3848-1-03",
        "RFC3848-1-04",
        "RFC3848-1-05",
        "RFC3207-4.2-06",
        "RFC4954-7-01",
    ),
    also_trips=("rfc5321/4.4-trace/with-what-was-spoken*",),
)(lambda rules: _named(rules, dict.fromkeys(("SMTP", "ESMTPS", "ESMTPA", "ESMTPSA", "LMTP"), "ESMTP")))
