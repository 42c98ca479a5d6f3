"""A crowd of sessions is opened at once, counted by the server, and goes away again."""

from __future__ import annotations

import pytest

from conformance.case.load import load_text
from conformance.case.yaml import SourceError
from conformance.engine import virtual
from conformance.engine.outcome import Outcome
from tests.proof.harness import play_case

CASE = """
title: t
spec: RFC 5321 section 7.8
cases:
  - id: c
    title: t
    requirement: SEC-LIMIT-SESSIONS
    impact: {impact}
    start2: connect
    dialogue:
      - crowd: {sessions}
      - S2: {{421: go, 220: info - had}}
      - crowd: 0
      - S3: {{220: pass}}
"""


@pytest.mark.parametrize(("sessions", "outcome"), [(53, "info"), (54, "pass")])
def test_sessions_count_and_are_given_back(sessions: int, outcome: str) -> None:
    """The reference server greets 55 of one client; those that have hung up count no more."""
    (case,) = load_text(CASE.format(impact="load", sessions=sessions)).cases
    played: Outcome = virtual.run(play_case(case))
    assert played.outcome == outcome, played.reason
    assert case.connections == sessions + 3


@pytest.mark.parametrize(
    ("impact", "sessions", "mistake"), [("session", 10, "a crowd is a load"), ("load", 61, "60 sessions at most")]
)
def test_a_crowd_has_a_ceiling(impact: str, sessions: int, mistake: str) -> None:
    """And is only for who asked for load."""
    with pytest.raises(SourceError, match=mistake):
        load_text(CASE.format(impact=impact, sessions=sessions))
