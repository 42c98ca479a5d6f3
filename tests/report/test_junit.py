"""JUnit XML is valid for build servers, whatever a server sent, and says what the verdicts say."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from conformance.report.junit import xml
from conformance.stream import Result, Run
from tests.report.streams import hostile, realistic, run_of

SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("junit.rng")))


def parsed(run: Run) -> etree._Element:
    """Return the report of a run as a tree, once it is known to be valid."""
    tree = etree.fromstring(xml(run).encode())
    SCHEMA.assertValid(tree)
    return tree


def test_a_run_is_valid_and_counts_agree() -> None:
    """Failures are the verdict fail and nothing else; what was not judged is skipped."""
    run = realistic()
    tree = parsed(run)
    assert len(tree.findall(".//testcase")) == len(run.results) == int(tree.get("tests", ""))
    assert len(tree.findall(".//failure")) == run.counts["fail"] == int(tree.get("failures", ""))
    skipped = run.counts["untested"] + run.counts["n/a"] + run.counts["inconclusive"]
    assert len(tree.findall(".//skipped")) == skipped


def test_hostile_text_is_valid_xml() -> None:
    """NUL, escapes, lone surrogates, markup and end-of-CDATA marks come out as visible text."""
    tree = parsed(hostile())
    text = "".join(str(part) for part in tree.itertext())
    assert "\\x1b[2J" in text
    assert all(c.isprintable() or c == "\n" for c in text)
    assert not tree.findall(".//evil")


def test_a_failure_carries_its_evidence() -> None:
    """Reason, requirement, octets both ways and what was expected are in the failure; the remedy is in the output."""
    case = parsed(realistic()).find(".//testcase[@name='end-of-data[lf-dot-lf]']")
    assert case is not None
    failure = case.find("failure")
    assert failure is not None
    assert "takes <LF>.<LF> for the end of data" in failure.get("message", "")
    assert ">   0.027  S: 250 2.1.0 Ok\\r\\n\n" in (failure.text or "")
    assert "(expected silence 2s or 4xx|5xx|close)" in (failure.text or "")
    assert "Postfix: smtpd_forbid_bare_newline" in (case.findtext("system-out") or "")


def test_a_warning_passes_and_says_so() -> None:
    """A warning is no failure; its reason is in the output."""
    case = parsed(realistic()).find(".//testcase[@name='lf-ends-no-command']")
    assert case is not None
    assert case.find("failure") is None
    assert "warn: RFC5321-2.3.8-01" in (case.findtext("system-out") or "")


@pytest.mark.parametrize("name", ["", "/", "a", "[row]", "a/b/", "\0", "rfc5321/x/y[a/b]"])
def test_odd_ids_have_a_name(name: str) -> None:
    """A stream that was edited still makes a valid report."""
    parsed(run_of([Result(name, "title", "fail", "fail", transcript=({"t": 0, "from": "S", "octets": "x"},))]))


def test_a_run_without_results_is_valid() -> None:
    """A target that could not be reached leaves an empty, valid report."""
    assert len(parsed(run_of([]))) == 0
