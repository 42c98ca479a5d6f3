"""What a SASL client says, by the examples of the RFCs."""

from base64 import b64decode, b64encode

import pytest

from conformance.smtp.sasl import Credentials, response


def answer(mechanism: str, challenge: bytes | None, user: str, password: str, nonce: str = "") -> bytes:
    """Return the answer to a challenge, neither of them in base64."""
    encoded = b64encode(challenge) if challenge is not None else None
    return b64decode(response(mechanism, encoded, Credentials(user.encode(), password.encode(), nonce.encode())))


def test_plain() -> None:
    """RFC 4616 section 4."""
    assert answer("PLAIN", None, "tim", "tanstaaftanstaaf") == b"\0tim\0tanstaaftanstaaf"


def test_login() -> None:
    """The prompt for a password gets it, any other the user name."""
    assert answer("LOGIN", b"Username:", "tim", "secret") == b"tim"
    assert answer("LOGIN", b"Password:", "tim", "secret") == b"secret"


def test_cram_md5() -> None:
    """RFC 2195 section 2."""
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    assert answer("CRAM-MD5", challenge, "tim", "tanstaaftanstaaf") == b"tim b913a602c7eda7a495b4e6e7334d3890"


@pytest.mark.parametrize(
    ("mechanism", "nonce", "challenge", "proof"),
    [
        (
            "SCRAM-SHA-1",  # RFC 5802 section 5
            "fyko+d2lbbFgONRv9qkxdawL",
            b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            b"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        ),
        (
            "SCRAM-SHA-256",  # RFC 7677 section 3
            "rOprNGfwEbeRWgbNEkqO",
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        ),
    ],
)
def test_scram(mechanism: str, nonce: str, challenge: bytes, proof: bytes) -> None:
    """The client's first and final message."""
    assert answer(mechanism, None, "user", "pencil", nonce) == b"n,,n=user,r=" + nonce.encode()
    server_nonce = challenge.split(b",")[0][2:]
    final = b"c=biws,r=" + server_nonce + b",p=" + proof
    assert answer(mechanism, challenge, "user", "pencil", nonce) == final


@pytest.mark.parametrize("challenge", [b"", b"r=x", b"r=x,s=AAAA,i=0", b"r=x,s=AAAA,i=99999999999", b"r=x,s=AAAA,i=y"])
def test_scram_challenge_that_makes_no_sense(challenge: bytes) -> None:
    """A server can't make the client work for ever, or fall over."""
    with pytest.raises(ValueError):
        answer("SCRAM-SHA-256", challenge, "user", "pencil", "nonce")
