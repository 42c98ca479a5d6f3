"""What is said of a server's certificate, over a socket and in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.case.catalog import load_catalogue
from conformance.case.model import Case
from conformance.engine.certificate import read
from conformance.engine.embedded import target_for
from conformance.engine.player import play
from conformance.engine.run import setting_for
from conformance.reference.certificate import make
from conformance.reference.serve import ServingThread
from conformance.reference.site import Site

CASES = {case.id.removeprefix("security/tls/"): case for case in load_catalogue().cases if "security/tls/" in case.id}


def verdict(case: Case, *faults: str) -> tuple[str, str]:
    """Play a case against a reference server over a socket; return the outcome and its reason."""
    implicit = case.start == "tcp"

    async def run(port: int) -> tuple[str, str]:
        target = replace(target_for(Site(), port=port), tls="implicit" if implicit else "none")
        outcome = await play(case, await setting_for(target))
        return outcome.outcome, outcome.reason

    with ServingThread(faults=faults, tls="implicit" if implicit else "starttls") as endpoint:
        return asyncio.run(run(endpoint.port))


@pytest.mark.parametrize("name", [name for name in CASES if "users" not in name])
def test_the_reference_server_passes_over_a_socket(name: str) -> None:
    """With a real handshake and a real certificate."""
    assert verdict(CASES[name]) == ("pass", "")


@pytest.mark.parametrize(
    ("name", "fault", "outcome"),
    [
        ("old-version[1.0]", "tls-1.0", "warn"),
        ("old-version[1.1]", "tls-1.0", "warn"),
        ("old-version-at-once[1.0]", "tls-1.0", "warn"),
        ("old-version-at-once[1.1]", "tls-1.0", "warn"),
        ("current-version", "tls-1.1-at-most", "warn"),
        ("certificate", "certificate-expired", "warn"),
        ("certificate", "certificate-not-yet-valid", "warn"),
        ("certificate", "certificate-short-key", "warn"),
        ("certificate", "certificate-weak-signature", "warn"),
        ("certificate-name", "certificate-wrong-name", "info"),
        ("certificate-name", "certificate-self-signed", "info"),
    ],
)
def test_each_fault_is_seen_over_a_socket(name: str, fault: str, outcome: str) -> None:
    """The facts that a wire in memory makes up are those of real certificates."""
    assert verdict(CASES[name], fault)[0] == outcome


def test_names() -> None:
    """The host, the greeting or the address may be named; an asterisk stands for one label."""

    def facts(shown: str, *names: str) -> frozenset[str]:
        pem = x509.load_pem_x509_certificate(make(shown).chain)
        return read(pem.public_bytes(Encoding.DER), names, pem.not_valid_before_utc.timestamp() + 9).facts

    assert facts("mx.example.org", "MX.example.org.") == frozenset()
    assert facts("*.example.org", "mx.example.org") == frozenset()
    assert facts("*.example.org", "a.mx.example.org", "example.org") == {"wrong-name"}
    assert facts("mx.example.org", "mx.example.com", "127.0.0.1") == frozenset()
    assert facts("mx.example.org", "192.0.2.1", "") == {"wrong-name"}
    assert facts("mx.example.org", "[IPv6:::1]") == frozenset()
