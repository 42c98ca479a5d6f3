"""AUTH with its four mechanisms, as dialogues."""

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from conformance.reference import Server, Site
from conformance.reference.sasl import Failed, prepare

from .dialogues import check, play, site

TLS = "S: 220 ...\nC: STARTTLS\nS: 220 ...\nTLS\nC: EHLO c.test\nS: 250*\n"
CLEAR = "S: 220 ...\nC: EHLO c.test\nS: 250*\n"
OK = "S: 235 2.7.0 Authentication succeeded\n"
NO = "S: 535 5.7.8 Authentication credentials invalid\n"


def b64(text: str) -> str:
    """Return text as base64."""
    return b64encode(text.encode()).decode()


def plain(user: str, password: str) -> str:
    """Return a message of PLAIN."""
    return b64(f"\0{user}\0{password}")


BOB = plain("bob", "bob-secret")


class TestPlain:
    @pytest.mark.parametrize("message", ["\0alice\0alice-secret", "alice\0alice\0alice-secret"])
    def test_login(self, message: str) -> None:
        """User and password log in, with and without initial response and with one's own authorization identity."""
        check(TLS + f"C: AUTH PLAIN {b64(message)}\n" + OK)
        check(TLS + f"C: auth plain\nS: 334 \nC: {b64(message)}\n" + OK)

    @pytest.mark.parametrize(
        "message",
        ["\0alice\0wrong", "\0nobody\0alice-secret", "bob\0alice\0alice-secret", "\0\0alice-secret", "\0alice\0"],
    )
    def test_refused(self, message: str) -> None:
        """Anything else gets the same 535, and another try is possible."""
        check(TLS + f"C: AUTH PLAIN {b64(message)}\n" + NO + f"C: AUTH PLAIN {BOB}\n" + OK)

    @pytest.mark.parametrize(
        ("response", "answer"),
        [
            ("=", "501 5.5.2 Not a message of this mechanism"),
            ("*", "501 5.5.2 Not base64"),
            ("AGFsaWNlAGFsaWNlLXNlY3JldA", "501 5.5.2 Not base64"),
            ("AGFsaWNlAGFsaWNlLXNlY3JldB==", "501 5.5.2 Not base64"),
            ("AGFs-WNlAGFsaWNlLXNlY3JldA==", "501 5.5.2 Not base64"),
            ("=AAA", "501 5.5.2 Not base64"),
            ("AGFsaWNlAGFsaWNlLXNlY3JldA== x", "501 5.5.4 ..."),
            (b64("alice"), "501 5.5.2 ..."),
            (b64("a\0b\0c\0d"), "501 5.5.2 ..."),
        ],
    )
    def test_syntax(self, response: str, answer: str) -> None:
        """What is not base64, or no message of PLAIN, gets 501."""
        check(TLS + f"C: AUTH PLAIN {response}\nS: {answer}\n")

    def test_not_in_the_clear(self) -> None:
        """Without TLS the mechanism is not available, whatever the password is."""
        for password in ("alice-secret", "wrong"):
            check(CLEAR + f"C: AUTH PLAIN {plain('alice', password)}\nS: 504 5.5.4 Mechanism not available")


class TestExchange:
    def test_cancel(self) -> None:
        """An asterisk ends the exchange; commands are none while it lasts."""
        check(TLS + "C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 5.7.0 ...\nC: NOOP\nS: 250 2.0.0 OK")
        check(TLS + "C: AUTH PLAIN\nS: 334 \nC: NOOP\\t\nS: 501 5.5.2 Not base64\nC: NOOP\nS: 250 2.0.0 OK")

    def test_order(self) -> None:
        """AUTH is for after EHLO, outside of transactions, and once."""
        check("S: 220 ...\nC: AUTH PLAIN\nS: 503 5.5.1 ...")
        check("S: 220 ...\nC: HELO c.test\nS: 250 ...\nC: AUTH CRAM-MD5\nS: 502 5.5.1 ...")
        check(TLS + "C: MAIL FROM:<>\nS: 250 ...\nC: AUTH PLAIN\nS: 503 5.5.1 ...")
        check(TLS + f"C: AUTH PLAIN {BOB}\n" + OK + "C: AUTH PLAIN\nS: 503 5.5.1 ...")
        check(TLS + "C: AUTH\nS: 501 5.5.4 ...\nC: AUTH XYZZY\nS: 504 5.5.4 ...\nC: AUTH LOGIN AAAA\nS: 501 5.7.0 ...")

    def test_long_response(self) -> None:
        """A response may have 12288 octets; a longer one ends the exchange with 500."""
        for octets, answer in ((12284, "535 5.7.8"), (12288, "500 5.5.6"), (100_000, "500 5.5.6")):
            message = b64("\0alice\0".ljust(octets // 4 * 3, "x"))
            check(TLS + f"C: AUTH PLAIN\nS: 334 \nC: {message}\nS: {answer} ...\nC: NOOP\nS: 250 ...")

    def test_too_many_failures(self) -> None:
        """The tenth failed login ends the session with 421."""
        wrong = f"C: AUTH PLAIN {plain('bob', 'wrong')}\n" + NO
        check(TLS + wrong * 10 + "S: 421 4.7.0 ...\nCLOSE")

    def test_login_opens_the_relay(self) -> None:
        """A user who logged in may send anywhere; the message waits for the next hop, without Return-Path."""
        where = check(
            TLS
            + f"C: AUTH PLAIN {BOB}\n"
            + OK
            + """
C: MAIL FROM:<bob@lab.test>
S: 250 2.1.0 Sender ok
C: RCPT TO:<someone@elsewhere.test>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<someone@nodots>
S: 550 5.1.2 ...
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 ...
"""
        )
        (message,) = where.outgoing
        assert message.auth_user == "bob"
        assert message.octets.startswith(b"Received: ")
        assert b" with ESMTPSA id " in message.octets
        assert not where.store

    def test_bare_line_ends_are_not_relayed(self) -> None:
        """A message with a bare LF is refused when it would have to be sent on."""
        check(
            TLS
            + f"C: AUTH PLAIN {BOB}\n"
            + OK
            + "C: MAIL FROM:<>\nS: 250 ...\nC: RCPT TO:<a@elsewhere.test>\nS: 250 ...\nC: DATA\nS: 354 ...\n"
            + "C: a\\n.\\r\\n.\nS: 554 5.6.0 ..."
        )

    def test_starttls_forgets_the_login(self) -> None:
        """A login before TLS does not count inside."""
        server = Server(site())
        play(CLEAR, server)
        cram(server, "alice", "alice-secret", b"235 ")
        play("C: STARTTLS\nS: 220 ...\nTLS\nC: EHLO c.test\nS: 250*\nC: AUTH PLAIN\nS: 334 \n", server, greeted=True)


def cram(server: Server, user: str, password: str, answer: bytes) -> None:
    """Log in with CRAM-MD5 and check the answer."""
    (asked,) = server.receive(b"AUTH CRAM-MD5\r\n")
    assert isinstance(asked, bytes)
    challenge = b64decode(asked.removeprefix(b"334 "))
    assert challenge.startswith(b"<")
    assert challenge.endswith(b"@mx.lab.test>")
    digest = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
    (answered,) = server.receive(b64encode(f"{user} {digest}".encode()) + b"\r\n")
    assert isinstance(answered, bytes)
    assert answered.startswith(answer)


class TestOtherMechanisms:
    def test_login(self) -> None:
        """LOGIN asks for name and password."""
        ask = f"C: AUTH LOGIN\nS: 334 {b64('Username:')}\nC: {b64('alice')}\nS: 334 {b64('Password:')}\n"
        check(TLS + ask + f"C: {b64('alice-secret')}\n" + OK)
        check(TLS + ask + f"C: {b64('bob-secret')}\n" + NO)
        check(TLS + f"C: AUTH LOGIN\nS: 334 ...\nC:\nS: 334 ...\nC:\n{NO}")

    @pytest.mark.parametrize(
        ("user", "password", "answer"),
        [("alice", "alice-secret", b"235 "), ("alice", "wrong", b"535 "), ("nobody", "", b"535 "), ("", "x", b"535 ")],
    )
    def test_cram_md5(self, user: str, password: str, answer: bytes) -> None:
        """The keyed digest of the challenge logs in, also in the clear."""
        server = Server(site())
        play(CLEAR, server)
        cram(server, user, password, answer)

    def test_challenges_never_repeat(self) -> None:
        """Two challenges differ."""
        challenges = set()
        for _ in range(2):
            server = Server(Site())
            play(CLEAR, server)
            challenges.add(server.receive(b"AUTH CRAM-MD5\r\n")[0])
        assert len(challenges) == 2


class TestScram:
    def first(self, server: Server, message: str) -> tuple[str, bytes]:
        """Send a client-first message; return the server-first message and the whole answer."""
        (answer,) = server.receive(f"AUTH SCRAM-SHA-256 {b64(message)}\r\n".encode())
        assert isinstance(answer, bytes)
        return (b64decode(answer[4:]).decode() if answer.startswith(b"334 ") else ""), answer

    def final(
        self,
        server: Server,
        password: str,
        first: str,
        *,
        gs2: str = "n,,",
        bare: str = "n=alice,r=abc",
        more: str = "",
    ) -> bytes:
        """Send a client-final message made from the server-first message; return the answer."""
        nonce, salt, count = (part[2:] for part in first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), b64decode(salt), int(count))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without = f"c={b64(gs2)},r={nonce}{more}"
        signed = f"{bare},{first},{without}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        proof = b64encode(bytes(a ^ b for a, b in zip(client_key, signature, strict=True))).decode()
        (answer,) = server.receive(b64encode(f"{without},p={proof}".encode()) + b"\r\n")
        assert isinstance(answer, bytes)
        if answer.startswith(b"334 "):
            server_key = hmac.digest(salted, b"Server Key", "sha256")
            assert b64decode(answer[4:]) == b"v=" + b64encode(hmac.digest(server_key, signed, "sha256"))
        return answer

    def start(self) -> Server:
        """Return a server after EHLO in the clear."""
        server = Server(site())
        play(CLEAR, server)
        return server

    @pytest.mark.parametrize("more", ["", ",x=unknown"])
    def test_login(self, more: str) -> None:
        """The proof logs in after one more 334 with the server's signature; unknown extensions are ignored."""
        server = self.start()
        first, _ = self.first(server, "n,,n=alice,r=abc")
        assert first.startswith("r=abc")
        assert first.endswith(",i=4096")
        assert self.final(server, "alice-secret", first, more=more).startswith(b"334 ")
        assert server.receive(b"\r\n") == [b"235 2.7.0 Authentication succeeded\r\n"]

    def test_own_authorization_identity(self) -> None:
        """Users may name themselves as authorization identity, and nobody else."""
        for authzid, answer in (("alice", b"334 "), ("bob", b"535 ")):
            server = self.start()
            first, _ = self.first(server, f"n,a={authzid},n=alice,r=abc")
            assert self.final(server, "alice-secret", first, gs2=f"n,a={authzid},").startswith(answer)

    def test_wrong_password_and_unknown_user(self) -> None:
        """Both get a salt, and 535 at the end."""
        for user in ("alice", "nobody"):
            server = self.start()
            first, _ = self.first(server, f"n,,n={user},r=abc")
            assert self.final(server, "wrong", first, bare=f"n={user},r=abc").startswith(b"535 ")

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ("p=tls-unique,,n=alice,r=abc", b"535"),
            ("x,,n=alice,r=abc", b"535"),
            ("n,,m=1,n=alice,r=abc", b"501"),
            ("n,,n=al=ice,r=abc", b"501"),
            ("n,,n=alice", b"501"),
            ("n,,n=alice,r=", b"501"),
            ("nonsense", b"501"),
        ],
    )
    def test_client_first_refused(self, message: str, code: bytes) -> None:
        """Channel bindings that are not offered, mandatory extensions and bad syntax fail."""
        assert self.first(self.start(), message)[1].startswith(code)

    @pytest.mark.parametrize("replaced", [("c=biws", "c=eSws"), ("r=abc", "r=abd")])
    def test_client_final_refused(self, replaced: tuple[str, str]) -> None:
        """The header and the nonce have to come back as they were."""
        server = self.start()
        first, _ = self.first(server, "n,,n=alice,r=abc")
        assert self.final(
            server, "alice-secret", first.replace(*replaced), gs2="y,," if "c=" in replaced[0] else "n,,"
        )[:3] in (b"535",)


class TestPrepare:
    @pytest.mark.parametrize(
        ("text", "prepared"),
        [("I\u00adX", "IX"), ("user", "user"), ("\u00aa", "a"), ("\u2168", "IX"), ("a\u00a0b", "a b")],
    )
    def test_mapped(self, text: str, prepared: str) -> None:
        """The examples of RFC 4013 section 3."""
        assert prepare(text) == prepared

    @pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "a\u0627"])
    def test_prohibited(self, text: str) -> None:
        """Control characters and mixed directions fail."""
        with pytest.raises(Failed):
            prepare(text)
