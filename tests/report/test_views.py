"""All reports are views of the stream: made again of it they are the same files, octet for octet."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli import main
from conformance.report import FORMATS

HEADER = '{"type": "header", "schema_version": 1, "target": {}}\n'


def test_reports_are_made_again_of_the_stream(tmp_path: Path) -> None:
    """What ``run`` writes and what ``report`` makes of its stream are the same."""
    first, again = tmp_path / "first", tmp_path / "again"
    first.mkdir()
    again.mkdir()
    stream = str(tmp_path / "run.jsonl")
    selection = ["--case", "rfc5321/4.5.2-transparency", "--case", "rfc5321/2.3.8-lines"]
    files = [part for name in FORMATS for part in (f"--{name}", str(first / name))]
    assert main(["run", "-q", *selection, "--out", stream, *files]) in (0, 1)
    assert main(["report", stream, *(part for name in FORMATS for part in (f"--{name}", str(again / name)))]) == 0
    for name in FORMATS:
        assert (first / name).read_bytes() == (again / name).read_bytes(), name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello\n",
        "[]\n",
        '{"type": "case"}\n',
        '{"type": "header", "schema_version": 99}\n',
        HEADER + '{"type": "case"}\n',
        HEADER + '{"type": "case", "id": 7, "title": [], "outcome": "pass", "verdict": "pass"}\n',
        HEADER + '{"type": "case", "id": "a", "title": "b", "outcome": "pass", "verdict": "odd"}\n',
        HEADER + '{"type": "case", "id": "a", "title": "b", "outcome": "x", "verdict": "pass", "transcript": 7}\n',
        HEADER + '{"type": "case", "id": "a", "title": "b", "outcome": "x", "verdict": "pass", "duration": "long"}\n',
        '{"type": "header", "schema_version": "1", "target": 7}\n',
    ],
)
def test_what_is_no_stream_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """A file that is no result stream, or was damaged, is told with its name; no traceback, nothing written."""
    file = tmp_path / "run.jsonl"
    file.write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    assert main(["report", str(file), *(part for name in FORMATS for part in (f"--{name}", str(out)))]) == 4
    assert f"{file}: " in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So is a file that can't be written."""
    file = tmp_path / "run.jsonl"
    file.write_text(HEADER, encoding="utf-8")
    assert main(["report", str(file), "--html", str(tmp_path / "none" / "x.html")]) == 4
    assert "none/x.html: No such file" in capsys.readouterr().err
