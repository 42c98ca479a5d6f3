"""LMTP, submission and relay, as dialogues."""

from conformance.reference import Server

from .dialogues import check, play, site
from .test_auth import BOB, OK

LHLO = """
S: 220 mx.lab.test LMTP ...
C: LHLO client.example.net
S: 250*
C: MAIL FROM:<sender@example.net>
S: 250 2.1.0 Sender ok
"""


class TestLmtp:
    def test_one_reply_for_each_recipient(self) -> None:
        """After the dot there is one reply for each RCPT that was accepted, duplicates too."""
        where = check(
            LHLO
            + """
C: RCPT TO:<alice@lab.test>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<nobody@lab.test>
S: 550 5.1.1 ...
C: RCPT TO:<alice@lab.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.1.5 Delivered as 00000001
S: 250 2.1.5 Delivered as 00000001
C: MAIL FROM:<>
S: 250 2.1.0 Sender ok
C: RSET
S: 250 2.0.0 Reset
""",
            site("lmtp"),
        )
        assert b" with LMTP id " in where.store[0].octets

    def test_no_helo_no_ehlo(self) -> None:
        """HELO and EHLO are unknown, DATA without recipient gets 503."""
        check("S: 220 ...\nC: HELO x\nS: 500 5.5.1 ...\nC: EHLO x\nS: 500 5.5.1 ...", site("lmtp"))
        check(LHLO + "C: DATA\nS: 503 5.5.1 ...", site("lmtp"))

    def test_bdat(self) -> None:
        """BDAT LAST is answered for each recipient, also when it is refused, and not at all without one."""
        rcpt = "C: RCPT TO:<alice@lab.test>\nS: 250 2.1.5 Recipient ok\n"
        check(LHLO + rcpt * 2 + "C: BDAT 4 LAST\\r\\nab\n" + "S: 250 2.1.5 ...\n" * 2, site("lmtp"))
        small = site("lmtp", limits={"message": 2})
        check(LHLO + rcpt * 2 + "C: BDAT 4 LAST\\r\\nab\n" + "S: 552 5.3.4 ...\n" * 2, small)
        check(LHLO + rcpt * 2 + "C: DATA\nS: 354 ...\nC: abc\\r\\n.\n" + "S: 552 5.3.4 ...\n" * 2, small)
        check(LHLO + "C: BDAT 2 LAST\\r\\n\\r\\nNOOP\nS: 250 2.0.0 OK", site("lmtp"))


class TestSubmission:
    def test_login_first(self) -> None:
        """Before login everything but what is needed to log in gets 530."""
        check(
            """
S: 220 ...
C: EHLO client.example.net
S: 250*
C: MAIL FROM:<bob@lab.test>
S: 530 5.7.0 Authentication required
C: VRFY bob
S: 530 5.7.0 Authentication required
C: BDAT 6 LAST\\r\\nQUIT
S: 530 5.7.0 Authentication required
C: NOOP
S: 250 2.0.0 OK
C: RSET
S: 250 2.0.0 Reset
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
TLS
C: EHLO client.example.net
S: 250*
C: AUTH PLAIN """
            + BOB
            + "\n"
            + OK
            + """
C: MAIL FROM:<bob@nodots>
S: 501 5.1.8 ...
C: MAIL FROM:<>
S: 250 2.1.0 Sender ok
C: RCPT TO:<alice@lab.test>
S: 250 2.1.5 Recipient ok
""",
            site("submission"),
        )


class TestRelay:
    def test_local_mail_goes_to_the_next_hop(self) -> None:
        """A relay takes what an MX takes, adds Received only, and queues it."""
        where = site("relay")
        server = Server(where)
        play("S: 220 ...\n", server)
        group = b"EHLO c.test\r\nMAIL FROM:<s@example.net>\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\n"
        server.receive(group)
        server.receive(b"Return-Path: <x@y.test>\r\n\r\n..\r\n.\r\n")
        assert not where.store
        (message,) = where.outgoing
        assert message.octets.startswith(b"Received: from c.test ([127.0.0.1])\r\n")
        assert message.octets.endswith(b"\r\nReturn-Path: <x@y.test>\r\n\r\n.\r\n")
