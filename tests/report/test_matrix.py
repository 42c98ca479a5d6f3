"""The matrix: requirements by server, each cell with its case; the same octets for the same streams."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.report.html import write as write_html
from conformance.report.matrix import Column, matrix
from conformance.stream import Run, write
from tests.report.streams import findings, hostile, realistic, run_of
from tests.report.test_html import ATTRIBUTES, TAGS, Markup


def servers(folder: Path) -> list[Path]:
    """Store the runs of three servers, two of them with a report, and return the streams."""
    fixed = run_of(
        [replace(result, verdict="pass", reason="") for result in realistic().results], target={"name": "fixed"}
    )
    files = []
    for name, run in (("broken", realistic()), ("fixed", fixed), ("bare", run_of(findings()[2:4]))):
        (folder / name).mkdir()
        write(run, folder / name / "run.jsonl")
        files.append(folder / name / "run.jsonl")
        if name != "bare":
            write_html(run, folder / name / "run.html")
    return files


def text_of(tmp_path: Path) -> str:
    """Return the matrix of the three servers."""
    arguments = ["report", *map(str, servers(tmp_path)), "--matrix", str(tmp_path / "index.html")]
    assert main(arguments) == 0
    return (tmp_path / "index.html").read_text(encoding="utf-8")


def row(text: str, name: str) -> str:
    """Return the row of a requirement."""
    return text[text.index(f'<tr id="{name}"') :].partition("\n")[0]


def test_cells_lead_to_the_case_in_the_report(tmp_path: Path) -> None:
    """A sign for each server; it leads to the case that decided, in the report beside the stream."""
    cells = row(text_of(tmp_path), "RFC5321-3.3-08").split("<td")[1:]
    case = "rfc5321/3.3-mail-transactions/unknown-recipient"
    assert f'<a href="broken/run.html#{case}" title="takes mail for nobody' in cells[0]
    assert cells[0].startswith(" class=st-broken")
    assert f'<a href="fixed/run.html#{case}">' in cells[1]
    assert "<a" not in cells[2]


def test_rows_say_where_servers_differ(tmp_path: Path) -> None:
    """Level, and whether the servers that were asked differ, are on the row for the filter."""
    text = text_of(tmp_path)
    assert row(text, "RFC5321-3.3-08").startswith('<tr id="RFC5321-3.3-08" data-l=MUST data-x>')
    assert row(text, "RFC3207-4-03").startswith('<tr id="RFC3207-4-03" data-l=MUST>')


def test_totals(tmp_path: Path) -> None:
    """Each server has its numbers by level, and its security findings."""
    text = text_of(tmp_path)
    totals = text[text.index("<section id=servers") : text.index("</section>")]
    assert re.search(
        r">mx1\.example\.org:25</a><td data-l=\"MUST\"><b class=st-held>\d+</b> met, <b class=st-broken>", totals
    )
    assert "1 critical, 1 high" in totals


def test_the_same_streams_give_the_same_page(tmp_path: Path) -> None:
    """Nothing in it depends on the day or the machine."""
    files = servers(tmp_path)
    for name in ("a.html", "b.html"):
        assert main(["report", "--matrix", str(tmp_path / name), *map(str, files)]) == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize("runs", [[hostile()], [hostile(), realistic()], []])
def test_hostile_text_is_only_text(tmp_path: Path, runs: list[Run]) -> None:
    """Whatever the streams hold, the page has no other elements, attributes or addresses."""
    text = matrix([Column(run, tmp_path / "run.jsonl") for run in runs], tmp_path / "index.html")
    markup = Markup(text)
    assert set(markup.tags) <= {*TAGS.split(), "label"}
    assert {name for name, _ in markup.attributes} <= {*ATTRIBUTES.split(), "data-d", "data-x"}
    assert all(value[:5] == "data:" for name, value in markup.attributes if name == "href")
    assert all(c.isprintable() or c == "\n" for c in text)


def test_several_streams_need_a_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report is made of one stream."""
    files = servers(tmp_path)
    assert main(["report", *map(str, files), "--html", str(tmp_path / "x.html")]) == 4
    assert "--matrix" in capsys.readouterr().err
