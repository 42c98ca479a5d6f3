"""Silence is measured against the server's own pace; what a repetition does to that pace is what is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.case.load import load_text
from conformance.engine import virtual
from conformance.engine.embedded import target_for
from conformance.engine.memory import MemoryDialer
from conformance.engine.outcome import Outcome
from conformance.engine.player import play
from conformance.engine.run import setting_for
from conformance.reference.actions import Action, Wait
from conformance.reference.change import on_actions
from conformance.reference.server import Server
from conformance.reference.session import Session
from conformance.reference.site import Site

CASE = """
title: t
spec: RFC 5321 section 7.8
cases:
  - id: c
    title: t
    requirement: SEC-LIMIT-SURVIVES
    timeout: 30s
    dialogue:
      - repeat: {{{repeat}, steps: [C: NOOP, S: {{2xx: go, silence 4s: pass - waits}}]}}
"""


@pytest.mark.parametrize(("repeat", "seconds"), [("times: 9", 11), ("each: {n: [a, b, c, d, e, f, g, h]}", 61)])
def test_a_server_that_waits_ever_longer(repeat: str, seconds: float) -> None:
    """Its delay doubles with each command: the fourth one is silence in a repetition, and slowness elsewhere."""
    (case,) = load_text(CASE.format(repeat=repeat)).cases
    site = Site()

    def late(session: Session, actions: list[Action]) -> list[Action]:
        if not session.line.startswith(b"NOOP"):
            return actions
        session.memory["delay"] = 2 * session.memory.get("delay", 0.5)
        return [Wait(session.memory["delay"]), *actions]

    def server() -> Server:
        made = Server(site)
        made.rules = on_actions(made.rules, late)
        return made

    async def run() -> Outcome:
        setting = await setting_for(target_for(site), MemoryDialer(server))
        return await play(case, replace(setting, clock=site.clock))

    outcome: Outcome = virtual.run(run())
    assert outcome.reason == "waits"
    silent = [entry.time for entry in outcome.transcript.entries if entry.kind == "silence"]
    assert silent[0] == pytest.approx(seconds, abs=0.5)
