"""The terminal report: what is not a pass, told once; plain where nobody looks at a terminal; harmless."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

import pytest

from conformance.report.terminal import MOST_COLUMNS, Terminal
from conformance.stream import Run
from tests.report.streams import findings, hostile, realistic, run_of

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """UTF-8."""
        return "utf-8"


def told(
    run: Run,
    *,
    out: io.StringIO | None = None,
    error: io.StringIO | None = None,
    environment: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> tuple[str, str]:
    """Return what is printed to standard output and standard error when a run goes by."""
    out, error = out or io.StringIO(), error or io.StringIO()
    terminal = Terminal(quiet=quiet, out=out, error=error, environment=environment or {})
    terminal.event(run.header)
    for note in run.notes:
        terminal.event({"type": "note", "text": note})
    for result in run.results:
        terminal.result(result)
    footer = run.footer or {"exit": 2, "exit_reason": "interrupted"}
    terminal.event({"type": "footer", **footer})
    terminal.finish(footer["exit"], footer["exit_reason"])
    return out.getvalue(), error.getvalue()


def test_the_last_line_is_the_exit_reason() -> None:
    """The last line says why."""
    out, _ = told(realistic())
    assert out.endswith("\nexit 1: 4 findings\n")


def test_findings_are_told_with_octets_and_expectation() -> None:
    """Verdict, title, reason, what was sent, what came, what was expected, requirement and id; the worst first."""
    out, _ = told(realistic())
    first, second = out.index("CRITICAL  Only <CRLF>.<CRLF>"), out.index("HIGH      A mailbox with a percent sign")
    assert first < second < out.index("FAIL      RCPT for a mailbox") < out.index("WARN      A bare <LF>")
    for line in (
        "          takes mail for nobody and must bounce it later",
        "          C: RCPT TO:<nobody@example.org>\\r\\n",
        "          S: 250 2.1.5 Ok\\r\\n",
        "             expected 55x 5.1.x or 55x",
        "          MUST  RFC5321-3.3-08  rfc5321/3.3-mail-transactions/unknown-recipient",
        "          Postfix: smtpd_forbid_bare_newline = normalize (3.8.5 and later; the default since 3.9)",
    ):
        assert f"\n{line}\n" in out


def test_the_same_reason_is_told_once() -> None:
    """What many cases wait for stands there once, with their number."""
    out, _ = told(realistic())
    assert out.count("CHUNKING is not offered") == 1
    assert re.search(r"^ +9  CHUNKING is not offered$", out, re.MULTILINE)


def test_rows_of_a_table_are_one_entry() -> None:
    """Rows that came to the same are named together."""
    one = findings()[2]
    rows = [run_of([one]).results[0]] * 0
    for name in ("a", "b", "c"):
        event = {**one.event(), "id": f"{one.id}[{name}]", "title": f"{one.title} [{name}]"}
        event.pop("type")
        rows.append(type(one)(**event))
    out, _ = told(run_of(rows))
    assert f"FAIL      {one.title}  (3 rows)\n          [a, b, c] {one.reason}\n" in out


def test_coverage_and_verdict_are_told() -> None:
    """A sentence, the requirements by document and level, the counts."""
    out, _ = told(realistic())
    assert "\nmx1.example.org:25 has 2 security findings and breaks 4 MUSTs.\nRFC 5321  MUST 14 met, 4 broken, " in out
    assert "\n4 fail  2 warn  2 inconclusive  29 untested  20 n/a  1 info  92 pass\n" in out


@pytest.mark.parametrize("quiet", [False, True])
def test_no_terminal_no_escape_sequences(quiet: bool) -> None:
    """In a file or a pipe the report is plain text, in lines as they come."""
    out, error = told(realistic(), quiet=quiet)
    assert "\x1b" not in out + error
    assert "\r" not in out + error


def test_no_color_is_respected() -> None:
    """NO_COLOR: no colour in the story; the progress bar may clear its line."""
    out, error = told(realistic(), out=Screen(), error=Screen(), environment={"NO_COLOR": "1"})
    assert "\x1b" not in out
    assert not COLOUR.search(error)


def test_dumb_terminal_is_plain() -> None:
    """TERM=dumb: neither colours nor a bar."""
    out, error = told(realistic(), out=Screen(), error=Screen(), environment={"TERM": "dumb"})
    assert "\x1b" not in out + error


def test_progress_is_drawn_on_a_terminal_and_taken_away() -> None:
    """The bar counts planned cases on standard error; the story begins on a clean line."""
    out, error = told(realistic(), out=Screen(), error=Screen())
    assert "0/150" in error
    assert error.endswith("\r\x1b[K")
    assert "\r" not in out


def test_lines_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are broken at words, and not longer than the terminal is wide or one can read."""
    for columns in (60, 400):
        monkeypatch.setenv("COLUMNS", str(columns))
        out, _ = told(realistic(), out=Screen(), error=Screen())
        longest = max(len(COLOUR.sub("", line)) for line in out.splitlines()[:-1])
        assert longest <= min(columns, MOST_COLUMNS)


@pytest.mark.parametrize("screen", [io.StringIO, Screen])
def test_hostile_text_reaches_no_terminal(screen: type[io.StringIO]) -> None:
    """No control character, override or escape sequence of a server is printed."""
    out, error = told(hostile(), out=screen(), error=screen(), environment={})
    for text in (out, error):
        plain = COLOUR.sub("", text).replace("\r\x1b[K", "").replace("\x1b[K", "").replace("\r", "")
        assert all(c.isprintable() or c == "\n" for c in plain)
    assert "\\x1b[2J" in out


def test_quiet_tells_only_the_end() -> None:
    """With --quiet the sentence, coverage, counts and the exit reason are left."""
    out, error = told(realistic(), quiet=True)
    assert "FAIL" not in out
    assert error == ""
    assert "breaks 4 MUSTs" in out


def test_an_interrupted_run_says_what_is_there() -> None:
    """What was measured is told, and that the rest is missing."""
    run = run_of(findings())
    run.footer.update({"interrupted": True, "exit": 2})  # type: ignore[union-attr]
    out, _ = told(run)
    assert "interrupted after" in out
