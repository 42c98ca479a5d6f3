"""The matrix in a browser: hostile text does nothing, the filters work, cells lead to their case."""

from __future__ import annotations

from pathlib import Path

from conformance.report.html import write as write_html
from conformance.report.matrix import Column, write_matrix
from conformance.stream import Run, write
from tests.browser.chromium import Page
from tests.report.streams import findings, hostile, realistic, run_of

COUNT = "document.querySelector('#shown').textContent"
VISIBLE = "[...document.querySelectorAll('.m tr[data-l]')].filter(e => e.checkVisibility()).length"


def opened(tab: Page, folder: Path, **runs: Run) -> None:
    """Store runs with their reports, and open their matrix."""
    columns = []
    for name, run in runs.items():
        (folder / name).mkdir()
        write(run, folder / name / "run.jsonl")
        write_html(run, folder / name / "run.html")
        columns.append(Column(run, folder / name / "run.jsonl"))
    write_matrix(columns, folder / "index.html")
    tab.open(folder / "index.html")
    tab.until("!document.querySelector('#tools').hidden")


def test_hostile_text_does_nothing(tab: Page, tmp_path: Path) -> None:
    """No script of a server has run, nothing was asked of anybody."""
    opened(tab, tmp_path, one=hostile(), two=realistic())
    assert tab.run("window.pwned") is None
    assert tab.requests == []
    assert tab.complaints == []


def test_filters(tab: Page, tmp_path: Path) -> None:
    """Level, document, words and "servers differ" narrow the rows; headings of what is gone go too."""
    opened(tab, tmp_path, one=realistic(), two=run_of(findings()[2:3], target={"name": "other"}))
    rows = tab.run("document.querySelectorAll('.m tr[data-l]').length")
    assert tab.run(COUNT) == f"{rows} requirements"
    tab.run("document.querySelector('#level').value = 'MAY'")
    tab.run("document.querySelector('#level').dispatchEvent(new Event('input'))")
    assert tab.run(VISIBLE) == tab.run("document.querySelectorAll('.m tr[data-l=MAY]').length")
    tab.run("document.querySelector('#level').value = ''")
    tab.run("document.querySelector('#doc').value = 'RFC3207'")
    tab.run("document.querySelector('#doc').dispatchEvent(new Event('input'))")
    assert tab.run("[...document.querySelectorAll('.m h2')].filter(e => e.checkVisibility()).length") == 1
    tab.run("document.querySelector('#doc').value = ''")
    tab.run("document.querySelector('#differ').click()")
    assert tab.run(VISIBLE) == tab.run("document.querySelectorAll('.m tr[data-x]').length")
    assert tab.run("location.hash") == "#?x=1"


def test_a_cell_leads_to_its_case(tab: Page, tmp_path: Path) -> None:
    """The report opens with the case in view."""
    opened(tab, tmp_path, one=realistic())
    tab.run("document.querySelector('.m .st-broken a').click()")
    tab.until("location.pathname.endsWith('/one/run.html') && !document.querySelector('#tools').hidden")
    assert tab.run("document.getElementById(decodeURIComponent(location.hash.slice(1))).checkVisibility()")


def test_a_phone_shows_it(tab: Page, tmp_path: Path) -> None:
    """Only the table scrolls sideways, not the page."""
    tab.size(360, 740)
    opened(tab, tmp_path, **{f"server{number}": realistic() for number in range(14)})
    assert tab.run("document.documentElement.scrollWidth") <= 360
