"""SARIF 2.1.0 (OASIS), for code scanning and other tools that gather findings.

A case (without its row) is a rule, each result a result. ``fail`` is an error, by severity where the case has one;
``warn`` a warning; what was not judged has a kind of its own; errors of the suite are notifications, not results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conformance.report import summary
from conformance.report.entries import Entry, base_id, entries
from conformance.report.text import visible, without_runs
from conformance.stream import Event, Result, Run

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
"""The level of a failure by its severity; without one it is an error."""

SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.5"}
"""``security-severity`` as code scanning reads it: CVSS-like bands."""

KINDS = {
    "fail": "fail",
    "warn": "fail",
    "pass": "pass",
    "info": "informational",
    "n/a": "notApplicable",
    "untested": "open",
    "inconclusive": "review",
}
"""The kind of a result by its verdict."""

STEPS = 200
"""So many entries of a transcript are told as the steps of a finding."""

_SPEC = re.compile(r"RFC ([0-9]{1,5}) section ([0-9]+(?:\.[0-9]+)*)\Z")

Object = dict[str, Any]


def write(run: Run, file: Path) -> None:
    """Write the SARIF log of a run."""
    file.write_text(json.dumps(log(run), indent=1, ensure_ascii=True) + "\n", encoding="utf-8", newline="\n")


def log(run: Run) -> Object:
    """Return the run as a SARIF log."""
    results = [result for result in run.results if result.verdict in KINDS]
    rules: dict[str, Entry] = {}
    for entry in entries(run.results):
        rules.setdefault(base_id(entry.id), entry)
    index = {name: number for number, name in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "smtp-conformance",
                        "version": visible(str(run.header.get("version", "0"))) or "0",
                        "rules": [_rule(name, entry) for name, entry in rules.items()],
                    }
                },
                "automationDetails": {"id": f"smtp-conformance/{summary.target_name(run)}/"},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"CASES": {"description": {"text": "The folder of the suite files."}}},
                "invocations": [_invocation(run)],
                "results": [_result(result, index[base_id(result.id)], run) for result in results],
            }
        ],
    }


def _rule(name: str, entry: Entry) -> Object:
    first = entry.first
    level = LEVELS.get(first.severity or "", "error" if summary.group_of(first.level) == "MUST" else "warning")
    statements = [f"{n}: {known[1]}" if (known := summary.statement(n)) else n for n in first.requirement]
    rule: Object = {
        "id": visible(name) or "case",
        "shortDescription": {"text": visible(entry.title) or "case"},
        "fullDescription": {"text": visible(" ".join(statements)) or visible(entry.title) or "case"},
        "defaultConfiguration": {"level": level},
        "help": {"text": "\n".join(_help(first))},
        "properties": {"tags": _tags(first), "level": visible(first.level)},
    }
    if first.severity in SCORES:
        rule["properties"]["security-severity"] = SCORES[first.severity]
    if match := _SPEC.match(first.spec):
        rule["helpUri"] = f"https://www.rfc-editor.org/rfc/rfc{match[1]}#section-{match[2]}"
    return rule


def _help(result: Result) -> Iterable[str]:
    yield visible(result.meaning or f"{result.level}, {result.spec}")
    for product, remedy in (result.remedy or {}).items():
        yield visible(f"{product}: {remedy}")
    if result.cve:
        yield visible(", ".join(result.cve))


def _tags(result: Result) -> list[str]:
    tags = [visible(tag) for tag in result.tags]
    if result.severity in SCORES:
        tags.append("security")
    tags += [f"external/cwe/{visible(name).lower()}" for name in result.cwe]
    return list(dict.fromkeys(tags))


def _result(result: Result, rule: int, run: Run) -> Object:
    kind = KINDS[result.verdict]
    level = "none"
    if kind == "fail":
        level = "warning" if result.verdict == "warn" else LEVELS.get(result.severity or "", "error")
    told = visible(": ".join(filter(None, (result.title, result.reason)))) or result.verdict
    found: Object = {
        "ruleId": visible(base_id(result.id)) or "case",
        "ruleIndex": rule,
        "kind": kind,
        "level": level,
        "message": {"text": told},
        "locations": [_location(result, run)],
        "partialFingerprints": {"smtpConformanceCase/v1": visible(result.id)},
        "properties": {
            "case": visible(result.id),
            "verdict": result.verdict,
            "requirement": [visible(name) for name in result.at_issue],
        },
    }
    if result.note:
        found["properties"]["note"] = visible(result.note)
    if kind == "fail" and result.transcript:
        steps = [{"location": {"message": {"text": _step(entry)}}} for entry in result.transcript[:STEPS]]
        found["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return found


def _location(result: Result, run: Run) -> Object:
    logical = {"name": summary.target_name(run), "kind": "resource"}
    if not result.file:
        return {"logicalLocations": [logical]}
    line = result.line if isinstance(result.line, int) and result.line > 0 else 1
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(result.file), "uriBaseId": "CASES"},
            "region": {"startLine": line},
        },
        "logicalLocations": [logical],
    }


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(visible(file), safe="/.-_~")


def _step(entry: Event) -> str:
    if entry.get("from") in ("C", "S"):
        said = f"{entry['from']}: {without_runs(visible(str(entry.get('octets', ''))))}"
    else:
        said = visible(f"{entry.get('event', '')} {entry.get('detail', '')}".strip())
    expected = visible(str(entry.get("expected", "")))
    return f"{said} (expected {expected})" if expected and entry.get("met") is False else said or "event"


def _invocation(run: Run) -> Object:
    footer = run.footer or {}
    found: Object = {"executionSuccessful": run.footer is not None and footer.get("exit") in (0, 1)}
    if isinstance(footer.get("exit"), int):
        found["exitCode"] = footer["exit"]
        found["exitCodeDescription"] = visible(str(footer.get("exit_reason", "")))
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(run.header.get("started", "")), re.ASCII):
        found["startTimeUtc"] = run.header["started"]
    errors = [result for result in run.results if result.verdict == "error"]
    told = [(f"{r.id}: {r.reason}", "error") for r in errors] + [(note, "note") for note in run.notes]
    if problem := summary.truncated(run):
        told.append((problem, "warning"))
    if told:
        found["toolExecutionNotifications"] = [
            {"level": level, "message": {"text": visible(text) or "note"}} for text, level in told
        ]
    return found
