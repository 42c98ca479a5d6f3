"""What runs write is what the published schema of the stream says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from conformance.cli import main
from conformance.report.stream_schema import stream
from tests.report.streams import realistic

LINE = Draft202012Validator(stream())


def complaints(file: Path) -> list[str]:
    """Return what the schema has against the lines of a stream."""
    found = []
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        for error in LINE.iter_errors(json.loads(text)):
            reasons = [f"{'/'.join(map(str, e.path))}: {e.message[:120]}" for e in error.context or [error]]
            found.append(f"line {number}: {'; '.join(reasons)}")
    return found


def test_it_is_a_schema() -> None:
    """The schema is valid against its own draft."""
    Draft202012Validator.check_schema(stream())


@pytest.mark.parametrize("arguments", [[], ["--role", "lmtp"], ["-k", "dot", "--impact", "session"]])
def test_real_streams_are_valid(tmp_path: Path, arguments: list[str]) -> None:
    """Every line that a run against the embedded server writes is as the schema says."""
    file = tmp_path / "run.jsonl"
    main(["run", "-q", "--case", "rfc5321/4.5.2-transparency", "--out", str(file), *arguments])
    assert complaints(file) == []
    assert len(file.read_text(encoding="utf-8").splitlines()) > 10


def test_a_stream_with_findings_is_valid() -> None:
    """So are results of every kind."""
    run = realistic()
    for event in (run.header, *(result.event() for result in run.results), run.footer):
        LINE.validate(json.loads(json.dumps(event)))


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "case"},
        {"type": "header", "schema_version": 99},
        {"type": "note"},
        {"type": "other"},
        {"type": "footer", "counts": {"pass": -1}, "exit": 0, "exit_reason": ""},
    ],
)
def test_other_lines_are_not(event: dict[str, object]) -> None:
    """What no run writes is not valid."""
    assert not LINE.is_valid(event)
