"""The baseline: known deviations pass, new ones fail, stale entries fail too."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.baseline import BaselineError, read
from conformance.cli import main
from tests.command import odd

SUITE = """\
title: Commands
spec: RFC 5321 section 4.1.1
cases:
  - id: table
    title: A table
    requirement: RFC5321-4.1.1.9-01
    each: {verb: {noop: NOOP, rset: RSET}}
    dialogue: [C: $verb, S: {250: pass}]
"""

ROW = "own/1-commands/table[noop]"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite file with a table."""
    file = tmp_path / "cases" / "own" / "1-commands.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(SUITE, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def wrong() -> Iterator[int]:
    """A server that refuses NOOP."""
    with odd.serving(odd.answering({b"NOOP": b"502 5.5.1 what?\r\n"})) as port:
        yield port


@pytest.fixture(scope="module")
def right() -> Iterator[int]:
    """A server that takes everything."""
    with odd.serving(odd.answering({})) as port:
        yield port


def run(suite: Path, port: int, *more: str) -> int:
    """Run the table."""
    return main(["run", f"127.0.0.1:{port}", "--cases", str(suite), "-q", "--timeout", "1", "-k", "table", *more])


def test_update_writes_what_was_found(
    suite: Path, wrong: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row with its reason and the day; the next run is clean."""
    file = tmp_path / "baseline.yaml"
    assert run(suite, wrong) == 1
    assert run(suite, wrong, "--baseline", str(file), "--baseline-update") == 0
    assert "1 known deviations (1 new, 0 gone)" in capsys.readouterr().out
    (entry,) = [entry for entry in read(file) if not entry.case.startswith("lint/")]
    assert entry.case == ROW
    assert "502 5.5.1 what?" in entry.reason
    assert entry.first_seen == datetime.date.today()
    assert run(suite, wrong, "--baseline", str(file)) == 0


def test_update_keeps_reasons(suite: Path, wrong: int, tmp_path: Path) -> None:
    """What a person wrote stays."""
    file = tmp_path / "baseline.yaml"
    file.write_text(f'- {{case: "{ROW}", reason: ticket 77, first_seen: 2024-02-29}}\n')
    assert run(suite, wrong, "--baseline", str(file), "--baseline-update") == 0
    (entry,) = read(file)
    assert (entry.reason, entry.first_seen) == ("ticket 77", datetime.date(2024, 2, 29))


def test_stale_entry_fails(suite: Path, right: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A deviation that is mended must leave the file."""
    file = tmp_path / "baseline.yaml"
    file.write_text(f'- {{case: "{ROW}", reason: old}}\n')
    assert run(suite, right, "--baseline", str(file)) == 1
    assert f"the baseline is stale, these hold now: {ROW}" in capsys.readouterr().out
    assert run(suite, right, "--baseline", str(file), "--baseline-update") == 0
    assert read(file) == ()


def test_expired_entry_counts_again(suite: Path, wrong: int, tmp_path: Path) -> None:
    """From its last day on."""
    file = tmp_path / "baseline.yaml"
    file.write_text(f'- {{case: "{ROW}", reason: old, expires: 2020-01-01}}\n')
    assert run(suite, wrong, "--baseline", str(file)) == 1


def test_entry_of_a_case_that_was_not_played_stays(suite: Path, right: int, tmp_path: Path) -> None:
    """Nothing is known of it."""
    file = tmp_path / "baseline.yaml"
    file.write_text("- {case: own/1-commands/other, reason: old}\n")
    assert run(suite, right, "--baseline", str(file)) == 0
    assert run(suite, right, "--baseline", str(file), "--baseline-update") == 0
    assert [entry.case for entry in read(file)] == ["own/1-commands/other"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case: x\n", "b.yaml:1:1: a baseline file is a list, not a mapping"),
        ("- {case: x}\n", "b.yaml:1:3: the entry has no 'reason'"),
        ("- {case: x, reason: y, expires: soon}\n", "b.yaml:1:33: expires is a day such as 2027-06-30"),
        ("- {case: x, reson: y}\n", "an entry has no key 'reson': did you mean 'reason'?"),
    ],
)
def test_bad_files_are_told_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    """File, line, column, and what would be right."""
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(BaselineError) as caught:
        read(tmp_path / "b.yaml")
    assert words in str(caught.value)


def test_empty_file_is_an_empty_baseline(tmp_path: Path) -> None:
    """Nothing is known yet."""
    (tmp_path / "b.yaml").write_text("# nothing\n")
    assert read(tmp_path / "b.yaml") == ()
