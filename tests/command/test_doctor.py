"""``doctor`` and ``init`` look at live servers on loopback."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.reference.serve import Endpoint, ServingThread
from conformance.reference.site import Site, Store, Stored
from conformance.target import read_file
from tests.command import odd

ADDRESSES = ["--recipient", "alice@lab.test", "--recipient2", "bob@lab.test", "--unknown", "nobody@lab.test"]


@pytest.fixture(scope="module")
def server() -> Iterator[Endpoint]:
    """A reference server for mail from the Internet."""
    with ServingThread(Site()) as endpoint:
        yield endpoint


def marks(out: str) -> dict[str, str]:
    """Return the mark of each line of the doctor."""
    return {match[2]: match[1] for match in re.finditer(r"^  (ok|BAD|\?|--) +(\S+)", out, re.MULTILINE)}


def test_target_that_is_right(server: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    """Each thing is looked at, what is missing is told with what it would enable."""
    assert main(["doctor", f"localhost:{server.port}", *ADDRESSES]) == 0
    out = capsys.readouterr().out
    assert marks(out) == {
        "address": "ok",
        "connection": "ok",
        "greeting": "ok",
        "EHLO": "ok",
        "STARTTLS": "ok",
        "credentials": "--",
        "sender": "ok",
        "recipient": "ok",
        "recipient2": "ok",
        "unknown": "ok",
        "foreign": "--",
        "alias": "--",
        "list": "--",
        "observer": "--",
    }
    assert re.search(r"observer +not named: \d+ cases can't be played\n +--observer maildir:PATH", out)
    assert out.endswith("exit 0: the target can be tested as described\n")


def test_addresses_that_are_wrong(server: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    """An accepted unknown and a refused recipient are told with the server's words and what would be right."""
    arguments = ["--recipient", "nobody@lab.test", "--unknown", "alice@lab.test", "--foreign", "bob@lab.test"]
    assert main(["doctor", f"127.0.0.1:{server.port}", *arguments]) == 1
    out = capsys.readouterr().out
    found = marks(out)
    assert (found["recipient"], found["unknown"], found["foreign"]) == ("BAD", "?", "?")
    assert "nobody@lab.test: 550 5.1.1 No such mailbox here\n                   --recipient ADDRESS" in out
    assert "exit 1: 1 thing to mend" in out


@pytest.mark.parametrize(("password", "mark", "code"), [("right", "ok", 0), ("wrong", "BAD", 1)])
def test_credentials(
    password: str, mark: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are tried in TLS; the password is printed nowhere."""
    site = Site(role="submission")
    secret = site.users["alice"]
    monkeypatch.setenv("DOCTOR_PASSWORD", secret if password == "right" else "not-this-one")
    arguments = ["--user", "alice", "--password-env", "DOCTOR_PASSWORD", "--sender", "alice@lab.test"]
    with ServingThread(site) as endpoint:
        target = f"submission://127.0.0.1:{endpoint.port}"
        assert main(["doctor", target, *arguments, "--recipient", "bob@lab.test"]) == code or password == "wrong"
    out = capsys.readouterr().out
    assert marks(out)["credentials"] == mark
    assert secret not in out
    assert "not-this-one" not in out


def test_message_arrives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On loopback one message is sent and looked for where the observer reads."""
    site = Site()
    new = tmp_path / "alice" / "new"
    new.mkdir(parents=True)

    class Delivering(Store):
        def add(self, message: Stored) -> None:
            super().add(message)
            (new / f"{len(self)}.host").write_bytes(message.octets)

    site.store = Delivering()
    with ServingThread(site) as endpoint:
        observer = ["--observer", f"maildir:{tmp_path}/{{local}}"]
        assert main(["doctor", f"127.0.0.1:{endpoint.port}", *ADDRESSES, *observer]) == 0
    assert re.search(r"ok +observer +maildir .*: a message arrived in 0\.\d s", capsys.readouterr().out)


def test_mailbox_that_cannot_be_read(server: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where a Maildir should be."""
    (tmp_path / "alice").write_text("")
    observer = ["--observer", f"mbox:{tmp_path}"]
    assert main(["doctor", f"127.0.0.1:{server.port}", *ADDRESSES, *observer]) == 1
    assert marks(capsys.readouterr().out)["observer"] == "BAD"


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (odd.ssh, "this is an SSH server"),
        (odd.mute, "a server with implicit TLS (smtps://) waits for the client to begin"),
        (odd.answering({}, greeting=b"554 5.7.1 go away\r\n"), "a server that is ready greets with 220"),
    ],
)
def test_servers_that_are_none(server: odd.Odd, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What answers instead is named; exit code 6."""
    with odd.serving(server) as port:
        (tmp_path / "t.yaml").write_text(f"host: 127.0.0.1\nport: {port}\ntimeout: 200ms\n")
        assert main(["doctor", str(tmp_path / "t.yaml")]) == 6
    assert words in capsys.readouterr().out


def test_tls_that_is_not_there(server: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    """smtps:// against a port that speaks in clear."""
    assert main(["doctor", f"smtps://127.0.0.1:{server.port}"]) == 6
    assert "tls: implicit (smtps://) is for port 465" in capsys.readouterr().out


def test_port_on_which_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    """The usual ports are named."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        assert main(["doctor", f"127.0.0.1:{listener.getsockname()[1]}"]) == 6
    assert "587: submission" in capsys.readouterr().out


def test_init_writes_a_target_file(server: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it saw, what only the owner knows as comments; the file can be read, and is not written over."""
    file = tmp_path / "target.yaml"
    arguments = ["init", f"127.0.0.1:{server.port}", "--recipient", "alice@lab.test", "-o", str(file)]
    assert main(arguments) == 0
    text = file.read_text()
    assert "# It greeted with: 220 mx.lab.test ESMTP" in text
    assert "# unknown: no-such-mailbox@lab.test" in text
    target = read_file(file)
    assert (target.port, target.recipient, target.unknown) == (server.port, "alice@lab.test", None)
    assert main(arguments) == 4
    assert "exists already" in capsys.readouterr().err


def test_init_with_every_comment_taken_away(server: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    """Each commented key is a right one."""
    assert main(["init", f"127.0.0.1:{server.port}"]) == 0
    text = capsys.readouterr().out
    keys = {match[1] for match in re.finditer(r"^# ?([a-z_0-9]+): ", text, re.MULTILINE)}
    assert {"recipient", "recipient2", "unknown", "foreign", "credentials", "observer", "source", "jobs"} <= keys


def test_init_of_a_hostile_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a server says of itself can't write keys into the file."""
    greeting = b"220 mx.e\x1b[31m vil.test\rhost: other\x85\r\n"
    with odd.serving(odd.answering({}, b"250-x\r\n250 \xe2\x80\xa8host: other\r\n", greeting)) as port:
        assert main(["init", f"127.0.0.1:{port}", "-o", str(tmp_path / "t.yaml")]) == 0
    assert read_file(tmp_path / "t.yaml").host == "127.0.0.1"
    assert "\x1b" not in (tmp_path / "t.yaml").read_text()
