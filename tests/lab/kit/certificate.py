"""The lab's certificate authority, and the certificates that its servers show."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from tests.lab.kit.place import CACHE, DOMAIN, HOST

FOLDER = CACHE / "certificates"
CA = "SMTP lab CA"
OTHER = "mail.other.test"
"""The name in certificates that are not for this server."""


def certificates() -> Path:
    """Return the folder with ``ca.crt`` and, for each kind, ``good.crt``, ``good.key``, ``good.pem`` (both).

    Kinds: ``good``; ``expired`` (a day ago, and for a name that is nobody's here); ``other`` (for such a name); ``own``
    (signed by itself). They are made when one is missing.
    """
    here = (DOMAIN, f"*.{DOMAIN}", "localhost")
    kinds = {"good": (here, 825), "expired": ((OTHER,), -1), "other": ((OTHER,), 825), "own": (here, 825)}
    if all((FOLDER / f"{kind}.pem").exists() for kind in kinds):
        return FOLDER
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    FOLDER.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject: str, key: rsa.RSAPrivateKey, days: int, issuer: str = CA) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - (day if days > 0 else 91 * day))
            .not_valid_after(now + days * day)
        )

    authority = rsa.generate_private_key(65537, 2048)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = (
        builder(CA, authority, 3650)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (FOLDER / "ca.crt").write_bytes(root.public_bytes(pem))
    for kind, (names, days) in kinds.items():
        key = rsa.generate_private_key(65537, 2048)
        alternatives: list[x509.GeneralName] = [x509.DNSName(n) for n in names]
        if names is here:
            alternatives.append(x509.IPAddress(ipaddress.ip_address(HOST)))
        issued = (
            builder(names[0], key, days, names[0] if kind == "own" else CA)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(key if kind == "own" else authority, hashes.SHA256())
            .public_bytes(pem)
        )
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (FOLDER / f"{kind}.crt").write_bytes(issued)
        (FOLDER / f"{kind}.key").write_bytes(secret)
        (FOLDER / f"{kind}.key").chmod(0o600)
        (FOLDER / f"{kind}.pem").write_bytes(secret + issued)
    return FOLDER
