"""Lints: what each of them finds, and what it lets go."""

from __future__ import annotations

import pytest

from conformance.reference.rules import strict
from conformance.reference.table import ALWAYS
from conformance.requirement.registry import find
from conformance.smtp import codes, keyword, status
from conformance.smtp.lint import ALL, Context, findings
from conformance.smtp.reply import Reply, ReplyParser


def reply(text: str | bytes) -> Reply:
    """Return the one reply that the text is."""
    octets = text.encode("latin-1") if isinstance(text, str) else text
    (found,) = ReplyParser().feed(octets)
    return found


def found(text: str | bytes, command: str = "NOOP", **context: bool) -> list[str]:
    """Return the names of the lints that a reply breaks."""
    return [breach.lint.name for breach in findings(reply(text), Context(command, **context))]


def ehlo(*lines: str) -> str:
    """Return a positive reply to EHLO with these keywords."""
    every = ["mx.example.org greets you", *lines]
    return "".join(f"250{' ' if n == len(every) - 1 else '-'}{line}\r\n" for n, line in enumerate(every))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("250 OK\r\n", []),
        ("250 OK\n", ["line-end"]),
        ("250\r\n", ["text", "space"]),
        ("250 \r\n", ["text"]),
        ("250\tOK\r\n", ["grammar"]),
        ("OK\r\n", ["grammar"]),
        ("600 OK\r\n", ["code-digits"]),
        ("199 OK\r\n", ["code-digits"]),
        ("271 OK\r\n", ["code-second-digit"]),
        ("259 OK\r\n", ["code-known"]),
        ("354 go on\r\n", ["code-allowed"]),
        ("250-a\r\n251 b\r\n", ["one-code"]),
        ("250 O\x07K\r\n", ["text-octets"]),
        ("250 Gr\xfc\xdfe\r\n", ["ascii"]),
        ("250 " + "x" * 600 + "\r\n", ["line-length"]),
    ],
)
def test_form(text: str, names: list[str]) -> None:
    """Each deviation of the form of a reply has its lint."""
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "command", "names"),
    [
        ("220 mx.example.org ESMTP\r\n", "CONNECT", []),
        ("220 [192.0.2.1] ESMTP\r\n", "CONNECT", []),
        ("220 mx.example.org, ready\r\n", "CONNECT", []),
        ("220 Welcome!\r\n", "CONNECT", ["greeting-domain"]),
        ("220 ESMTP ready\r\n", "CONNECT", ["full-name"]),
        ("250 localhost\r\n", "HELO", ["full-name"]),
        ("250 Hello!\r\n", "HELO", ["hello-domain"]),
        ("221 2.0.0 mx.example.org bye\r\n", "QUIT", []),
        ("221 2.0.0 Bye\r\n", "QUIT", ["closing-domain"]),
        ("421 Timeout\r\n", "NOOP", ["closing-domain"]),
    ],
)
def test_names(text: str, command: str, names: list[str]) -> None:
    """The replies that begin with the server's name are looked at, an enhanced status code before it is no name."""
    assert found(text, command) == names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("PIPELINING", []),
        ("SIZE 35882577", []),
        ("SIZE", []),
        ("AUTH PLAIN LOGIN", []),
        ("LIMITS RCPTMAX=100", []),
        ("x-anything goes here", []),
        ("XCLIENT NAME ADDR", []),
        ("VRFY", []),
        ("FROBNICATE", ["keyword-registered"]),
        ("_VERSION_", ["keyword-grammar"]),
        ("AUTH=LOGIN", ["keyword-equals-sign"]),
        ("SIZE  100", ["keyword-spaces"]),
        ("SIZE 100 ", ["keyword-spaces"]),
        ("SIZE ten", ["keyword-parameters"]),
        ("PIPELINING yes", ["keyword-parameters"]),
        ("BINARYMIME", ["keyword-requires"]),
        ("HELP", ["keyword-once"]),
    ],
)
def test_keywords(line: str, names: list[str]) -> None:
    """Each line of the list is looked at."""
    assert found(ehlo(line, "HELP"), "EHLO") == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("250 2.0.0 OK\r\n", []),
        ("250 OK\r\n", ["enhanced-present"]),
        ("250 5.0.0 OK\r\n", ["enhanced-class"]),
        ("250-2.0.0 a\r\n250 2.1.0 b\r\n", ["enhanced-lines"]),
        ("250 2.1000.0 OK\r\n", ["enhanced-syntax"]),
        ("250 2.00.0 OK\r\n", ["enhanced-zeros"]),
        ("250 2.0.0:OK\r\n", ["enhanced-space"]),
        ("250 2.9.99 OK\r\n", ["enhanced-registered"]),
        ("500 5.1.1 Unknown\r\n", ["enhanced-pair"]),
    ],
)
def test_enhanced(text: str, names: list[str]) -> None:
    """Where the extension is announced, each reply has a right code; elsewhere nothing is asked."""
    assert found(text, enhanced=True) == names
    assert found("250 OK\r\n") == []


def test_no_enhanced_code_in_greeting_hello_and_354() -> None:
    """These carry none; an error reply to EHLO may."""
    assert found("220 2.0.0 mx.example.org\r\n", "CONNECT") == ["enhanced-absent"]
    assert found("354 3.0.0 go on\r\n", "DATA") == ["enhanced-absent"]
    assert found("501 5.5.4 what\r\n", "EHLO") == []


def test_nothing_is_out_of_place_after_a_greeting_that_refuses() -> None:
    """After 554 every command gets 503, after 521 another 521."""
    assert found("503 no\r\n", "EHLO", refused=True) == []
    assert found("503 no\r\n", "EHLO") == ["code-allowed"]


@pytest.mark.parametrize(
    ("text", "command", "lists"),
    [
        ("250 mx.example.org\r\n", "CONNECT", ["4.3.2-08"]),
        ("251 mx.example.org\r\n", "EHLO", ["4.3.2-09"]),
        ("251 OK\r\n", "MAIL", ["4.3.2-10"]),
        ("252 OK\r\n", "RCPT", ["4.3.2-11"]),
        ("250 OK\r\n", "DATA", ["4.3.2-12"]),
        ("251 OK\r\n", "END-OF-DATA", ["4.3.2-12"]),
        ("220 OK\r\n", "NOOP", ["4.3.2-13"]),
        ("220 OK\r\n", "VRFY", ["4.3.2-14"]),
        ("251 OK\r\n", "EXPN", ["4.3.2-15"]),
        ("250 OK\r\n", "HELP", ["4.3.2-16"]),
        ("250 OK\r\n", "STARTTLS", []),
    ],
)
def test_the_list_is_named(text: str, command: str, lists: list[str]) -> None:
    """A code that is not in the list of its command breaks that list, and no other."""
    (breach,) = findings(reply(text), Context(command))
    assert breach.requirement == tuple(f"RFC5321-{name}" for name in [*lists, "4.3.1-05"])
    assert set(breach.requirement) <= set(breach.lint.requirement)


def test_codes_of_rfc_7504() -> None:
    """521 belongs to the greeting, 556 to RCPT."""
    (breach,) = findings(reply("521 no mail\r\n"), Context("RCPT"))
    assert breach.requirement[-2:] == ("RFC7504-5.1-01", "RFC7504-3-03")
    (breach,) = findings(reply("556 no mail there\r\n"), Context("MAIL"))
    assert breach.requirement[-1] == "RFC7504-5.1-01"


def test_requirements_exist() -> None:
    """Each lint cites statements of the registry."""
    assert [name for lint in ALL for name in lint.requirement if find(name) is None] == []


def test_codes_of_the_reference_server() -> None:
    """What the reference server may answer is in the list of each command, which was written down apart from it."""
    assert set(ALWAYS) == codes.ANY
    for role in ("mx", "lmtp"):
        for verb, command in strict(role).commands.items():
            listed = codes.COMMANDS.get(verb)
            if listed is not None:
                wrong = {code for code in command.success + command.errors if not codes.may_answer(verb, code)}
                assert not wrong, f"{verb}: {sorted(wrong)}"


def test_tables_are_read() -> None:
    """A keyword and a status code, as the tables have them."""
    assert keyword.known()["SIZE"].rfc == (1870,)
    assert keyword.known()["CHUNKING"].verbs == ("BDAT",)
    assert keyword.split("size 100 ") == ("SIZE", "100")
    known = status.find("5.1.1")
    assert known is not None
    assert known.classes == {5}
    assert status.find("2.9.99") is None
