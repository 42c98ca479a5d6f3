"""A certificate authority and a server certificate made for the occasion: ECDSA P-256, good for the strictest clients.

``cryptography`` is imported only when a certificate is made, since a server without TLS needs none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    Key: TypeAlias = EllipticCurvePrivateKey | RSAPrivateKey

Kind = Literal["valid", "expired", "not-yet-valid", "wrong-name", "self-signed", "short-key", "weak-signature"]

_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")
"""Object identifiers of RFC 4055, as they stand in certificates."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM texts: what a server sends with its private key, and what a client has to trust."""

    chain: bytes
    key: bytes
    ca: bytes


def make(host: str, kind: Kind = "valid") -> Certificate:
    """Return a certificate for a host name, ``localhost`` and the loopback addresses; ``kind`` says what is wrong."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    ca_key: Key = ec.generate_private_key(ec.SECP256R1())
    if kind == "weak-signature":
        ca_key = rsa.generate_private_key(65537, 2048)
    short = rsa.generate_private_key(65537, 1024) if kind == "short-key" else None
    key: Key = short or ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    leaf = _leaf("wrong.example" if kind == "wrong-name" else host, kind, key, ca_key, ca)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    if kind == "weak-signature":
        leaf = _signed_with_sha1(leaf, ca_key)
    return Certificate(leaf.public_bytes(pem), private, ca.public_bytes(pem))


def _signed_with_sha1(leaf: x509.Certificate, ca_key: Key) -> x509.Certificate:
    """Sign a certificate anew with a hash that ``cryptography`` no longer signs with."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    assert isinstance(ca_key, RSAPrivateKey)
    text = leaf.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    whole = leaf.public_bytes(serialization.Encoding.DER).replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = ca_key.sign(text, PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(whole[: -len(signature)] + signature)


def _name(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(key: Key, since: datetime, until: datetime) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(key: Key) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    now, name = datetime.now(UTC), _name("smtp-conformance test authority")
    return (
        _builder(key, now - timedelta(days=1000), now + timedelta(days=1000))
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(host: str, kind: Kind, key: Key, ca_key: Key, ca: x509.Certificate) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    now = datetime.now(UTC)
    since = now + timedelta(days=30 if kind == "not-yet-valid" else -60)
    until = now + timedelta(days=-30 if kind == "expired" else 300)
    own = kind == "self-signed"
    addresses = () if kind == "wrong-name" else ("127.0.0.1", "::1")
    names = [x509.DNSName(host), *(x509.IPAddress(ip_address(address)) for address in addresses)]
    if kind != "wrong-name":
        names.append(x509.DNSName("localhost"))
    signer = (key if own else ca_key).public_key()
    return (
        _builder(key, since, until)
        .subject_name(_name(host))
        .issuer_name(_name(host) if own else ca.subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
        .sign(key if own else ca_key, hashes.SHA256())
    )
