"""What a reply that no pattern names comes to: it depends on whether the step asks something of the server."""

from __future__ import annotations

import pytest

from conformance.case.load import load_text
from conformance.engine import virtual
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
      - S: {answers}
      - C: RSET
      - S: {{250: pass}}
"""


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ("252", "inconclusive"),
        ("{252: go, 5xx: n/a - does not have it}", "inconclusive"),
        ("{252: go, 5xx: inconclusive - does not have it}", "inconclusive"),
        ("{252: go}", "unexpected"),
        ("{252: go, 5xx: fail - does not have it}", "unexpected"),
        ("{252: go, 221: pass}", "unexpected"),
    ],
)
def test_a_reply_that_no_pattern_names(answers: str, outcome: str) -> None:
    """NOOP gets 250: where nothing would pass or fail, that is no deviation either."""
    (case,) = load_text(SUITE.format(answers=answers)).cases
    assert virtual.run(play_case(case)).outcome == outcome
