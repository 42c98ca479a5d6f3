"""A second session that can't be had is for the case to judge; a first one is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from conformance.case.load import load_text
from conformance.engine.embedded import target_for
from conformance.engine.memory import MemoryDialer
from conformance.engine.outcome import Outcome
from conformance.engine.player import play
from conformance.engine.run import setting_for
from conformance.reference.server import Server
from conformance.reference.site import Site

CASE = """
title: t
spec: RFC 5321 section 7.8
cases:
  - id: c
    title: t
    requirement: SEC-LIMIT-SURVIVES
    start2: {start}
    dialogue:
      - C: NOOP
      - S: 250
      - S2: {{220: pass, {pattern}: warn - gone}}
"""


def played(pattern: str, sessions: int, start: str = "connect") -> Outcome:
    """Play the case against a server that takes so many sessions."""
    (case,) = load_text(CASE.format(pattern=pattern, start=start)).cases
    site, left = Site(), iter(range(sessions))

    async def run() -> Outcome:
        dialer = MemoryDialer(lambda: Server(site) if next(left, None) is not None else None)
        setting = await setting_for(target_for(site), dialer)
        return await play(case, replace(setting, clock=site.clock))

    return asyncio.run(run())


@pytest.mark.parametrize("pattern", ["refused", "close", "any|refused"])
def test_a_second_session_that_is_refused_can_be_judged(pattern: str) -> None:
    """As refused, or as closed."""
    outcome = played(pattern, 1)
    assert (outcome.outcome, outcome.reason, outcome.back_off) == ("warn", "gone", False)


def test_what_is_not_judged_asks_for_patience() -> None:
    """The first session, and a second one that has to say EHLO first."""
    assert played("refused", 0).back_off
    assert played("refused", 1, "ehlo").back_off


def test_a_second_session_that_is_greeted() -> None:
    """Is none that is refused."""
    assert played("refused", 2).outcome == "pass"
