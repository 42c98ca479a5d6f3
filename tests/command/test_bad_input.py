"""Whatever the user types and whatever the server sends: a sentence, the right exit code, nothing lost."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.stream import read
from tests.command import odd

SUITE = """\
title: Commands
spec: RFC 5321 section 4.1.1
cases:
  - id: noop
    title: NOOP is answered
    requirement: RFC5321-4.1.1.9-01
    dialogue: [C: NOOP, S: {250: pass}]
  - id: rset
    title: RSET is answered
    requirement: RFC5321-4.1.1.5-01
    dialogue: [C: RSET, S: {250: pass}]
"""

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite file of two quick cases."""
    file = tmp_path / "cases" / "own" / "1-commands.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(SUITE, encoding="utf-8")
    return file


@pytest.fixture
def closed() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run(suite: Path, target: str, *more: str) -> int:
    """Run the suite file against a target; replies may take a fifth of a second."""
    return main(["run", target, "--cases", str(suite), "--timeout", "0.2", *more])


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """Return all that was printed; it holds no traceback and no control character."""
    out = "".join(capsys.readouterr())
    assert "Traceback" not in out
    assert not CONTROLS.search(out.replace("\r", "")), out
    return out


# ---------------------------------------------------------------------- targets


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("ftp://mx.example.org", "the scheme 'ftp' is none of smtp, smtps, submission, lmtp, unix:/path"),
        ("::1:25", "an IPv6 address stands in brackets: [::1]:25"),
        ("mx.example.org:99999", "the port 99999 is not between 1 and 65535"),
        ("mx example", "not host, host:port"),
        ("", "not host, host:port"),
        ("nowhere.yaml", "nowhere.yaml: no such file (a target is a file.yaml, host:port or a URL)"),
    ],
)
def test_wrong_target(suite: Path, target: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A target that is none is told with what one looks like."""
    assert run(suite, target) == 4
    assert words in told(capsys)


def test_name_without_address(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A host name that DNS does not know."""
    assert run(suite, "no-such-host.invalid") == 6
    assert "no-such-host.invalid: no address is known for this name" in told(capsys)


def test_closed_port(suite: Path, closed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A port on which nobody listens."""
    assert run(suite, f"127.0.0.1:{closed}") == 6
    assert f"127.0.0.1:{closed}: connection refused" in told(capsys)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (odd.ssh, "is an SSH server, not an SMTP server"),
        (odd.http, "is an HTTP server, not an SMTP server"),
        (odd.mute, "took the connection and said nothing: no SMTP greeting"),
        (odd.dropping, "needed 250 to EHLO client.example.net, got close"),
    ],
)
def test_other_servers(suite: Path, server: odd.Odd, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that is none, or that does not talk to us, is told as what it is."""
    with odd.serving(server) as port:
        assert run(suite, f"127.0.0.1:{port}") == 6
    assert words in told(capsys)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("host: mx.example.org\nport: {", "t.yaml:3:1:", "a value was expected: is a bracket"),
        ("host: mx.example.org\nprot: 25\n", "t.yaml:2:1:", "a target file has no key 'prot': did you mean 'port'?"),
        ("port: 25\n", "t.yaml:1:1:", "the target file has no 'host'"),
        ("", "t.yaml", "a target file is one YAML mapping with at least 'host'"),
        ("host: x\nport: lots\n", "t.yaml:2:7:", "port is a whole number"),
        ("host: x\nrecipient: nobody\n", "t.yaml:2:12:", "recipient is an address such as alice@example.org"),
        ("host: x\nobserver: {maildir: /x, mbox: /y}\n", "t.yaml:2:11:", "observer has one mailbox"),
        ("host: x\nrole: mxx\n", "t.yaml:2:7:", "role is one of mx, submission, relay, lmtp"),
        ("host: x\ntimeout: soon\n", "t.yaml:2:10:", "timeout is a duration such as 2s"),
        ("host: x\nwaivers: [{case: y}]\n", "t.yaml:2:11:", "a waiver has a reason"),
    ],
)
def test_half_written_target_file(
    suite: Path, tmp_path: Path, text: str, place: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """File, line, column, what is wrong, and what would be right."""
    (tmp_path / "t.yaml").write_text(text)
    assert run(suite, str(tmp_path / "t.yaml")) == 4
    out = told(capsys)
    assert place in out
    assert words in out


def test_password_that_is_not_there(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The variable that should hold the password is named."""
    assert run(suite, "127.0.0.1:25", "--user", "alice", "--password-env", "NO_SUCH_VARIABLE") == 4
    assert "the environment has no variable NO_SUCH_VARIABLE" in told(capsys)


# ---------------------------------------------------------------------- cases and options


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    title: NOOP", "\ttitle: NOOP", "a tab can't indent YAML: use spaces"),
        ("    title: NOOP", "    id: again\n    title: NOOP", "the key 'id' stands here a second time"),
        ("    title: NOOP", "    tilte: NOOP", "a case has no key 'tilte': did you mean 'title'?"),
        ("4.1.1.9-01", "4.1.1.9-0l", "no requirement is named 'RFC5321-4.1.1.9-0l': did you mean RFC5321-4.1.1.9-0"),
        ("id: rset", "id: noop", "the id 'own/1-commands/noop' stands in line 4 already"),
        ("250: pass", "25: pass", "'25' is no pattern: 250, 25x, 5xx"),
        ("250: pass", "250: passt", "'passt' is no verdict: go, leave, next, pass, warn, fail"),
        ("S: {250: pass}", "S: 250", "the dialogue has no judgement"),
        ("S: {250: pass}]", "S: {250: pass}", "what opens here is not closed: a bracket or a quote"),
        ("NOOP is", "N\x00OOP is", "the control character U+0000 can't stand here"),
    ],
)
def test_bad_case_file(suite: Path, old: str, new: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake in a suite file is told with file, line and column, before anything is played."""
    suite.write_text(SUITE.replace(old, new, 1))
    assert run(suite, "127.0.0.1:9") == 4
    out = told(capsys)
    assert re.search(r"own/1-commands\.yaml:\d+:\d+: ", out)
    assert words in out
    assert main(["lint", str(suite)]) == 4


def test_case_file_that_is_not_utf8(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of the first wrong octet is told."""
    suite.write_bytes(SUITE.encode().replace(b"NOOP is", b"N\xff is"))
    assert run(suite, "127.0.0.1:9") == 4
    assert "own/1-commands.yaml:5:1: not UTF-8" in told(capsys)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["-k", "nothing-like-this"], 5, "no case matches -k nothing-like-this (smtp-conformance list shows all)"),
        (["--case", "own/none"], 5, "no case matches own/none"),
        (["-k", "noop and"], 4, "-k 'noop and': the expression ends too early"),
        (["--spec", "5321bis"], 4, "--spec 5321bis: a document and perhaps a section"),
        (["--profile", "lax"], 4, "no profile is named 'lax'"),
        (["--fail-on", "everything"], 4, "--fail-on everything: it is one or more of must"),
        (["--jobs", "0"], 4, "--jobs is at least 1"),
        (["--source", "127.0.0.2,eth0"], 4, "source is an IP address of this machine, not 'eth0'"),
        (["--observer", "imap:x"], 4, "imap"),
        (["--out", "/no/such/folder/run.jsonl"], 4, "--out /no/such/folder/run.jsonl: there is no folder"),
        (["--baseline", "/no/such/file.yaml"], 4, "/no/such/file.yaml: no such file (--baseline-update writes it)"),
        (["--baseline-update"], 4, "--baseline-update needs --baseline FILE"),
    ],
)
def test_wrong_options(
    suite: Path, options: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that can't be meant is told before anything is played; an empty selection is exit code 5."""
    assert run(suite, "127.0.0.1:9", *options) == code
    assert words in told(capsys)


def test_profile_that_is_no_profile(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with something else in it."""
    (tmp_path / "p.json").write_text("{")
    assert run(suite, "127.0.0.1:9", "--profile", str(tmp_path / "p.json")) == 4
    assert "p.json" in told(capsys)


# ---------------------------------------------------------------------- what servers send


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"250", b"x"), (b"", b"250-more and more\r\n"), (b"", b"250 again\r\n"), (b"", b"\x00")],
    ids=["one line", "one reply", "many replies", "no reply"],
)
def test_gigabyte_of_reply(suite: Path, start: bytes, more: bytes, tmp_path: Path) -> None:
    """An answer that does not end costs bounded memory, and the other case keeps its verdict."""
    out = tmp_path / "run.jsonl"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with odd.serving(odd.endless(start, more)) as port:
        arguments = ["run", f"127.0.0.1:{port}", "--cases", str(suite), "--timeout", "1", "--out", str(out), "-q"]
        done = subprocess.run([sys.executable, "-m", "conformance", *arguments], capture_output=True, timeout=60)
    assert b"Traceback" not in done.stderr
    verdicts = {result.id: result.verdict for result in read(out).results}
    assert verdicts["own/1-commands/rset"] == "pass"
    assert verdicts["own/1-commands/noop"] in (["pass"] if more == b"250 again\r\n" else ["fail", "inconclusive"])
    assert max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) < 300 * 1024


HOSTILE = (
    b"250-mx\x00.lab\x00.test\r\n",
    b"250 \x1b]0;owned\x07\x1b[2J\x1b[31mred\r\n",
    b"250 \xff\xfe broken \xc3\x28 utf-8 \xe2\x80\xae\r\n",
    b"250 <script>alert(1)</script> ]]> &amp; %s {0}\r\n",
)


def test_hostile_octets_in_every_reply(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """NULs, terminal escapes, broken UTF-8 and markup reach the stream escaped, and no terminal."""
    out, junit = tmp_path / "run.jsonl", tmp_path / "junit.xml"
    answer = b"".join(HOSTILE).replace(b"\r\n250 ", b"\r\n250-", 2)
    suite.write_text(SUITE.replace("250: pass", "250: warn - so it says", 1))
    with odd.serving(odd.answering({}, answer, b"220 \x1b[31m\x00\xff mx\r\n")) as port:
        code = run(suite, f"127.0.0.1:{port}", "--out", str(out), "--junit", str(junit), "--fail-on", "none")
    assert code == 0
    told(capsys)
    ElementTree.parse(junit)
    assert all(line.isascii() and line.isprintable() for line in out.read_text().splitlines())
    octets = json.dumps([result.transcript for result in read(out).results])
    assert r"\\x1b]0;owned" in octets


def test_server_that_dies_on_the_way(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was measured before is kept; the rest says why it was not played; exit code 6."""
    suite.write_text(SUITE.replace("id: rset", "id: last\n    after: noop"))
    out = tmp_path / "run.jsonl"
    listener = socket.create_server(("127.0.0.1", 0))
    listener.close()
    verdicts: dict[str, str] = {}
    seen = 0

    def once(connection: socket.socket) -> None:
        nonlocal seen
        seen += 1
        if seen <= 2:
            odd.answering({})(connection)

    with odd.serving(once) as port:
        assert run(suite, f"127.0.0.1:{port}", "--out", str(out)) == 6
    verdicts = {result.id: result.verdict for result in read(out).results}
    assert verdicts["own/1-commands/noop"] == "pass"
    assert verdicts["own/1-commands/last"] == "inconclusive"
    told(capsys)


@pytest.mark.parametrize(
    ("number", "shell"),
    [(signal.SIGINT, "in-front"), (signal.SIGTERM, "in-front"), (signal.SIGTERM, "in-the-background")],
)
def test_interrupted(suite: Path, tmp_path: Path, number: signal.Signals, shell: str) -> None:
    """Ctrl-C keeps what was done: results, footer and reports; exit code 2. In the background SIGTERM does it."""
    suite.write_text(
        SUITE.replace("dialogue: [C: RSET, S: {250: pass}]", "dialogue: [wait: 60s, C: RSET, S: {250: pass}]")
    )
    out, junit = tmp_path / "run.jsonl", tmp_path / "junit.xml"
    with odd.serving(odd.answering({})) as port:
        arguments = ["run", f"127.0.0.1:{port}", "--cases", str(suite), "--out", str(out), "--junit", str(junit)]
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL if shell == "in-front" else signal.SIG_IGN),
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (out.exists() and '"type":"case"' in out.read_text()):
            time.sleep(0.02)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "Traceback" not in printed
    assert "exit 2: interrupted" in printed
    stored = read(out)
    assert stored.footer is not None
    assert stored.footer["interrupted"] is True
    assert [result.verdict for result in stored.results if result.id == "own/1-commands/noop"] == ["pass"]
    ElementTree.parse(junit)


def test_a_sink_that_nothing_can_listen_at(capfd: pytest.CaptureFixture[str]) -> None:
    """Somebody else is there: a sentence, and the exit code of wrong usage."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = main(["run", "127.0.0.1:9", "-k", "security/tls/certificate", "--observer", f"sink:127.0.0.1:{port}"])
    assert code == 4
    assert "nothing can listen at" in capfd.readouterr().err
