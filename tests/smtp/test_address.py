"""The address grammar of RFC 5321 sections 4.1.2 and 4.1.3."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.smtp.address import (
    STRICT,
    AddressError,
    Path,
    fold,
    parse_domain,
    parse_literal,
    parse_mailbox,
    parse_path,
    split_path,
)


class TestPath:
    @pytest.mark.parametrize(
        ("text", "local", "domain"),
        [
            ("<a@b>", "a", "b"),
            ("<a.b@c.test>", "a.b", "c.test"),
            ("<!#$%&'*+-/=?^_`{|}~@b>", "!#$%&'*+-/=?^_`{|}~", "b"),
            ('<"john doe"@b>', "john doe", "b"),
            ('<"a\\"\\\\b>"@b>', 'a"\\b>', "b"),
            ('<""@b>', "", "b"),
            ("<a@1.2-3.x>", "a", "1.2-3.x"),
            ("<a@[192.0.2.1]>", "a", "[192.0.2.1]"),
            ("<a@[IPv6:2001:db8::1]>", "a", "[IPv6:2001:db8::1]"),
            ("<@one.test,@two.test:a@b>", "a", "b"),
            ("<pOstmaster>", "pOstmaster", ""),
        ],
    )
    def test_read(self, text: str, local: str, domain: str) -> None:
        """Local part and domain are read, quoting and source route are undone."""
        path = parse_path(text)
        assert path.mailbox is not None
        assert (path.mailbox.local, path.mailbox.domain) == (local, domain)
        assert path.text == text

    def test_null(self) -> None:
        """<> is the null path."""
        assert parse_path("<>") == Path(None)
        assert str(parse_path("<>")) == "<>"

    def test_route(self) -> None:
        """The hops of a source route are kept, first hop first."""
        path = parse_path("<@one.test,@two.test:a@b>")
        assert path.route == ("one.test", "two.test")
        assert str(path) == "<a@b>"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a@b",
            "<a@b",
            "a@b>",
            "<a>",
            "<@b>",
            "<a@>",
            "<a@b>>",
            "< a@b>",
            "<a @b>",
            "<a@b >",
            "<a@@b>",
            "<a..b@c>",
            "<.a@b>",
            "<a.@b>",
            "<a@b.>",
            "<a@.b>",
            "<a@b..c>",
            "<a@-b>",
            "<a@b->",
            "<a@b_c>",
            '<"a"b"@c>',
            '<"a@b>',
            "<a(c)@b>",
            "<a@b(c)>",
            "<a,b@c>",
            "<a@[1.2.3]>",
            "<a@[]>",
            "<a@[1.2.3.4]",
            "<@one.test a@b>",
            "<@one.test:>",
            "<one.test:a@b>",
            "<@one.test,two.test:a@b>",
            "<ä@b>",
            "<a@ä>",
            "<a\x00@b>",
            "<a\x7f@b>",
            '<"\x07"@b>',
            "<a@b\n>",
            f"<a@{'x' * 64}>",
            "<postmaster@>",
            "<a@#1>",
        ],
    )
    def test_refused(self, text: str) -> None:
        """What the grammar does not produce is no path."""
        with pytest.raises(AddressError):
            parse_path(text)

    def test_split(self) -> None:
        """What follows the path is handed back."""
        path, rest = split_path('<"a> "@b> SIZE=1')
        assert (str(path), rest) == ('<"a> "@b>', " SIZE=1")

    def test_quoted_and_plain_are_equal(self) -> None:
        """Quoted and unquoted forms of a local part are the same mailbox, written with minimal quoting."""
        forms = {str(parse_path(text)) for text in ("<a.b@c>", '<"a.b"@c>', '<"\\a.\\b"@c>')}
        assert forms == {"<a.b@c>"}
        assert str(parse_path('<"a b"@c>')) == '<"a b"@c>'

    def test_lengths(self) -> None:
        """Lengths are octets as written: brackets count for the path, quotes for the local part."""
        path = parse_path('<@x.test:"a:\\b"@c.test>')
        assert (path.octets, path.local_octets) == (23, 6)
        path = parse_path("<\u00e4@b>", utf8=True)
        assert (path.octets, path.local_octets) == (6, 2)

    def test_smtputf8(self) -> None:
        """RFC 6531 lets atoms, quoted strings and labels hold non-ASCII characters."""
        for text in ("<\u00e4@\u00f6.test>", '<"\u00e4 "@x>', "<a@b\u00fccher.test>"):
            assert parse_path(text, utf8=True).text == text
        mailbox = parse_mailbox("a@B\u00fccher.test", utf8=True)
        assert mailbox.host == "xn--bcher-kva.test"
        assert not mailbox.ascii

    @given(st.text(alphabet='<>@:,."\\[]ab1- \u00e4', max_size=40), st.booleans())
    def test_any_text(self, text: str, utf8: bool) -> None:
        """Any text is a path or an error, and a path read again from its own text is the same."""
        try:
            path = parse_path(text, utf8=utf8)
        except AddressError:
            return
        assert parse_path(path.text, utf8=utf8) == path
        again = parse_path(str(path), utf8=True)
        assert again.mailbox == path.mailbox


class TestDomain:
    @pytest.mark.parametrize("text", ["a", "1.2.3.4", "a-b.c", "[1.2.3.4]", "[ipv6:::1]", "x" * 63])
    def test_read(self, text: str) -> None:
        """Domains and address literals."""
        assert parse_domain(text) == text

    @pytest.mark.parametrize("text", ["", "a.", "a..b", "a_b", "a b", "[1.2.3.4", "[x]", "a@b", "x" * 64])
    def test_refused(self, text: str) -> None:
        """Anything else."""
        with pytest.raises(AddressError):
            parse_domain(text)

    def test_fold(self) -> None:
        """Domains are compared without case; what cannot be an A-label is compared as it is."""
        assert fold("A.Test") == "a.test"
        assert fold("\u00e4" + "x" * 70) == "\u00e4" + "x" * 70


class TestLiteral:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("[0.0.0.0]", "0.0.0.0"),
            ("[255.255.255.255]", "255.255.255.255"),
            ("[1.02.003.4]", "1.2.3.4"),
            ("[IPv6:1:2:3:4:5:6:7:8]", "1:2:3:4:5:6:7:8"),
            ("[IPv6:::]", "::"),
            ("[IPV6:1::8]", "1::8"),
            ("[IPv6:1:2:3:4:5:6::]", "1:2:3:4:5:6::"),
            ("[IPv6:1:2:3:4:5:6:192.0.2.1]", "1:2:3:4:5:6:c000:201"),
            ("[IPv6:::ffff:192.0.2.1]", "::ffff:c000:201"),
        ],
    )
    def test_read(self, text: str, address: str) -> None:
        """Four forms of IPv6, and IPv4 with up to three digits a number."""
        assert parse_literal(text) == ip_address(address)

    @pytest.mark.parametrize(
        "text",
        [
            "[]",
            "1.2.3.4",
            "[256.1.1.1]",
            "[1.2.3]",
            "[1.2.3.4.5]",
            "[0001.2.3.4]",
            "[1.2.3.4 ]",
            "[::1]",
            "[IPv6:1]",
            "[IPv6:1:2:3:4:5:6:7]",
            "[IPv6:1::2::3]",
            "[IPv6:1::3:4:5:6:7:8]",
            "[IPv6:12345::]",
            "[IPv6:::1%eth0]",
            "[IPv6:1:2:3:4:5:6:7:192.0.2.1]",
            "[IPv6:::256.0.2.1]",
            "[IPv6:1.2.3.4]",
            "[x:y]",
            "[IPv6:g::]",
        ],
    )
    def test_refused(self, text: str) -> None:
        """Anything else; two colons stand for two groups at least, and there is no tag but IPv6."""
        with pytest.raises(AddressError):
            parse_literal(text)


def test_laxer_grammar() -> None:
    """A grammar with one production replaced reads what the RFC refuses, and nothing else changes."""
    lax = replace(STRICT, label=r"[A-Za-z0-9_-]{{1,63}}")
    assert parse_path("<a@-b_>", grammar=lax).text == "<a@-b_>"
    with pytest.raises(AddressError):
        parse_path("<a..b@c>", grammar=lax)
    unchecked = replace(STRICT, literals=False)
    assert parse_domain("[256.1.1.1]", grammar=unchecked) == "[256.1.1.1]"
    assert parse_mailbox("a@[256.1.1.1]", grammar=unchecked).literal is None
