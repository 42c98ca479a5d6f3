"""The lab's certificate authority, and the certificates that its servers show."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from tests.lab.kit.place import CACHE, DOMAIN, HOST

FOLDER = CACHE / "certificates"


def certificates() -> Path:
    """Return the folder with ``ca.crt``, ``good.crt``, ``good.key``, ``good.pem`` (both), made when missing."""
    if (FOLDER / "done").exists():
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

    def builder(subject: str, key: rsa.RSAPrivateKey, days: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("SMTP lab CA"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + days * day)
        )

    authority = rsa.generate_private_key(65537, 2048)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = (
        builder("SMTP lab CA", authority, 3650)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(authority, hashes.SHA256())
    )
    key = rsa.generate_private_key(65537, 2048)
    names = [x509.DNSName(n) for n in (DOMAIN, f"*.{DOMAIN}", "localhost")]
    addresses = [x509.IPAddress(ipaddress.ip_address(HOST))]
    good = (
        builder(DOMAIN, key, 825)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (FOLDER / "ca.crt").write_bytes(root.public_bytes(pem))
    (FOLDER / "good.crt").write_bytes(good.public_bytes(pem))
    (FOLDER / "good.key").write_bytes(secret)
    (FOLDER / "good.pem").write_bytes(secret + good.public_bytes(pem))
    (FOLDER / "good.key").chmod(0o600)
    (FOLDER / "done").touch()
    return FOLDER
