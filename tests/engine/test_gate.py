"""Which cases are not played against which target."""

from __future__ import annotations

import pytest

from conformance.case.load import load_text
from conformance.engine.run import gate
from conformance.target import Target

SUITE = """
title: t
spec: RFC 5321 section 4.1.1.9
cases:
  - id: c
    title: t
    requirement: RFC5321-4.1.1.9-01
    needs: {loopback: true}
    dialogue:
      - C: NOOP
      - S: {2xx: pass}
"""


@pytest.mark.parametrize(("host", "outcome"), [("127.0.0.1", None), ("::1", None), ("192.0.2.1", "n/a")])
def test_loopback(host: str, outcome: str | None) -> None:
    """What sends a password in clear text is played on this machine only."""
    (case,) = load_text(SUITE).cases
    found = gate(case, Target(host=host), "session", frozenset())
    assert (found[0] if found else None) == outcome
