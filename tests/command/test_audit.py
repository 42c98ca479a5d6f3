"""``audit`` goes nowhere unasked: the mail exchangers of a domain are printed, and the user names one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.message
import dns.rcode
import dns.rrset
import pytest

from conformance.cli import main
from conformance.exchanger import LookupProblem, mail_exchangers, resolver
from conformance.reference.serve import ServingThread
from conformance.reference.site import Site

ZONE = {
    "example.test.": ["20 mx2.example.test.", "10 mx1.example.test."],
    "nomail.test.": ["0 ."],
    "mx1.example.test.": [],
    "itself.test.": ["10 itself.test."],
}


@pytest.fixture(scope="module")
def dns_server() -> Iterator[str]:
    """A DNS server on loopback that knows a few MX records."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                octets, client = server.recvfrom(4096)
                if octets == b"stop":
                    return
                query = dns.message.from_wire(octets)
                response = dns.message.make_response(query)
                records = ZONE.get(query.question[0].name.to_text())
                if records is None:
                    response.set_rcode(dns.rcode.NXDOMAIN)
                elif records:
                    response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "MX", *records))
                server.sendto(response.to_wire(), client)

        thread = threading.Thread(target=answer)
        thread.start()
        host, port = server.getsockname()
        yield f"{host}:{port}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"stop", (host, port))
        thread.join()


def test_exchangers_best_first(dns_server: str) -> None:
    """By preference."""
    assert mail_exchangers("example.test", resolver(dns_server)) == [(10, "mx1.example.test"), (20, "mx2.example.test")]


@pytest.mark.parametrize("name", ["mx1.example.test", "no-such-name.test"])
def test_no_exchanger(name: str, dns_server: str) -> None:
    """No record, or no such name."""
    assert mail_exchangers(name, resolver(dns_server)) == []


def test_null_mx(dns_server: str) -> None:
    """A domain that says it takes no mail."""
    with pytest.raises(LookupProblem, match="takes no mail: it has a null MX"):
        mail_exchangers("nomail.test", resolver(dns_server))


def test_domain_is_not_followed_unasked(dns_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The exchangers are printed, and what to type; nothing is connected to."""
    assert main(["audit", "example.test", "--resolver", dns_server]) == 4
    captured = capsys.readouterr()
    assert captured.out == "The mail of example.test goes to:\n     10 mx1.example.test\n     20 mx2.example.test\n"
    assert "name the host: smtp-conformance audit mx1.example.test (or example.test:25" in captured.err


@pytest.mark.parametrize(("answer", "code"), [("y", 6), ("", 4), ("n", 4)])
def test_user_is_asked_at_a_terminal(
    answer: str, code: int, dns_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only yes is yes (the host then has no address here)."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    assert main(["audit", "example.test", "--resolver", dns_server, "-k", "noop"]) == code


def test_host_is_audited_itself(dns_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A host that is its own exchanger, or has none, was named: it is what is meant."""
    assert main(["audit", "itself.test", "--resolver", dns_server, "-k", "noop"]) == 6
    assert "itself.test: no address is known" in capsys.readouterr().out


def test_audit_sends_no_mail_and_says_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    """Even on loopback, even where a recipient is named."""
    site = Site()
    with ServingThread(site) as endpoint:
        main(["audit", f"127.0.0.1:{endpoint.port}", "-k", "transparency or noop", "--recipient", "alice@lab.test"])
    assert len(site.store) == 0
    assert "connections, no message is sent (impact session)" in capsys.readouterr().err


def test_audit_needs_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    """It never starts a server of its own."""
    assert main(["audit"]) == 4
    assert "audit needs a target: smtp-conformance audit mx.example.org" in capsys.readouterr().err
