"""SIZE, 8BITMIME, SMTPUTF8, CHUNKING, BINARYMIME and DSN, as dialogues."""

import pytest

from conformance.reference import Server

from .dialogues import check, play, site
from .test_transactions import DATA, HELLO, READY

BDAT = READY + "C: RCPT TO:<alice@lab.test>\nS: 250 2.1.5 Recipient ok\n"


class TestMailParameters:
    @pytest.mark.parametrize(
        ("parameters", "answer"),
        [
            ("SIZE=0", "250 2.1.0 ..."),
            ("size=10485760", "250 2.1.0 ..."),
            ("SIZE=00000000000000000001", "250 2.1.0 ..."),
            ("SIZE=10485761", "552 5.3.4 ..."),
            ("SIZE=99999999999999999999", "552 5.3.4 ..."),
            ("SIZE=100000000000000000000", "501 5.5.4 ..."),
            ("SIZE", "501 5.5.4 ..."),
            ("SIZE=", "501 5.5.4 ..."),
            ("SIZE=-1", "501 5.5.4 ..."),
            ("SIZE=1x", "501 5.5.4 ..."),
            ("BODY=7bit", "250 2.1.0 ..."),
            ("BODY=8BITMIME SMTPUTF8 SIZE=1", "250 2.1.0 ..."),
            ("BODY=BINARYMIME", "250 2.1.0 ..."),
            ("BODY=9BIT", "501 5.5.4 ..."),
            ("BODY", "501 5.5.4 ..."),
            ("SMTPUTF8=1", "501 5.5.4 ..."),
            ("AUTH=<>", "250 2.1.0 ..."),
            ("AUTH=e+3Dmc2@example.com", "250 2.1.0 ..."),
            ("AUTH=e+3dmc2@example.com", "250 2.1.0 ..."),
            ("AUTH=nonsense", "501 5.5.4 ..."),
            ("AUTH=a+zz@b", "501 5.5.4 ..."),
            ("AUTH", "501 5.5.4 ..."),
            ("RET=HDRS ENVID=a+2Bb", "250 2.1.0 ..."),
            ("RET=full", "250 2.1.0 ..."),
            ("RET=SOME", "501 5.5.4 ..."),
            ("RET=FULL RET=HDRS", "501 5.5.4 ..."),
            ("ENVID=a+2bb", "501 5.5.4 ..."),
            ("ENVID=a+00", "501 5.5.4 ..."),
            ("ENVID", "501 5.5.4 ..."),
            (f"ENVID={'a' * 100}", "250 2.1.0 ..."),
        ],
    )
    def test_values(self, parameters: str, answer: str) -> None:
        """Each parameter takes the values of its document and no others."""
        check(HELLO + f"C: MAIL FROM:<a@b.test> {parameters}\nS: {answer}\n")

    def test_non_ascii_address(self) -> None:
        """With SMTPUTF8 UTF-8 is taken in both paths, wherever the parameter stands."""
        check(
            HELLO
            + """
C: MAIL FROM:<\\xc3\\xa4@b\\xc3\\xbccher.test> BODY=8BITMIME SMTPUTF8
S: 250 2.1.0 Sender ok
C: RCPT TO:<\\xc3\\xa4@lab.test>
S: 550 5.1.1 No such mailbox here
C: RCPT TO:<alice+\\xc3\\xa4@lab.test>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<bob@lab.test> ORCPT=utf-8;\\xc3\\xa4@b.test
S: 250 2.1.5 Recipient ok
C: RCPT TO:<\\xff@lab.test>
S: 501 5.5.2 ...
C: VRFY \\xc3\\xa4
S: 553 5.6.7 ...
C: VRFY \\xc3\\xa4 SMTPUTF8
S: 550 5.1.1 ...
"""
        )
        check("S: 220 ...\nC: HELO x\nS: 250 ...\nC: MAIL FROM:<\\xc3\\xa4@b.test>\nS: 500 5.5.2 ...")


class TestRcptParameters:
    @pytest.mark.parametrize(
        ("parameters", "answer"),
        [
            ("NOTIFY=NEVER", "250 2.1.5 ..."),
            ("NOTIFY=delay,Success,FAILURE", "250 2.1.5 ..."),
            ("NOTIFY=NEVER,SUCCESS", "501 5.5.4 ..."),
            ("NOTIFY=NEVER NOTIFY=SUCCESS", "501 5.5.4 ..."),
            ("NOTIFY=SOMETIMES", "501 5.5.4 ..."),
            ("NOTIFY", "501 5.5.4 ..."),
            ("ORCPT=rfc822;FoO+2Bbar@Example.COM", "250 2.1.5 ..."),
            ("ORCPT=utf-8;\\x5cx{E4}@example.com", "250 2.1.5 ..."),
            ("ORCPT=rfc822;a+0D+0AX-Inj:+20y", "501 5.5.4 ..."),
            ("ORCPT=rfc822", "501 5.5.4 ..."),
            ("ORCPT=nonsense;a@b", "501 5.5.4 ..."),
        ],
    )
    def test_values(self, parameters: str, answer: str) -> None:
        """Each parameter takes the values of its document and no others."""
        check(READY + f"C: RCPT TO:<alice@lab.test> {parameters}\nS: {answer}\n")


class TestDsn:
    def test_delivered_notice(self) -> None:
        """NOTIFY=SUCCESS sends a notice with what was given in ENVID and ORCPT."""
        where = check(
            HELLO
            + """
C: MAIL FROM:<sender@example.net> ENVID=QQ+2B1
S: 250 2.1.0 Sender ok
C: RCPT TO:<alice@lab.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Al+2Bice@x.test
S: 250 2.1.5 Recipient ok
C: RCPT TO:<bob@lab.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: Subject: hello\\r\\n\\r\\ntext\\r\\n.
S: 250 2.0.0 ...
"""
        )
        (notice,) = where.outgoing
        assert notice.reverse_path == ""
        assert notice.recipients == ("sender@example.net",)
        text = notice.octets.decode()
        assert "Original-Envelope-Id: QQ+1\r\n" in text
        assert "Original-Recipient: rfc822; Al+ice@x.test\r\n" in text
        assert text.count("Final-Recipient: rfc822; alice@lab.test\r\nAction: delivered\r\nStatus: 2.1.5\r\n") == 1
        assert "bob" not in text
        assert text.endswith("\r\n\r\nSubject: hello\r\n--=_00000001--\r\n")

    def test_no_notice_about_a_notice(self) -> None:
        """A message with a null reverse-path gets no notice."""
        rcpt = "C: RCPT TO:<alice@lab.test> NOTIFY=SUCCESS\nS: 250 ...\n"
        where = check(HELLO + "C: MAIL FROM:<>\nS: 250 ...\n" + rcpt + "C: DATA\nS: 354 ...\nC: .\nS: 250 2.0.0 ...")
        assert not where.outgoing


class TestChunking:
    def test_chunks(self) -> None:
        """Chunks make one message; nothing in them is a dot or a line end to the server."""
        where = site()
        server = Server(where)
        play(BDAT, server)
        assert server.receive(b"BDAT 10\r\na: b\r\n\r\n.\r") == [b"250 2.0.0 Chunk ok\r\n"]
        assert server.receive(b"bdat 6 last\r\n\n..\n\r\nNOOP\r\n") == [
            b"250 2.0.0 Accepted as 00000001\r\n250 2.0.0 OK\r\n"
        ]
        assert where.store[0].octets.endswith(b"\r\na: b\r\n\r\n.\r\n..\n\r\n")

    @pytest.mark.parametrize("argument", ["", "-1", "+5", "1x", "5LAST", "5 FIRST", "5 LAST X", "0x5"])
    def test_malformed(self, argument: str) -> None:
        """Without a number there is no chunk."""
        check(BDAT + f"C: BDAT {argument}\nS: 501 5.5.4 ...\nC: NOOP\nS: 250 2.0.0 OK")

    def test_refused_chunks_are_swallowed(self) -> None:
        """The octets of a refused BDAT are never commands, however many chunks follow."""
        chunks = b"BDAT 6\r\nRSET\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"
        for before, second in ((HELLO, b"503"), (READY, b"503")):
            server = Server(site())
            play(before, server)
            (answer,) = server.receive(chunks)
            assert isinstance(answer, bytes)
            assert [line[:3] for line in answer.splitlines()] == [b"503", second, b"250"]

    def test_rset_leads_on_after_a_failure(self) -> None:
        """After a refused chunk only RSET opens the way; DATA and BDAT do not mix."""
        check(
            BDAT
            + """
C: BDAT 5\\r\\nabc
S: 250 2.0.0 Chunk ok
C: DATA
S: 503 5.5.1 ...
C: MAIL FROM:<>
S: 503 5.5.1 ...
C: RCPT TO:<bob@lab.test>
S: 503 5.5.1 ...
C: RSET
S: 250 2.0.0 Reset
C: MAIL FROM:<>
S: 250 2.1.0 Sender ok
C: BDAT 0 LAST
S: 503 5.5.1 ...
C: RCPT TO:<bob@lab.test>
S: 503 5.5.1 ...
C: RSET
S: 250 2.0.0 Reset
"""
        )

    def test_size_limit_is_for_the_sum(self) -> None:
        """The chunk that passes the limit is refused when it is there; numbers do not wrap."""
        where = site(limits={"message": 10})
        check(BDAT + "C: BDAT 8\\r\\nabcdef\nS: 250 ...\nC: BDAT 8 LAST\\r\\nabcdef\nS: 552 5.3.4 ...", where)
        server = Server(where)
        play(BDAT, server)
        assert server.receive(b"BDAT 18446744073709551621 LAST\r\nhello") == []
        assert server.buffered == 0

    def test_empty_chunks(self) -> None:
        """BDAT 0 is a chunk, BDAT 0 LAST ends a message."""
        where = check(BDAT + "C: BDAT 0\nS: 250 ...\nC: BDAT 4\\r\\nab\nS: 250 ...\nC: BDAT 0 LAST\nS: 250 2.0.0 ...")
        assert where.store[0].octets.endswith(b"\r\nab\r\n")

    def test_binary(self) -> None:
        """A binary message needs BDAT, and keeps every octet."""
        where = check(
            HELLO
            + """
C: MAIL FROM:<a@b.test> BODY=BINARYMIME
S: 250 2.1.0 Sender ok
C: RCPT TO:<alice@lab.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 503 5.5.1 ...
C: BDAT 8 LAST\\r\\n\\x00\\xff\\n\\r\\r\\x80
S: 250 2.0.0 ...
"""
        )
        assert where.store[0].octets.endswith(b"\r\n\0\xff\n\r\r\x80\r\n")

    def test_eight_bit_data(self) -> None:
        """All eight bits of DATA are kept."""
        every = bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"")
        where = site()
        server = Server(where)
        play(DATA, server)
        server.receive(every + b"\r\n.\r\n")
        assert where.store[0].octets.endswith(b"\r\n" + every + b"\r\n")
