"""``diff`` says what changed, and its exit code whether something got worse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.report.account import Paint
from conformance.report.difference import compare, told
from conformance.stream import Result, write
from tests.report.streams import HOSTILE, findings, realistic, run_of

GOOD = Result("a/b/case", "It holds", "pass", "pass", case_hash="1")
BAD = replace(GOOD, outcome="fail", verdict="fail", reason="it does not")


def kinds(before: Iterable[Result], after: Iterable[Result]) -> list[tuple[str, str]]:
    """Return kind and id of each change."""
    return [(change.kind, change.result.id) for change in compare(run_of([*before]), run_of([*after]))]


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        ("pass", "fail", "worse"),
        ("pass", "warn", "worse"),
        ("warn", "fail", "worse"),
        ("untested", "fail", "worse"),
        ("fail", "pass", "better"),
        ("fail", "warn", "better"),
        ("warn", "info", "better"),
        ("fail", "inconclusive", "other"),
        ("fail", "untested", "other"),
        ("pass", "inconclusive", "other"),
        ("untested", "pass", "other"),
    ],
)
def test_kinds_of_change(was: str, now: str, kind: str) -> None:
    """A finding that is new is worse, one that is gone because the case holds is better; the rest is neither."""
    assert kinds([replace(GOOD, verdict=was)], [replace(GOOD, verdict=now)]) == [(kind, "a/b/case")]


def test_a_changed_case_proves_nothing() -> None:
    """Where the case itself changed, its new verdict is told apart."""
    assert kinds([GOOD], [replace(BAD, case_hash="2")]) == [("case", "a/b/case")]


def test_new_and_gone_cases() -> None:
    """Cases that only one run has are told as such; what is the same is not told."""
    assert kinds([GOOD], [replace(BAD, id="a/b/new")]) == [("new", "a/b/new"), ("gone", "a/b/case")]
    assert kinds([GOOD], [GOOD]) == []


def test_the_story_of_a_difference() -> None:
    """Both runs are named, each kind has a heading, each change its verdicts, reason and id; the end says it all."""
    first = findings()[2]
    before = run_of(
        [replace(first, verdict="pass", reason=""), replace(findings()[3], verdict="fail")], profile="strict"
    )
    after = run_of([first, replace(findings()[3], verdict="pass", reason="")])
    lines = list(told(before, after, Paint()))
    assert "  profile: strict -> interop" in lines
    assert f"  pass -> fail                {first.title}" in lines
    assert f"                              {first.reason}" in lines
    assert f"                              {first.id}" in lines
    assert lines[-1] == "1 new finding, 1 fixed."


def test_nothing_changed() -> None:
    """Two runs with the same verdicts are the same, however long they took."""
    again = run_of([replace(result, duration=9.0) for result in realistic().results])
    assert list(told(realistic(), again, Paint()))[-1] == "Nothing changed."


def test_hostile_text_is_visible() -> None:
    """What a server chose is printed escaped."""
    before = run_of([replace(GOOD, id=text, title=text) for text in HOSTILE])
    after = run_of([replace(BAD, id=text, title=text, reason=text) for text in HOSTILE], target={"name": HOSTILE[9]})
    assert all(line.isprintable() for line in told(before, after, Paint()))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 where something got worse, 0 where not, 4 for what is no stream."""
    write(run_of([GOOD]), tmp_path / "good.jsonl")
    write(run_of([BAD]), tmp_path / "bad.jsonl.gz")
    assert main(["diff", str(tmp_path / "good.jsonl"), str(tmp_path / "bad.jsonl.gz")]) == 1
    assert "1 new finding, 0 fixed." in capsys.readouterr().out
    assert main(["diff", str(tmp_path / "bad.jsonl.gz"), str(tmp_path / "good.jsonl")]) == 0
    (tmp_path / "none.jsonl").write_text("hello\n", encoding="utf-8")
    assert main(["diff", str(tmp_path / "good.jsonl"), str(tmp_path / "none.jsonl")]) == 4
    assert "none.jsonl: line 1: not JSON" in capsys.readouterr().err
    assert main(["diff", str(tmp_path / "good.jsonl"), str(tmp_path / "missing.jsonl")]) == 4
    assert "missing.jsonl: No such file" in capsys.readouterr().err
