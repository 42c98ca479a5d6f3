"""The commands outside the mail transaction, and how the reader treats lines, as dialogues."""

import pytest

from conformance.reference import Close, Server

from .dialogues import check, play, site
from .test_transactions import DATA, HELLO, READY

GREETED = "S: 220 ...\n"


def ask(command: str, answer: str) -> None:
    """Check the answer to one command of a new session."""
    check(GREETED + f"C: {command}\nS: {answer}\n")


class TestHello:
    def test_ehlo_lists_the_extensions(self) -> None:
        """EHLO is answered with the domain and one line for each extension."""
        check(
            """
S: 220 mx.lab.test ESMTP smtp-conformance reference server
C: EHLO client.example.net
S: 250-mx.lab.test greets client.example.net
S: 250-PIPELINING
S: 250-SIZE 10485760
S: 250-8BITMIME
S: 250-ENHANCEDSTATUSCODES
S: 250-STARTTLS
S: 250-AUTH CRAM-MD5 SCRAM-SHA-256
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-BINARYMIME
S: 250-DSN
S: 250-VRFY
S: 250-EXPN
S: 250 HELP
"""
        )

    @pytest.mark.parametrize(
        "argument",
        ["a", "1.2.3.4", "[192.0.2.1]", "[IPv6:2001:db8::1]", "[127.0.0.1] text after it", "x" * 63 + ".y", "a.b "],
    )
    def test_accepted(self, argument: str) -> None:
        """Domains and address literals are accepted; text may follow a literal."""
        ask(f"EHLO {argument}", "250*")
        ask(f"HELO {argument}", "250 mx.lab.test")

    @pytest.mark.parametrize(
        "argument",
        [
            "",
            "-a",
            "a_b",
            "a..b",
            ".a",
            "a.",
            "a b",
            "[256.1.1.1]",
            "[1.2.3]",
            "[IPv6:1::2::3]",
            "[foo:bar]",
            "a@b",
            "x" * 64,
            "a\\x07",
            "[1.2.3.4",
        ],
    )
    def test_refused(self, argument: str) -> None:
        """What is neither gets 501, without an enhanced status code, and the session is not opened."""
        check(GREETED + f"C: EHLO {argument}\nS: 501 ...\nC: MAIL FROM:<>\nS: 503 5.5.1 ...")

    def test_second_ehlo_clears_the_transaction(self) -> None:
        """EHLO works like RSET; a refused EHLO changes nothing."""
        rcpt = "C: RCPT TO:<alice@lab.test>\nS: "
        check(READY + f"C: EHLO -\nS: 501 ...\n{rcpt}250 2.1.5 ...\nC: EHLO x\nS: 250*\n{rcpt}503 5.5.1 ...")
        check(READY + f"C: HELO x\nS: 250 mx.lab.test\n{rcpt}503 5.5.1 ...")


class TestSmallCommands:
    @pytest.mark.parametrize(
        ("command", "answer"),
        [
            ("NOOP", "250 2.0.0 OK"),
            ("noop any argument", "250 2.0.0 OK"),
            ("NOOP \\x07", "501 5.5.2 ..."),
            ("NOOP \\xff", "500 5.5.2 ..."),
            ("RSET", "250 2.0.0 Reset"),
            ("RSET \\t", "250 2.0.0 Reset"),
            ("RSET x", "501 5.5.4 ..."),
            ("QUIT x", "501 5.5.4 ..."),
            ("DATA", "503 5.5.1 ..."),
            ("RCPT TO:<alice@lab.test>", "503 5.5.1 ..."),
            ("MAIL FROM:<>", "503 5.5.1 ..."),
            ("SEND FROM:<a@b.test>", "502 5.5.1 ..."),
            ("TURN", "502 5.5.1 ..."),
            ("FOO", "500 5.5.1 ..."),
            ("XFOO x", "500 5.5.1 ..."),
            ("", "500 5.5.1 ..."),
            (" NOOP", "500 5.5.1 ..."),
            ("NOOP\\tx", "500 5.5.1 ..."),
            ("N\\xd0\\x9eOP", "500 5.5.1 ..."),
            ("VRFY", "501 5.5.4 ..."),
            ("VRFY alice", "250 2.1.5 Alice Liddell <alice@lab.test>"),
            ("VRFY Alice@LAB.test", "250 2.1.5 Alice Liddell <alice@lab.test>"),
            ("VRFY <alice@lab.test>", "250 2.1.5 Alice Liddell <alice@lab.test>"),
            ('VRFY "alice"', "250 2.1.5 Alice Liddell <alice@lab.test>"),
            ("VRFY alice SMTPUTF8", "250 2.1.5 Alice Liddell <alice@lab.test>"),
            ("VRFY nobody", "550 5.1.1 ..."),
            ("VRFY a b", "501 5.5.4 ..."),
            ("VRFY alice@elsewhere.test", "550 5.1.2 ..."),
            ("VRFY staff", "250 2.1.5 <staff@lab.test>"),
            ("EXPN", "501 5.5.4 ..."),
            ("EXPN alice", "250 2.1.5 Alice Liddell <alice@lab.test>"),
            ("EXPN nobody", "550 5.1.1 ..."),
            ("HELP", "214*"),
            ("HELP rcpt", "214 2.0.0 RCPT SP TO:..."),
            ("HELP XYZZY", "504 5.5.4 ..."),
        ],
    )
    def test_before_ehlo(self, command: str, answer: str) -> None:
        """Each works, or is refused for its own reason, before EHLO."""
        ask(command, answer)

    def test_expn_of_a_list(self) -> None:
        """Each line holds one mailbox."""
        check(
            GREETED
            + """
C: EXPN staff
S: 250-2.1.5 Alice Liddell <alice@lab.test>
S: 250 2.1.5 Bob Cratchit <bob@lab.test>
"""
        )

    def test_nothing_is_told_where_the_site_wants_so(self) -> None:
        """VRFY and EXPN answer 252 to everything when the site has them switched off."""
        dialogue = "".join(f"C: {c}\nS: 252 2.5.0 ...\n" for c in ("VRFY alice", "VRFY nobody", "EXPN staff"))
        check(GREETED + dialogue, site(verify=False))

    def test_none_of_them_touches_the_transaction(self) -> None:
        """NOOP, HELP, VRFY and EXPN change nothing; RSET forgets recipients and keeps the hello."""
        small = "C: NOOP\nS: 250 ...\nC: HELP\nS: 214*\nC: VRFY bob\nS: 250 ...\nC: EXPN bob\nS: 250 ...\n"
        rcpt = "C: RCPT TO:<alice@lab.test>\nS: 250 2.1.5 Recipient ok\n"
        reset = "C: RSET\nS: 250 2.0.0 Reset\nC: DATA\nS: 503 ...\nC: MAIL FROM:<>\nS: 250 2.1.0 Sender ok\n"
        check(READY + small + rcpt + small + reset + "C: DATA\nS: 503 ...\n" + rcpt + "C: DATA\nS: 354 ...\n")

    def test_quit_in_a_transaction(self) -> None:
        """QUIT is answered at any time, and nothing behind it is."""
        check(READY + "C: QUIT\\r\\nNOOP\nS: 221 2.0.0 mx.lab.test closing connection\nCLOSE")


class TestLines:
    @pytest.mark.parametrize("ending", ["\n", "\r", "\0", "\r\r", "\n\r", "\x85", "\v", "\f"])
    def test_only_crlf_ends_a_line(self, ending: str) -> None:
        """A command waits for CRLF; with anything else inside it is refused."""
        server = Server(site())
        server.connected()
        assert server.receive(f"NOOP{ending}".encode("latin-1")) == []
        (answer,) = server.receive(b"NOOP\r\n")
        assert isinstance(answer, bytes)
        assert answer.startswith((b"500 5.5.1 ", b"501 5.5.2 "))

    @pytest.mark.parametrize(("octets", "answer"), [(512, "250 2.0.0 OK"), (513, "500 5.5.2 Line too long")])
    def test_limit(self, octets: int, answer: str) -> None:
        """A line of 512 octets is taken, a longer one is not."""
        ask(f"NOOP {'a' * (octets - 7)}", answer)

    def test_extensions_raise_the_limit(self) -> None:
        """RCPT with ORCPT may have 1036 octets and more; RCPT before MAIL is out of order, not too long."""
        orcpt = f"rfc822;{'a' * 487}"
        check(READY + f"C: RCPT TO:<alice@lab.test> ORCPT={orcpt} NOTIFY=SUCCESS,FAILURE,DELAY\nS: 250 2.1.5 ...")
        ask("RCPT TO:" + "a" * 1000, "503 5.5.1 ...")
        ask("RCPT TO:" + "a" * 1100, "500 5.5.2 ...")
        ask("XYZZY" + "a" * 1100, "500 5.5.2 ...")

    def test_endless_line(self) -> None:
        """A line without end takes no memory; its tail is no command, and the session goes on."""
        server = Server(site())
        server.connected()
        for _ in range(100):
            assert server.receive(b"NOOP " * 1000) == []
            assert server.buffered < 20_000
        assert server.receive(b"\r\nNOOP\r\n") == [b"500 5.5.2 Line too long\r\n250 2.0.0 OK\r\n"]

    def test_pipelined_group(self) -> None:
        """Commands in one segment are answered in order, in one segment."""
        server = Server(site())
        play(HELLO, server)
        group = b"MAIL FROM:<>\r\nRCPT TO:<x@lab.test>\r\nRCPT TO:<bob@lab.test>\r\nDATA\r\n.\r\nNOOP\r\nQUIT\r\n"
        octets, close = server.receive(group)
        assert isinstance(octets, bytes)
        assert [line[:3] for line in octets.splitlines()] == [b"250", b"550", b"250", b"354", b"250", b"250", b"221"]
        assert close == Close()

    def test_too_many_errors(self) -> None:
        """At the limit the session ends with 421; before it nothing happens."""
        dialogue = "C: XYZZY\nS: 500 5.5.1 Command not recognised\n" * 3
        check(GREETED + dialogue, site(limits={"errors": 3}))
        end = "C: XYZZY\nS: 500 5.5.1 ...\nS: 421 4.7.0 mx.lab.test ...\nCLOSE"
        check(GREETED + dialogue + end, site(limits={"errors": 3}))


class TestEnd:
    def test_idle(self) -> None:
        """Silence ends with 421 and the name of the host."""
        server = Server(site())
        server.connected()
        assert server.timeout() == [b"421 4.4.2 mx.lab.test idle for too long, closing connection\r\n", Close()]
        assert server.timeout() == []
        assert server.receive(b"NOOP\r\n") == []

    def test_eof_cancels_the_transaction(self) -> None:
        """A message without its end is not stored when the client goes away."""
        where = site()
        server = Server(where)
        play(DATA, server)
        assert server.receive(b"half a message\r\n.\r") == []
        assert server.eof() == [Close()]
        assert not where.store


class TestTls:
    def test_everything_is_forgotten(self) -> None:
        """After the handshake EHLO is needed again, and commands injected in the clear are gone."""
        check(
            READY
            + """
C: STARTTLS\\r\\nNOOP\\r\\nNOO
S: 220 2.0.0 Ready to start TLS
TLS
C: RCPT TO:<alice@lab.test>
S: 503 5.5.1 ...
C: MAIL FROM:<>
S: 503 5.5.1 ...
C: STARTTLS
S: 503 5.5.1 TLS is active already
"""
        )

    def test_keyword_is_gone_inside(self) -> None:
        """Inside TLS STARTTLS is not listed, and AUTH lists the mechanisms that need TLS."""
        server = Server(site())
        play("S: 220 ...\nC: STARTTLS\nS: 220 ...\nTLS\n", server)
        (answer,) = server.receive(b"EHLO x\r\n")
        assert isinstance(answer, bytes)
        assert b"STARTTLS" not in answer
        assert b"AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256\r\n" in answer

    def test_refused(self) -> None:
        """STARTTLS takes no argument, and is not there when the site has no TLS."""
        ask("STARTTLS x", "501 5.5.4 ...")
        check(GREETED + "C: STARTTLS\nS: 502 5.5.1 ...", site(tls=False))
