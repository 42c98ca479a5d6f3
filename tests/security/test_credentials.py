"""The password of the target file stands in nothing that the suite writes, whatever the server sends back."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.reference.change import on_reply
from conformance.reference.faults import Fault
from conformance.reference.reply import Reply
from conformance.reference.rules import Rules
from conformance.reference.serve import ServingThread
from conformance.reference.session import Session
from conformance.reference.site import Site

PASSWORD = "Fenchel-7/Kümmel"
REPORTS = ("out", "html", "junit", "sarif", "markdown", "badge")

TARGET = """\
name: echo
host: 127.0.0.1
port: {port}
role: {role}
sender: sender@example.net
recipient: alice@lab.test
unknown: nobody@lab.test
foreign: someone@elsewhere.test
credentials: {{user: alice, password_env: TEST_PASSWORD}}
client_welcome: true
"""


def _echo(rules: Rules) -> Rules:
    """Send back, in every reply, what the client said last, what it means in base64, and the password itself."""

    def change(session: Session, event: str, reply: Reply) -> Reply:
        said = session.line.decode("utf-8", "surrogateescape")
        words = said.rsplit(" ", 1)[-1]
        try:
            plain = base64.b64decode(words, validate=True).decode("utf-8", "replace")
        except ValueError:
            plain = words
        more = tuple(line.replace("\0", " ") for line in (said, plain, PASSWORD))
        return reply._replace(lines=(*reply.lines, *more))

    return on_reply(rules, change)


ECHO = Fault("echo", "Every reply says what the client said", (), _echo, "test")


def traces(password: bytes) -> Iterator[bytes]:
    """Yield what gives a password away: itself, its halves, and the base64 of it wherever it stands in a message."""
    half = len(password) // 2
    yield from (password, password[:half], password[half:])
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + password)
        yield encoded[2 * bool(before) + 2 : -5]


@pytest.mark.parametrize(("role", "faults"), [("mx", (ECHO,)), ("submission", ())])
def test_no_report_holds_the_password(
    role: str,
    faults: tuple[Fault, ...],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not the stream, no report, not the terminal; on servers that behave and on one that tells all it heard."""
    site = Site(role=role, users={"alice": PASSWORD})  # type: ignore[arg-type]
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    written = [tmp_path / f"run.{name}" for name in REPORTS]
    options = [part for name, path in zip(REPORTS, written, strict=True) for part in (f"--{name}", str(path))]
    with ServingThread(site, faults=faults) as endpoint:
        target = tmp_path / "target.yaml"
        target.write_text(TARGET.format(port=endpoint.port, role=role))
        main(["run", str(target), "-k", "plain or scram or cram or security/auth", "--impact", "mail", *options])
        main(["doctor", str(target)])
        main(["init", f"127.0.0.1:{endpoint.port}"])
    main(["report", str(written[0]), "--html", str(tmp_path / "again.html")])
    captured = capfd.readouterr()
    texts = {path.name: path.read_bytes() for path in (*written, tmp_path / "again.html")}
    texts |= {"stdout": captured.out.encode(), "stderr": captured.err.encode()}
    found = {(name, trace) for name, text in texts.items() for trace in traces(PASSWORD.encode()) if trace in text}
    assert not found
    assert b"********" in texts["run.out"]
