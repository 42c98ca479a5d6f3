"""The reference server's mail transactions, as dialogues."""

from conformance.reference.trace import date

from .dialogues import NOW, check

HELLO = """
S: 220 mx.lab.test ESMTP ...
C: EHLO client.example.net
S: 250-mx.lab.test greets client.example.net
S: 250-PIPELINING
S: 250-SIZE 10485760
S: 250-8BITMIME
S: 250-ENHANCEDSTATUSCODES
S: 250-STARTTLS
S: 250-SMTPUTF8
S: 250-VRFY
S: 250-EXPN
S: 250 HELP
"""


class TestTransaction:
    def test_message_is_stored_with_trace_fields(self) -> None:
        """A message is accepted, un-stuffed, and stored under Return-Path and Received."""
        site = check(
            HELLO
            + """
C: MAIL FROM:<sender@example.net>
S: 250 2.1.0 Sender ok
C: RCPT TO:<alice@lab.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: Subject: hello
C:
C: ..leading dot
C: .
S: 250 2.0.0 Accepted as 00000001
C: QUIT
S: 221 2.0.0 mx.lab.test closing connection
CLOSE
"""
        )
        assert site.store[0].octets.decode().splitlines() == [
            "Return-Path: <sender@example.net>",
            "Received: from client.example.net ([127.0.0.1])",
            " by mx.lab.test with ESMTP id 00000001",
            " for <alice@lab.test>;",
            f" {date(NOW)}",
            "Subject: hello",
            "",
            ".leading dot",
        ]

    def test_starttls_forgets_the_session_and_what_came_behind_it(self) -> None:
        """After the handshake EHLO is needed again, and commands injected in the clear are gone."""
        check(
            HELLO
            + """
C: MAIL FROM:<sender@example.net>
S: 250 2.1.0 Sender ok
C: STARTTLS\\r\\nNOOP
S: 220 2.0.0 Ready to start TLS
TLS
C: RCPT TO:<alice@lab.test>
S: 503 5.5.1 ...
C: STARTTLS
S: 503 5.5.1 TLS is active already
"""
        )
