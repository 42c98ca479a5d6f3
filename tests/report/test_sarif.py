"""SARIF 2.1.0: the kinds and levels that the verdicts mean, rules with what to do, evidence as steps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.report.sarif import log
from conformance.stream import Run
from tests.report.streams import findings, hostile, realistic, run_of

TEXT = {"type": "string", "minLength": 1}
MESSAGE = {"type": "object", "properties": {"text": TEXT}, "required": ["text"], "additionalProperties": False}
STEP = {"type": "object", "properties": {"location": {"properties": {"message": MESSAGE}}}, "required": ["location"]}

SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}, "minItems": 1},
    },
    "required": ["version", "runs"],
    "additionalProperties": False,
    "$defs": {
        "run": {
            "type": "object",
            "required": ["tool", "results"],
            "additionalProperties": False,
            "properties": {
                "tool": {"properties": {"driver": {"properties": {"rules": {"items": {"$ref": "#/$defs/rule"}}}}}},
                "automationDetails": {"type": "object"},
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "originalUriBaseIds": {"type": "object"},
                "invocations": {"items": {"type": "object", "required": ["executionSuccessful"]}},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "rule": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": TEXT,
                "shortDescription": MESSAGE,
                "fullDescription": MESSAGE,
                "help": MESSAGE,
                "helpUri": {
                    "type": "string",
                    "pattern": r"^https://www\.rfc-editor\.org/rfc/rfc[0-9]+#section-[0-9.]+$",
                },
                "defaultConfiguration": {"properties": {"level": {"enum": ["none", "note", "warning", "error"]}}},
                "properties": {"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": True}}},
            },
        },
        "result": {
            "type": "object",
            "required": ["ruleId", "ruleIndex", "kind", "level", "message", "locations"],
            "additionalProperties": False,
            "properties": {
                "ruleId": TEXT,
                "ruleIndex": {"type": "integer", "minimum": 0},
                "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": MESSAGE,
                "locations": {"type": "array", "minItems": 1, "maxItems": 1},
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                "properties": {"type": "object"},
                "codeFlows": {
                    "items": {"properties": {"threadFlows": {"items": {"properties": {"locations": {"items": STEP}}}}}}
                },
            },
            "if": {"properties": {"kind": {"const": "fail"}}},
            "then": {"properties": {"level": {"enum": ["note", "warning", "error"]}}},
            "else": {"properties": {"level": {"const": "none"}}},
        },
    },
}
"""What the standard asks of the objects that the report uses (sections 3.13 to 3.27)."""


def run_object(run: Run) -> dict[str, Any]:
    """Return the run object of a log, once it is known to be valid."""
    whole = json.loads(json.dumps(log(run)))
    Draft202012Validator(SHAPE).validate(whole)
    found: dict[str, Any] = whole["runs"][0]
    for result in found["results"]:
        assert found["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return found


@pytest.mark.parametrize("run", [realistic(), hostile(), run_of([]), run_of(findings(), footer=False)])
def test_it_is_valid(run: Run) -> None:
    """Every kind of run makes a valid log, with octets in it that show."""
    text = json.dumps(run_object(run), ensure_ascii=False)
    assert text.isprintable()


def test_levels_and_kinds() -> None:
    """A failure is an error, by its severity; a warning a warning; what was not judged has its own kind."""
    results = {result["properties"]["case"]: result for result in run_object(realistic())["results"]}
    told = {name: (result["kind"], result["level"]) for name, result in results.items()}
    assert told["security/smuggling/end-of-data[lf-dot-lf]"] == ("fail", "error")
    assert told["rfc5321/3.3-mail-transactions/unknown-recipient"] == ("fail", "error")
    assert told["rfc5321/2.3.8-lines/lf-ends-no-command"] == ("fail", "warning")
    assert told["rfc5321/4.1.1.3-recipient/accepted"] == ("review", "none")
    assert told["rfc5321/3.5-verify/vrfy"] == ("informational", "none")
    assert {kind for kind, _ in told.values()} == {
        *("fail", "review", "informational", "pass", "open", "notApplicable"),
    }


def test_rules_say_what_to_do() -> None:
    """A rule has the requirement, the section, the severity as code scanning reads it, CWE, meaning and remedy."""
    rules = {rule["id"]: rule for rule in run_object(realistic())["tool"]["driver"]["rules"]}
    rule = rules["security/smuggling/end-of-data"]
    assert rule["helpUri"] == "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.1.4"
    assert rule["properties"]["security-severity"] == "9.5"
    assert "external/cwe/cwe-345" in rule["properties"]["tags"]
    assert "Postfix: smtpd_forbid_bare_newline = normalize" in rule["help"]["text"]
    assert "RFC5321-4.1.1.4-05: " in rule["fullDescription"]["text"]


def test_evidence_is_told_in_steps() -> None:
    """The transcript of a finding is its code flow."""
    results = {result["properties"]["case"]: result for result in run_object(realistic())["results"]}
    (flow,) = results["rfc5321/3.3-mail-transactions/unknown-recipient"]["codeFlows"]
    steps = [step["location"]["message"]["text"] for step in flow["threadFlows"][0]["locations"]]
    assert "C: RCPT TO:<nobody@example.org>\\r\\n" in steps
    assert "S: 250 2.1.5 Ok\\r\\n (expected 55x 5.1.x or 55x)" in steps


def test_errors_of_the_suite_are_notifications() -> None:
    """They say nothing about the server."""
    found = run_object(hostile())
    (invocation,) = found["invocations"]
    assert sum(n["level"] == "error" for n in invocation["toolExecutionNotifications"]) == 2
    assert all(result["properties"]["verdict"] != "error" for result in found["results"])


def test_a_cut_stream_was_not_successful() -> None:
    """Without a footer the invocation did not end well, and says why."""
    (invocation,) = run_object(run_of(findings(), footer=False))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "ends without its footer" in invocation["toolExecutionNotifications"][-1]["message"]["text"]
