"""The ledger: what is excluded is excluded for a reason, and nothing is both tested and excluded."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from conformance.case.catalog import load_catalogue
from conformance.cli import main
from conformance.requirement.ledger import EXCLUSIONS, Entry, counts, excluded, exclusions, ledger
from conformance.requirement.page import page
from conformance.requirement.registry import find, requirement
from conformance.stream import Result, Run

CASES = load_catalogue().cases
LEDGER = ledger(CASES, faults=True)


def test_exclusions_are_sound() -> None:
    """Ids exist, are of the file's document, stand once and in order; each reason is a sentence."""
    for file in EXCLUSIONS.glob("*.jsonl"):
        pairs = excluded(file)
        names = [name for name, _ in pairs]
        assert [name for name in names if find(name) is None] == []
        assert [name for name in names if not name.startswith(f"RFC{file.stem[3:]}-")] == []
        assert names == sorted(set(names))
        assert [name for name, reason in pairs if len(reason.split()) < 5] == []


def test_nothing_is_tested_and_excluded() -> None:
    """Whoever adds a case takes the exclusion away."""
    assert [entry.requirement.id for entry in LEDGER if entry.cases and entry.requirement.id in exclusions()] == []


def test_every_entry_has_one_state() -> None:
    """The counts add up."""
    assert sum(counts(LEDGER).values()) == len(LEDGER)


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("RFC5321-4.5.2-01", "tested", ""),
        ("RFC5321-2.1-02", "excluded", "binds SMTP clients"),
        ("RFC5321-3.4-02", "excluded", "nothing that is sent"),
        ("RFC5321-7.9-01", "excluded", "a permission"),
    ],
)
def test_states(name: str, state: str, reason: str) -> None:
    """A case tests; the entry itself may say that none can."""
    (entry,) = [entry for entry in LEDGER if entry.requirement.id == name]
    assert entry.state == state
    assert entry.reason.startswith(reason)


def test_a_restatement_is_tested_by_what_it_repeats() -> None:
    """RFC 1123 section 5.2.11 says what RFC 5321 section 4.5.2 says."""
    (entry,) = [entry for entry in LEDGER if entry.requirement.id == "RFC1123-5.2.11-01"]
    assert (entry.state, entry.by) == ("tested", ("RFC5321-4.5.2-01", "RFC5321-4.5.2-02"))


def test_open_is_what_nobody_tests_and_nobody_excludes() -> None:
    """Without cases an ordinary MUST is open."""
    assert Entry(requirement("RFC5321-4.5.2-01")).state == "open"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name == "src":
                self.loads.append(value or "")


def test_page_has_every_requirement_and_loads_nothing() -> None:
    """Each requirement has its place, links stay on the page."""
    reader = _Page()
    reader.feed(page(LEDGER))
    assert {entry.requirement.id for entry in LEDGER} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert reader.loads == []


def test_page_says_how_a_server_does() -> None:
    """With runs each requirement has its worst verdict, and hostile names stay text."""
    results = [Result(x, x, x, x, requirement=("RFC5321-4.5.2-01",)) for x in ("pass", "fail", "pass")]
    text = page(LEDGER, [Run({"target": {"name": "<script>x"}}, results)])
    assert '&lt;script&gt;x <span class="fail">fail</span>' in text
    assert "<script" not in text


def test_command_lists_documents_sections_and_requirements(capsys: pytest.CaptureFixture[str]) -> None:
    """Each argument looks closer."""
    assert main(["coverage"]) == 0
    assert "RFC 5321  Simple Mail Transfer Protocol" in capsys.readouterr().out
    assert main(["coverage", "RFC5321"]) == 0
    assert "5321  4.5.2" in capsys.readouterr().out
    assert main(["coverage", "RFC5321-4.5.2"]) == 0
    assert "rfc5321/4.5.2-transparency/leading-dot" in capsys.readouterr().out


def test_command_lists_what_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    """``--open`` shows only work to do."""
    assert main(["coverage", "--open"]) == 0
    out = capsys.readouterr().out
    assert ": tested" not in out
    assert ": excluded" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["coverage", "smtp"], "a document and perhaps a section, as in RFC5321"),
        (["coverage", "RFC9999"], "nothing of RFC9999"),
        (["coverage", "--run", "/nowhere.jsonl"], "--run /nowhere.jsonl: No such file"),
        (["coverage", "--html", "/nowhere/x.html"], "--html /nowhere/x.html: No such file"),
    ],
)
def test_command_explains_mistakes(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake is told in a sentence, with exit code 4."""
    assert main(arguments) == 4
    assert words in capsys.readouterr().err
