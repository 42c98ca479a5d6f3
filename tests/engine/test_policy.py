"""A refusal on policy grounds, or of the whole service, is no answer to a case's question."""

from __future__ import annotations

import pytest

from conformance.case.load import load_text
from conformance.engine import virtual
from conformance.reference.change import answer, closing
from conformance.reference.faults import Fault
from conformance.reference.reply import reply
from tests.proof.harness import play_case

SUITE = """
title: t
spec: RFC 5321 section 4.1.1.9
cases:
  - id: c
    title: t
    requirement: RFC5321-4.1.1.9-01
    dialogue:
      - C: NOOP
      - S: {PATTERN: fail - refuses it, 2xx: pass}
"""


@pytest.mark.parametrize(
    ("code", "status", "pattern", "outcome"),
    [
        (550, "5.5.0", "5xx", "fail"),
        (550, "5.7.1", "5xx", "inconclusive"),
        (550, "5.7.1", "550", "fail"),
        (550, "5.7.1", "5xx 5.7.x", "fail"),
        (530, "5.5.1", "5xx", "inconclusive"),
        (530, "5.5.1", "530", "fail"),
        (530, "5.5.1", "502", "inconclusive"),
        (550, "5.5.0", "502", "unexpected"),
        (421, "4.3.2", "4xx", "inconclusive"),
        (421, "4.3.2", "any", "inconclusive"),
        (421, "4.3.2", "421|close", "fail"),
        (450, "4.7.1", "4xx", "fail"),
    ],
)
def test_policy(code: int, status: str, pattern: str, outcome: str) -> None:
    """It fails a case only where the pattern names the very code, or the enhanced status code."""
    (case,) = load_text(SUITE.replace("PATTERN", pattern)).cases
    refusing = Fault("f", "t", (), lambda rules: answer(rules, "NOOP", 250, reply(code, status, "No")), "area")
    assert virtual.run(play_case(case, (refusing,))).outcome == outcome


def test_an_end_that_no_pattern_names_is_unexpected() -> None:
    """The reason says when a server may close."""
    (case,) = load_text(SUITE.replace("PATTERN", "5xx")).cases
    closing_noop = Fault("f", "t", (), lambda rules: closing(rules, "NOOP", silent=True), "area")
    outcome = virtual.run(play_case(case, (closing_noop,)))
    assert outcome.outcome == "unexpected"
    assert "section 3.8 lets a server close after QUIT, 421 or a timeout" in outcome.reason
