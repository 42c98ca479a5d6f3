"""SASL mechanisms (RFC 4422) without I/O: PLAIN, LOGIN, CRAM-MD5 and SCRAM-SHA-256.

A mechanism is a generator: it yields challenges, is sent the responses, and returns the name of the user who logged
in. It raises ``Failed`` with the reply that ends the exchange. A mechanism in which the client speaks first starts by
yielding an empty challenge; an initial response answers it before it is sent (RFC 4954 section 4).
"""

from __future__ import annotations

import hashlib
import hmac
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from .reply import Reply, reply

if TYPE_CHECKING:
    from .session import Session

REJECTED = reply(535, "5.7.8", "Authentication credentials invalid")
_SYNTAX = reply(501, "5.5.2", "Not a message of this mechanism")

Exchange = Generator[bytes, bytes, str]


class Failed(Exception):
    """The exchange has ended without a login."""

    def __init__(self, answer: Reply = REJECTED) -> None:
        super().__init__(answer.text)
        self.reply = answer


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One SASL mechanism."""

    name: str
    client_first: bool
    plaintext: bool
    """Whether it shows the password to everyone on the wire: then it is for TLS only (RFC4954-4-25, RFC4954-4-26)."""
    start: Callable[[Session], Exchange]


def authenticate(session: Session, user: str, password: str) -> bool:
    """Return whether a user has this password; an unknown user takes as long (RFC4422-3.6-01)."""
    right = session.site.users.get(user)
    same = hmac.compare_digest((right or "").encode(), password.encode())
    return same and right is not None


def plain(session: Session) -> Exchange:
    """PLAIN (RFC 4616): authzid NUL authcid NUL password."""
    fields = _text((yield b"")).split("\0")
    if len(fields) != 3:
        raise Failed(_SYNTAX)  # RFC4616-2-02
    authzid, user, password = fields[0], prepare(fields[1]), prepare(fields[2])
    if not user or not password:  # RFC4616-2-06
        raise Failed
    if not session.rules.authenticate(session, user, password) or not may_act_as(user, authzid):
        raise Failed
    return user


def login(session: Session) -> Exchange:
    """LOGIN: user name and password, each asked for; the prompts are what clients know."""
    user = prepare(_text((yield b"Username:")))
    password = prepare(_text((yield b"Password:")))
    if not user or not session.rules.authenticate(session, user, password):
        raise Failed
    return user


def cram_md5(session: Session) -> Exchange:
    """CRAM-MD5 (RFC 2195): HMAC-MD5 of a challenge that never repeats (RFC2195-2-01, -02)."""
    site = session.site
    challenge = f"<{site.random(12).hex()}.{int(site.clock())}@{site.host}>".encode()
    user, space, digest = _text((yield challenge)).rpartition(" ")
    user = prepare(user)
    right = hmac.new(site.users.get(user, "").encode(), challenge, hashlib.md5).hexdigest()
    if not space or not hmac.compare_digest(right.encode(), digest.encode()) or user not in site.users:
        raise Failed
    return user


ITERATIONS = 4096
"""RFC 7677 section 4 asks for 4096 at least (RFC7677-3-01)."""


def scram_sha_256(session: Session) -> Exchange:
    """SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding."""
    site = session.site
    gs2, bare = _gs2_header(_text((yield b"")))
    name, client_nonce = _first_message(bare)
    user = prepare(name)
    nonce = client_nonce + site.random(18).hex()
    salt = hashlib.sha256(f"{site.host} {user}".encode()).digest()[:16]  # an unknown user has one too: RFC4422-3.6-01
    first = f"r={nonce},s={b64encode(salt).decode()},i={ITERATIONS}"
    final = _attributes(_text((yield first.encode())))
    without_proof = f"c={b64encode(gs2.encode()).decode()},r={nonce}"
    if final.get("c") != b64encode(gs2.encode()).decode() or final.get("r") != nonce:
        raise Failed  # RFC5802-6-05, RFC5802-5.1-03
    stored_key, server_key = _keys(site.users.get(user, ""), salt)
    # Extensions that are not known are ignored and count as part of the message (RFC5802-5.1-06).
    signed = f"{bare},{first},{final.get('', without_proof)}".encode()
    if not _proven(stored_key, signed, final.get("p", "")) or user not in site.users:
        raise Failed
    if not may_act_as(user, _attributes(gs2).get("a", "")):
        raise Failed
    yield b"v=" + b64encode(hmac.digest(server_key, signed, "sha256"))  # RFC5802-5.1-08: 334, and an empty response
    return user


def may_act_as(user: str, authzid: str) -> bool:
    """Users act as themselves; an empty authorization identity means that (RFC4616-2-04, -05, RFC4422-3.4.1-01)."""
    return authzid in ("", user)


MECHANISMS = (
    Mechanism("PLAIN", client_first=True, plaintext=True, start=plain),
    Mechanism("LOGIN", client_first=False, plaintext=True, start=login),
    Mechanism("CRAM-MD5", client_first=False, plaintext=False, start=cram_md5),
    Mechanism("SCRAM-SHA-256", client_first=True, plaintext=False, start=scram_sha_256),
)


def decode(text: bytes) -> bytes:
    """Return what a base64 response says; raise ValueError if it is not well formed (RFC4954-4-12 to -15)."""
    octets = b64decode(text, validate=True)
    if b64encode(octets) != text:
        raise ValueError("not canonical base64")
    return octets


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")  # RFC4616-2-03
    except UnicodeDecodeError:
        raise Failed(_SYNTAX) from None


def _gs2_header(message: str) -> tuple[str, str]:
    """Split a client-first message into its gs2-header and the rest (RFC5802-5-01, RFC5802-6-04)."""
    flag, comma, rest = message.partition(",")
    authzid, second, bare = rest.partition(",")
    if not (comma and second) or (authzid and not authzid.startswith("a=")):
        raise Failed(_SYNTAX)
    if flag not in ("n", "y"):  # "p=..." asks for a channel binding, and none is offered
        raise Failed
    return f"{flag},{authzid},", bare


def _first_message(bare: str) -> tuple[str, str]:
    """Return the user name and the nonce of a client-first message (RFC5802-5.1-01, -02)."""
    user, comma, rest = bare.partition(",")
    nonce = rest.partition(",")[0]
    if not comma or user[:2] != "n=" or nonce[:2] != "r=" or len(nonce) == 2:
        raise Failed(_SYNTAX)
    if "=" in user[2:].replace("=2C", "").replace("=3D", ""):
        raise Failed(_SYNTAX)
    return user[2:].replace("=2C", ",").replace("=3D", "="), nonce[2:]


def _attributes(message: str) -> dict[str, str]:
    """Return the attributes of a SCRAM message; "" is all of it before the proof."""
    found = {part[:1]: part[2:] for part in message.split(",") if part[1:2] == "="}
    before, comma, _ = message.rpartition(",p=")
    if comma:
        found[""] = before
    return found


@lru_cache(maxsize=64)
def _keys(password: str, salt: bytes) -> tuple[bytes, bytes]:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")


def _proven(stored_key: bytes, signed: bytes, proof: str) -> bool:
    """Return whether the proof was made with the client key."""
    try:
        given = decode(proof.encode())
    except ValueError:
        return False
    signature = hmac.digest(stored_key, signed, "sha256")
    if len(given) != len(signature):
        return False
    client_key = bytes(a ^ b for a, b in zip(given, signature, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key)


_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def prepare(text: str) -> str:
    """Return a user name or password after SASLprep (RFC 4013); raise Failed where it cannot be (RFC4954-4-19, -20)."""
    if text.isascii() and text.isprintable():
        return text
    spaced = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    prepared = unicodedata.normalize("NFKC", spaced)
    if any(table(c) for c in prepared for table in _PROHIBITED):
        raise Failed
    if any(map(stringprep.in_table_d1, prepared)):
        ends = prepared[0], prepared[-1]
        if any(map(stringprep.in_table_d2, prepared)) or not all(map(stringprep.in_table_d1, ends)):
            raise Failed
    return prepared
