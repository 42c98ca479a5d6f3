"""Faults of TLS: old versions, and certificates that are worth little."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

from conformance.reference.certificate import Kind
from conformance.reference.faults import fault
from conformance.reference.rules import Rules


def _tls(rules: Rules, **changes: Any) -> Rules:
    return replace(rules, tls={**rules.tls, **changes})


fault(
    "tls-1.0",
    title="TLS 1.0 and 1.1 are taken",
    breaks=("SEC-TLS-OLD",),
)(lambda rules: _tls(rules, minimum_version=ssl.TLSVersion.TLSv1))

fault(
    "tls-1.1-at-most",
    title="Nothing newer than TLS 1.1 is taken",
    breaks=("SEC-TLS-CURRENT", "SEC-TLS-OLD"),
    also_trips=("rfc3207-starttls/*",),
)(lambda rules: _tls(rules, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1))


def _certificate(kind: Kind, title: str, *breaks: str) -> None:
    fault(f"certificate-{kind}", title=title, breaks=breaks)(lambda rules: _tls(rules, certificate=kind))


_certificate("expired", "The certificate expired a month ago", "SEC-TLS-CERTIFICATE")
_certificate("not-yet-valid", "The certificate is valid in a month", "SEC-TLS-CERTIFICATE")
_certificate("short-key", "The certificate has an RSA key of 1024 bits", "SEC-TLS-CERTIFICATE")
_certificate("weak-signature", "The certificate is signed with SHA-1", "SEC-TLS-CERTIFICATE")
_certificate("wrong-name", "The certificate is for another server", "SEC-TLS-NAME", "SEC-TLS-USERS")
_certificate("self-signed", "The certificate has signed itself", "SEC-TLS-NAME", "SEC-TLS-USERS")
