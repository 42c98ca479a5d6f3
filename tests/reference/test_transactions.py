"""The reference server's mail transactions, as dialogues."""

import pytest

from conformance.reference import Server
from conformance.reference.trace import date

from .dialogues import NOW, check, play, site

HELLO = """
S: 220 mx.lab.test ESMTP ...
C: EHLO client.example.net
S: 250*
"""
READY = HELLO + "C: MAIL FROM:<sender@example.net>\nS: 250 2.1.0 Sender ok\n"
DATA = READY + "C: RCPT TO:<alice@lab.test>\nS: 250 2.1.5 Recipient ok\nC: DATA\nS: 354 ...\n"


def mail(argument: str, answer: str) -> None:
    """Check the answer to MAIL."""
    check(HELLO + f"C: MAIL {argument}\nS: {answer}\n")


def rcpt(argument: str, answer: str) -> None:
    """Check the answer to RCPT."""
    check(READY + f"C: RCPT {argument}\nS: {answer}\n")


class TestWhole:
    def test_message_is_stored_with_trace_fields(self) -> None:
        """A message is accepted, un-stuffed, and stored under Return-Path and Received."""
        where = check(
            DATA
            + """
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
        assert where.store[0].octets.decode().splitlines() == [
            "Return-Path: <sender@example.net>",
            "Received: from client.example.net ([127.0.0.1])",
            " by mx.lab.test with ESMTP id 00000001",
            " for <alice@lab.test>;",
            f" {date(NOW)}",
            "Subject: hello",
            "",
            ".leading dot",
        ]

    def test_second_transaction_in_the_same_session(self) -> None:
        """The end of data clears everything; another transaction starts with MAIL."""
        where = check(
            DATA
            + """
C: .
S: 250 2.0.0 Accepted as 00000001
C: RCPT TO:<bob@lab.test>
S: 503 5.5.1 ...
C: MAIL FROM:<>
S: 250 2.1.0 Sender ok
C: RCPT TO:<bob@lab.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: two
C: .
S: 250 2.0.0 Accepted as 00000002
"""
        )
        assert [(m.reverse_path, m.recipients) for m in where.store] == [
            ("sender@example.net", ("alice@lab.test",)),
            ("", ("bob@lab.test",)),
        ]
        assert where.store[1].octets.startswith(b"Return-Path: <>\r\nReceived: ")

    def test_refused_recipients_leave_the_others_alone(self) -> None:
        """A refused recipient changes nothing for those accepted before and after it."""
        where = check(
            READY
            + """
C: RCPT TO:<alice@lab.test>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<nobody@lab.test>
S: 550 5.1.1 No such mailbox here
C: RCPT TO:<someone@elsewhere.test>
S: 550 5.7.1 Relaying denied
C: RCPT TO:<@one.test,@two.test:bob@lab.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted as 00000001
"""
        )
        assert where.store[0].recipients == ("alice@lab.test", "bob@lab.test")


class TestMail:
    def test_null_reverse_path(self) -> None:
        """<> is accepted."""
        mail("FROM:<>", "250 2.1.0 Sender ok")

    @pytest.mark.parametrize(
        "argument", ["from:<a@b.test>", "FROM:<a@b.test> ", "From:<@x.test:a@b.test>", 'FROM:<"a b"@c>']
    )
    def test_accepted(self, argument: str) -> None:
        """Case, white space at the end, source routes and quoted strings are fine."""
        mail(argument, "250 2.1.0 Sender ok")

    @pytest.mark.parametrize(
        ("argument", "answer"),
        [
            ("", "501 5.5.4 ..."),
            ("TO:<a@b.test>", "501 5.5.4 ..."),
            ("FROM: <a@b.test>", "501 5.1.7 ..."),
            ("FROM :<a@b.test>", "501 5.5.4 ..."),
            ("FROM:a@b.test", "501 5.1.7 ..."),
            ("FROM:<a..b@c.test>", "501 5.1.7 ..."),
            ("FROM:<postmaster>", "501 5.1.7 ..."),
            ("FROM:<a@b.test>x", "501 5.5.4 ..."),
            ("FROM:<a@b.test>  SIZE=1", "501 5.5.4 ..."),
            ("FROM:<a@b.test> SIZE=1 SIZE=1", "501 5.5.4 The same parameter twice"),
            ("FROM:<a@b.test> SIZE==1", "501 5.5.4 ..."),
            ("FROM:<a@b.test> XYZZY=1", "555 5.5.4 Unknown parameter"),
            ("FROM:<a@b.test> NOTIFY=NEVER", "555 5.5.4 Unknown parameter"),
            ("FROM:<a\\x07@b.test>", "501 5.5.2 ..."),
            ("FROM:<a\\xff@b.test>", "501 5.5.2 ..."),
            ("FROM:<\\xc3\\xa4@b.test>", "550 5.6.7 ..."),
            ("FROM:<" + "a" * 65 + "@b.test>", "501 5.1.7 Local part too long"),
            ("FROM:<a@" + "b." * 130 + "test>", "501 5.1.7 Domain too long"),
            ("FROM:<aaaaaaaa@" + "b." * 121 + "test>", "501 5.1.7 Path too long"),
        ],
    )
    def test_refused(self, argument: str, answer: str) -> None:
        """Each syntax error gets the reply that the RFC names, and no transaction starts."""
        check(HELLO + f"C: MAIL {argument}\nS: {answer}\nC: RCPT TO:<alice@lab.test>\nS: 503 5.5.1 ...\n")

    def test_parameters_after_helo(self) -> None:
        """After HELO no extension is in force."""
        check("S: 220 ...\nC: HELO c.test\nS: 250 mx.lab.test\nC: MAIL FROM:<a@b.test> SIZE=1\nS: 555 5.5.4 ...")

    def test_twice(self) -> None:
        """A second MAIL is out of order and changes nothing."""
        where = check(
            READY
            + """
C: MAIL FROM:<other@example.net>
S: 503 5.5.1 ...
C: RCPT TO:<alice@lab.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted as 00000001
"""
        )
        assert where.store[0].reverse_path == "sender@example.net"

    def test_largest_sizes(self) -> None:
        """A local part of 64 octets, a path of 256 octets, a command line of 512 and more are accepted."""
        mail(f"FROM:<{'a' * 64}@b.test>", "250 2.1.0 Sender ok")
        mail(f"FROM:<aaaaaaa@{'b.' * 121}test>", "250 2.1.0 Sender ok")
        mail(f"FROM:<a@b.test> AUTH={'a' * 64}@{'c.' * 200}test", "250 2.1.0 Sender ok")


class TestRcpt:
    @pytest.mark.parametrize(
        "argument",
        [
            "TO:<alice@lab.test>",
            "to:<ALICE@LAB.TEST>",
            "TO:<Postmaster>",
            "TO:<pOSTMASTER@mx.lab.test>",
            'TO:<"alice"@lab.test>',
            'TO:<"al\\ice"@lab.test>',
            "TO:<postmaster@[127.0.0.1]>",
            "TO:<postmaster@[IPv6:::1]>",
            "TO:<staff@lab.test>",
            "TO:<bob+detail@lab.test>",
        ],
    )
    def test_accepted(self, argument: str) -> None:
        """Every spelling of a local mailbox is one."""
        rcpt(argument.replace("\\", "\\\\"), "250 2.1.5 Recipient ok")

    @pytest.mark.parametrize(
        ("argument", "answer"),
        [
            ("TO:<>", "501 5.1.3 ..."),
            ("TO:<alice>", "501 5.1.3 ..."),
            ("TO: <alice@lab.test>", "501 5.1.3 ..."),
            ("TO:<alice@lab.test", "501 5.1.3 ..."),
            ("TO:<nobody@lab.test>", "550 5.1.1 ..."),
            ("TO:<alice%elsewhere.test@lab.test>", "550 5.1.1 ..."),
            ("TO:<elsewhere.test!alice@lab.test>", "550 5.1.1 ..."),
            ("TO:<alice@elsewhere.test>", "550 5.7.1 ..."),
            ("TO:<@lab.test:alice@elsewhere.test>", "550 5.7.1 ..."),
            ("TO:<alice@[192.0.2.1]>", "550 5.7.1 ..."),
            ("TO:<alice@[256.0.0.1]>", "501 5.1.3 ..."),
            ("TO:<\\xc3\\xa4@lab.test>", "553 5.6.7 ..."),
            ("TO:<alice@lab.test> XYZZY", "555 5.5.4 ..."),
            ("TO:<alice@lab.test> SIZE=1", "555 5.5.4 ..."),
        ],
    )
    def test_refused(self, argument: str, answer: str) -> None:
        """Syntax, unknown mailboxes and relaying have replies of their own."""
        rcpt(argument, answer)

    def test_hundred_recipients(self) -> None:
        """A hundred recipients are taken, the next gets 452, and the message reaches the hundred."""
        where = site()
        server = Server(where)
        play(READY, server)
        for number in range(100):
            assert server.receive(b"RCPT TO:<alice+%d@lab.test>\r\n" % number) == [b"250 2.1.5 Recipient ok\r\n"]
        assert server.receive(b"RCPT TO:<bob@lab.test>\r\n") == [b"452 4.5.3 Too many recipients\r\n"]
        server.receive(b"DATA\r\n.\r\n")
        assert len(where.store[0].recipients) == 100


class TestData:
    def test_needs_a_recipient(self) -> None:
        """DATA before RCPT is out of order."""
        check(READY + "C: DATA\nS: 503 5.5.1 DATA needs a recipient first\n")

    @pytest.mark.parametrize(
        "candidate",
        [
            "\n.\n",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r",
            "\r\n.\r",
            "\n.\r",
            "\r.\r\n",
            "\r\r\n.\r\r\n",
            "\r\n\x00.\r\n",
            "\r\n.\x00\r\n",
            "\r\x00\n.\r\n",
            "\r\n. \r\n",
            "\r\n..\r\n",
        ],
    )
    def test_nothing_but_crlf_dot_crlf_ends_it(self, candidate: str) -> None:
        """What looks like the end of data stays data, octet by octet, but for transparency."""
        where = site()
        server = Server(where)
        play(DATA, server)
        assert server.receive(b"a" + candidate.encode() + b"NOOP\r\n") == []
        assert server.receive(b".\r\n") == [b"250 2.0.0 Accepted as 00000001\r\n"]
        kept = ("a" + candidate).replace("\r\n.", "\r\n") + "NOOP\r\n"
        assert where.store[0].octets.endswith(b"+0000\r\n" + kept.encode()) or kept.encode() in where.store[0].octets

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [(".a", "a"), ("..", "."), ("..a", ".a"), ("...", ".."), (". ", " "), ("a.b", "a.b")],
    )
    def test_transparency(self, sent: str, kept: str) -> None:
        """The first dot of a line goes, on the first line and on later ones."""
        where = check(DATA + f"C: {sent}\\r\\n{sent}\\r\\n.\nS: 250 2.0.0 ...")
        assert where.store[0].octets.decode().endswith(f"\r\n{kept}\r\n{kept}\r\n")

    def test_size_limit(self) -> None:
        """A message over the limit gets 552 at its end, one at the limit is taken, and memory stays bounded."""
        for extra, answer in ((0, b"250 "), (1, b"552 "), (100_000, b"552 ")):
            where = site(limits={"message": 1000})
            server = Server(where)
            play(DATA.replace("EHLO", "EHLO"), server)
            text = (b"..23456\r\n" * 125) + b"x" * (extra and extra - 2) + (b"\r\n" if extra else b"")
            for start in range(0, len(text), 100):
                server.receive(text[start : start + 100])
                assert server.buffered < 2000
            out = server.receive(b".\r\n" if extra != 1 else b"a\r\n.\r\n")
            assert isinstance(out[0], bytes)
            assert out[0].startswith(answer)
            assert len(where.store) == (answer == b"250 ")

    def test_text_line_limit(self) -> None:
        """A line of 1000 octets with CRLF and a stuffed dot is taken, a longer one is not."""
        check(DATA + f"C: .{'.' * 998}\\r\\n.\nS: 250 2.0.0 ...")
        check(DATA + f"C: {'a' * 999}\\r\\n.\nS: 500 5.5.2 Line too long")

    def test_loop(self) -> None:
        """A hundred Received fields are fine, more are a loop."""
        check(DATA + "C: " + "Received: x\\r\\n" * 100 + "\\r\\n.\nS: 250 2.0.0 ...")
        check(DATA + "C: " + "Received: x\\r\\n" * 101 + "\\r\\n.\nS: 554 5.4.6 ...")
        check(DATA + "C: \\r\\n" + "Received: x\\r\\n" * 101 + "\\r\\n.\nS: 250 2.0.0 ...")

    def test_forged_return_path(self) -> None:
        """The delivered message has one Return-Path, the envelope's."""
        header = "Return-Path:\\r\\n <x@y.test>\\r\\nSubject: a\\r\\n\\r\\n"
        where = check(DATA + f"C: {header}Return-Path: body\\r\\n.\nS: 250 2.0.0 ...")
        octets = where.store[0].octets
        assert octets.count(b"Return-Path") == 2
        assert octets.startswith(b"Return-Path: <sender@example.net>\r\n")
        assert octets.endswith(b"\r\nSubject: a\r\n\r\nReturn-Path: body\r\n")

    def test_full_store(self) -> None:
        """A message without room is refused for now."""
        where = site(limits={"storage": 10})
        check(DATA + "C: hello, world\\r\\n.\nS: 452 4.3.1 ...", where)
        assert not where.store

    def test_lists(self) -> None:
        """A list gets a copy whose errors go to the owner; the other recipients get theirs."""
        both = "<staff@lab.test>\nS: 250 2.1.5 Recipient ok\nC: RCPT TO:<abuse@lab.test>"
        where = check(DATA.replace("<alice@lab.test>", both) + "C: .\nS: 250 2.0.0 ...")
        assert [(m.reverse_path, m.recipients) for m in where.store] == [
            ("sender@example.net", ("abuse@lab.test",)),
            ("postmaster@lab.test", ("alice@lab.test", "bob@lab.test")),
        ]

    def test_aliases(self) -> None:
        """An alias gives way to its mailboxes, and the sender stays."""
        where = check(DATA.replace("<alice@lab.test>", "<team@lab.test>") + "C: .\nS: 250 2.0.0 ...")
        assert [(m.reverse_path, m.recipients) for m in where.store] == [
            ("sender@example.net", ("alice@lab.test", "bob@lab.test")),
        ]
