"""What a SASL client says (RFC 4422), without I/O: PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1 and SCRAM-SHA-256.

Messages are base64, as SMTP carries them (RFC 4954 section 4). SCRAM has no channel binding here.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")

MAX_ITERATIONS = 1_000_000
"""How many hash iterations a server may ask of us."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password, and the nonce that a client of SCRAM chooses."""

    user: bytes
    password: bytes
    nonce: bytes = b""


def response(mechanism: str, challenge: bytes | None, credentials: Credentials) -> bytes:
    """Return the client's answer to a challenge (both base64), or its first message where there is no challenge yet.

    Raises ValueError for a challenge that can't be answered.
    """
    text = b64decode(challenge, validate=True) if challenge is not None else None
    if mechanism == "PLAIN":
        answer = b"\0" + credentials.user + b"\0" + credentials.password  # RFC 4616 section 2
    elif mechanism == "LOGIN":
        answer = credentials.password if text is not None and b"pass" in text.lower() else credentials.user
    elif mechanism == "CRAM-MD5":
        answer = _cram_md5(text or b"", credentials)
    else:
        answer = _scram(mechanism, text, credentials)
    return b64encode(answer)


def _cram_md5(challenge: bytes, credentials: Credentials) -> bytes:
    """Return user name and digest (RFC 2195 section 2)."""
    return credentials.user + b" " + hmac.new(credentials.password, challenge, hashlib.md5).hexdigest().encode()


def _scram(mechanism: str, challenge: bytes | None, credentials: Credentials) -> bytes:
    """Return the client's first or final message (RFC 5802 section 3)."""
    user = credentials.user.replace(b"=", b"=3D").replace(b",", b"=2C")
    first = b"n=" + user + b",r=" + credentials.nonce
    if challenge is None:
        return b"n,," + first
    name = mechanism.removeprefix("SCRAM-").replace("-", "").lower()
    attributes = dict(part.split(b"=", 1) for part in challenge.split(b",") if b"=" in part)
    try:
        nonce, salt, iterations = attributes[b"r"], b64decode(attributes[b"s"]), int(attributes[b"i"])
    except KeyError as error:
        raise ValueError(f"the challenge of {mechanism} has no {error}") from None
    if not 0 < iterations <= MAX_ITERATIONS:
        raise ValueError(f"{iterations} iterations are asked for")
    final = b"c=" + b64encode(b"n,,") + b",r=" + nonce
    salted = hashlib.pbkdf2_hmac(name, credentials.password, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", name)
    stored_key = hashlib.new(name, client_key).digest()
    signature = hmac.digest(stored_key, first + b"," + challenge + b"," + final, name)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    return final + b",p=" + b64encode(proof)
