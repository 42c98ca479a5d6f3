"""JUnit XML for build servers, through the package junit-xml; valid for Jenkins whatever a server sent.

One suite a suite file, one test case a result; names are ids, which never change, so that a build server can follow a
case over time. ``fail`` is a failure with the transcript, ``error`` an error; what was not played or came to nothing is
skipped, with the reason; ``warn`` and ``info`` pass, and say so in the output.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from junit_xml import TestCase, TestSuite

from conformance.report import summary
from conformance.report.entries import base_id, place
from conformance.report.story import transcript
from conformance.report.text import visible
from conformance.stream import Result, Run

SKIPPED = ("n/a", "untested", "inconclusive")
"""Verdicts that a build server shows as skipped."""


def write(run: Run, file: Path) -> None:
    """Write the JUnit report of a run."""
    file.write_text(xml(run), encoding="utf-8", newline="\n")


def xml(run: Run) -> str:
    """Return the run as JUnit XML."""
    suites: dict[str, list[TestCase]] = {}
    for result in run.results:
        suites.setdefault("/".join(filter(None, place(result.id))), []).append(_case(result))
    about = {"hostname": summary.target_name(run), "timestamp": visible(str(run.header.get("started", "")))}
    root = ElementTree.Element("testsuites", {"name": visible(summary.headline(run))})
    for name, cases in suites.items():
        root.append(TestSuite(visible(name) or "cases", cases, **about).build_xml_doc())
    for suite in root:
        del suite.attrib["disabled"]
        suite.set("time", f"{float(suite.get('time', 0)):.3f}")
    for case in root.iter("testcase"):
        case.set("time", f"{float(case.get('time', 0)):.3f}")
    for total in ("tests", "failures", "errors"):
        root.set(total, str(sum(int(suite.get(total, 0)) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', 0)) for suite in root):.3f}")
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _case(result: Result) -> TestCase:
    classname = ".".join(part.replace(".", "_") for part in place(result.id) if part)
    base = base_id(result.id)
    case = TestCase(
        visible(result.id[base.rfind("/") + 1 :]) or "case",
        classname=visible(classname) or "cases",
        elapsed_sec=result.duration,
        stdout="\n".join(_told(result)),
    )
    reason = visible(": ".join(filter(None, (result.title, result.reason)))) or result.verdict
    if result.verdict == "fail":
        case.add_failure_info(reason, "\n".join(_evidence(result)), visible(result.severity or result.level))
    elif result.verdict == "error":
        case.add_error_info(reason, "\n".join(_evidence(result)), "error")
    elif result.verdict in SKIPPED:
        case.add_skipped_info(visible(f"{result.verdict}: {result.reason}"))
    return case


def _told(result: Result) -> Iterator[str]:
    """Yield what stands beside the verdict: title, requirement, remark, meaning, remedy."""
    yield visible(result.title)
    yield visible(f"{result.verdict}: {', '.join(result.at_issue)} ({result.level})")
    if result.verdict in ("warn", "info"):
        yield visible(result.reason)
    if result.note:
        yield visible(result.note)
    if result.verdict in ("fail", "warn"):
        if result.meaning:
            yield visible(result.meaning)
        for product, remedy in (result.remedy or {}).items():
            yield visible(f"{product}: {remedy}")


def _evidence(result: Result) -> Iterator[str]:
    for name in result.at_issue:
        known = summary.statement(name)
        yield visible(f"{name}: {known[1]}" if known else name)
    yield ""
    yield from transcript(result.transcript)
