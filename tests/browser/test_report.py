"""The HTML report in a browser: hostile text does nothing, nothing is asked of anybody, filter and links work."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from conformance.report.html import LIMIT, write
from conformance.report.published import published
from conformance.stream import Run
from tests.browser.chromium import Page
from tests.report.streams import findings, hostile, realistic, routine, run_of

SHOWN = "[...document.querySelectorAll('.list details.case')].filter(e => e.checkVisibility()).length"
"""How many entries can be seen."""

COUNT = "document.querySelector('#shown').textContent"


def opened(tab: Page, run: Run, file: Path, fragment: str = "", limit: int = LIMIT) -> None:
    """Write the report of a run and open it."""
    write(run, file, limit=limit)
    tab.open(file, fragment)
    tab.until("!document.querySelector('#tools').hidden")


@pytest.mark.parametrize("limit", [LIMIT, 0])
def test_hostile_text_does_nothing(tab: Page, tmp_path: Path, limit: int) -> None:
    """With everything opened and inserted, no script of a server has run and no element of it is there."""
    opened(tab, hostile(), tmp_path / "report.html", limit=limit)
    tab.run("document.querySelectorAll('details').forEach(e => e.open = true)")
    tab.run("new Promise(done => setTimeout(done, 100))")
    assert tab.run("window.pwned") is None
    assert tab.run("document.querySelectorAll('img,iframe,object,svg:not(.bar),evil,[onload],[onerror]').length") == 0
    assert tab.run("document.body.innerText.includes('<script>window.pwned=1</script>')")
    assert tab.requests == []
    assert tab.complaints == []


def test_hostile_search_does_nothing(tab: Page, tmp_path: Path) -> None:
    """What is searched for, and what an address carries, is text too."""
    opened(tab, realistic(), tmp_path / "report.html", "?q=" + quote("<img src=x onerror=window.pwned=6>"))
    assert tab.run("document.querySelector('#q').value") == "<img src=x onerror=window.pwned=6>"
    assert tab.run("window.pwned") is None
    assert tab.complaints == []


@pytest.mark.parametrize("limit", [LIMIT, 0])
def test_filter_by_verdict_level_and_text(tab: Page, tmp_path: Path, limit: int) -> None:
    """Chips, selects and words narrow the list; headings of what is gone go too; Escape brings all back."""
    run = realistic()
    opened(tab, run, tmp_path / "report.html", limit=limit)
    assert tab.run(COUNT) == f"{len(run.results)} results"
    tab.run("document.querySelector('#chips button[value=fail]').click()")
    assert tab.run(COUNT) == f"4 of {len(run.results)}"
    assert tab.run(SHOWN) == 4
    assert tab.run("document.querySelector('#held').checkVisibility()") is False
    tab.run("document.querySelector('#q').focus()")
    tab.type("percent")
    assert tab.run(SHOWN) == 1
    assert tab.run("location.hash") == "#?q=percent&v=fail"
    tab.run("dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))")
    assert tab.run(COUNT) == f"{len(run.results)} results"
    tab.run("document.querySelector('#level').value = 'MAY'")
    tab.run("document.querySelector('#level').dispatchEvent(new Event('change'))")
    assert tab.run(COUNT) == f"{sum(r.level == 'MAY' for r in run.results)} of {len(run.results)}"


def test_search_finds_octets(tab: Page, tmp_path: Path) -> None:
    """Transcripts are searched as well."""
    opened(tab, realistic(), tmp_path / "report.html", "?q=4F1B2C0D3E")
    assert tab.run(SHOWN) == 1


def test_nothing_matches(tab: Page, tmp_path: Path) -> None:
    """A search without result says so."""
    opened(tab, realistic(), tmp_path / "report.html", "?q=nosuchthing")
    assert tab.run("document.querySelector('#nothing').checkVisibility()")


@pytest.mark.parametrize("limit", [LIMIT, 0])
def test_a_link_leads_to_its_case(tab: Page, tmp_path: Path, limit: int) -> None:
    """A fragment opens the case it names, and what it is in, and brings it into view."""
    run = realistic()
    for result in (run.results[0], run.results[-1]):
        opened(tab, run, tmp_path / f"{len(result.id)}.html", quote(result.id), limit=limit)
        place = f"document.getElementById({result.id!r})"
        assert tab.run(f"{place}.checkVisibility()")
        assert tab.run(f"const at = {place}.getBoundingClientRect(); at.top < innerHeight && at.bottom > 0")


def test_thousands_of_results(tab: Page, tmp_path: Path) -> None:
    """Beyond the limit the page is small, and everything can still be found."""
    run = run_of([*findings(), *routine(LIMIT)])
    file = tmp_path / "report.html"
    opened(tab, run, file)
    assert file.stat().st_size < 1_000_000
    assert tab.run(COUNT) == f"{len(run.results)} results"
    name = next(result.id for result in reversed(run.results) if result.verdict == "pass")
    tab.run(f"location.hash = {quote(name)!r}")
    tab.until(f"document.getElementById({name!r})?.checkVisibility()")
    assert tab.complaints == []


def test_without_scripts_everything_is_there(tab: Page, tmp_path: Path) -> None:
    """The page is complete and opens by itself where scripts are off."""
    file = tmp_path / "report.html"
    write(realistic(), file)
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(file)
    assert tab.run("document.querySelectorAll('.body').length") >= 150
    assert tab.run("document.querySelector('#tools').checkVisibility()") is False


def test_a_phone_shows_it_without_scrolling_sideways(tab: Page, tmp_path: Path) -> None:
    """Nothing is wider than a small screen, with everything opened."""
    for name, run in (("real", realistic()), ("hostile", hostile())):
        tab.size(360, 740)
        opened(tab, run, tmp_path / f"{name}.html")
        tab.run("document.querySelectorAll('details').forEach(e => e.open = true)")
        assert tab.run("document.documentElement.scrollWidth") <= 360


def test_colours_are_readable_in_light_and_dark(tab: Page, tmp_path: Path) -> None:
    """Text has a contrast of at least 4.5 to 1 (WCAG AA) in both schemes, what is faint at least 3 to 1."""
    opened(tab, realistic(), tmp_path / "report.html")
    for scheme in ("light", "dark"):
        tab.scheme(scheme)
        for name, least in (("ink", 7), ("soft", 4.5), ("faint", 3), ("fail", 4.5), ("warn", 4.5), ("pass", 4.5)):
            assert tab.run(_CONTRAST.replace("NAME", name)) >= least, (scheme, name)


def test_it_prints(tab: Page, tmp_path: Path) -> None:
    """The print has the findings with their evidence, though they are closed on the screen."""
    opened(tab, realistic(), tmp_path / "report.html")
    tab.run("document.querySelectorAll('details').forEach(e => e.open = false)")
    tab.printed(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    tab.call("Emulation.setEmulatedMedia", media="print")
    tab.until("document.querySelector('#findings .t tr.d').checkVisibility({contentVisibilityAuto: true})")
    assert tab.run("document.querySelector('#tools').checkVisibility()") is False


_CONTRAST = """(() => {
const style = getComputedStyle(document.documentElement);
const light = name => {
  const hex = style.getPropertyValue(name).trim().replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
  const [r, g, b] = [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const [a, b] = [light("--NAME"), light("--paper")].sort((x, y) => y - x);
return (a + 0.05) / (b + 0.05);
})()"""


def test_a_published_page_unpacks_itself(tab: Page, tmp_path: Path) -> None:
    """All is there, links to a case work, and hostile text does nothing."""
    opened(tab, published(realistic()), tmp_path / "report.html", "rfc5321/3.3-mail-transactions/unknown-recipient")
    assert tab.run("document.getElementById(decodeURIComponent(location.hash.slice(1))).checkVisibility()")
    opened(tab, published(hostile()), tmp_path / "hostile.html")
    tab.run("document.querySelectorAll('details').forEach(e => e.open = true)")
    tab.run("new Promise(done => setTimeout(done, 100))")
    assert tab.run("window.pwned") is None
    assert tab.run("document.querySelectorAll('img,iframe,object,svg:not(.bar),evil,[onload],[onerror]').length") == 0
    assert tab.complaints == []
