"""What is wrong with the certificate that a server shows, whoever signed it.

Whether a chain leads to an authority that the client trusts is not asked: that depends on the computer that asks. A
name is right where it is one of those by which the server may be known: that of the target file, that of its greeting,
its address.
"""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

SHORTEST_RSA = 2048
"""Bits of an RSA or DSA key (RFC 9325 section 4.5)."""
SHORTEST_CURVE = 224
"""Bits of a key on an elliptic curve (112 bits of security)."""
WEAK_HASHES = ("md5", "sha1")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says and what is wrong with it: words of ``pattern.CERTIFICATE_FACTS``."""

    facts: frozenset[str]
    detail: str

    def __str__(self) -> str:
        return f"certificate {self.detail}" + (f" ({', '.join(sorted(self.facts))})" if self.facts else "")


NONE = Certificate(frozenset({"none"}), "none was shown")


def read(der: bytes, names: Collection[str], now: float) -> Certificate:
    """Return what is wrong with a certificate for a server with these names. Raises ValueError where it is none."""
    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of certificates that are odd and can be read
        return _read(x509.load_der_x509_certificate(der), names, datetime.fromtimestamp(now, UTC))


def _read(found: x509.Certificate, names: Collection[str], now: datetime) -> Certificate:
    own = found.subject == found.issuer
    shown = _names(found)
    kind, bits, short = _key(found)
    facts = {
        "expired": found.not_valid_after_utc < now,
        "not-yet-valid": found.not_valid_before_utc > now,
        "wrong-name": not any(_matches(shown, name) for name in names),
        "self-signed": own,
        "short-key": short,
        "weak-signature": not own and _hash(found) in WEAK_HASHES,
    }
    dates = f"{found.not_valid_before_utc:%Y-%m-%d} to {found.not_valid_after_utc:%Y-%m-%d}"
    issuer = "itself" if own else found.issuer.rfc4514_string()
    detail = f"for {', '.join(shown[:5]) or 'no name'}; {dates}; {kind} {bits}; signed by {issuer}"
    return Certificate(frozenset(fact for fact, holds in facts.items() if holds), detail)


def _names(found: x509.Certificate) -> list[str]:
    """Return the names of the subjectAltName; without one, the common name."""
    from cryptography import x509

    try:
        given = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return [str(attribute.value) for attribute in found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    addresses = given.get_values_for_type(x509.IPAddress)
    return [*given.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)]


def _matches(shown: Collection[str], name: str) -> bool:
    """Return whether a name is among those shown; an asterisk stands for one label (RFC 9525 section 6.3)."""
    wanted = name.lower().rstrip(".").strip("[]")
    try:
        wanted = str(ipaddress.ip_address(wanted.removeprefix("ipv6:")))
    except ValueError:
        parent = wanted.partition(".")[2]
        return any(given.lower() in (wanted, f"*.{parent}") for given in shown) and bool(wanted)
    return wanted in shown


def _key(found: x509.Certificate) -> tuple[str, int, bool]:
    """Return the kind of the key, its bits, and whether these are too few."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

    try:
        key = found.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return "key of unknown kind", 0, False
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        return ("RSA" if isinstance(key, rsa.RSAPublicKey) else "DSA"), key.key_size, key.key_size < SHORTEST_RSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", key.key_size, key.key_size < SHORTEST_CURVE
    return type(key).__name__.removesuffix("PublicKey").strip("_"), 256, False


def _hash(found: x509.Certificate) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        algorithm = found.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    return algorithm.name if algorithm is not None else ""
