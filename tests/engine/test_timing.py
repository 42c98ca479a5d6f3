"""Times are compared by an exact test: differences are found, and noise, trends and a few samples make none."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations

import pytest

from conformance.case.load import load_text
from conformance.case.yaml import SourceError
from conformance.engine import virtual
from conformance.engine.embedded import target_for
from conformance.engine.memory import MemoryDialer
from conformance.engine.outcome import Outcome
from conformance.engine.player import Play
from conformance.engine.run import setting_for
from conformance.engine.timing import ALIKE, DIFFER, FEW, NOISY, chance, compare
from conformance.reference.actions import Action, Wait
from conformance.reference.change import on_actions
from conformance.reference.server import Server
from conformance.reference.session import Session
from conformance.reference.site import Limits, Site

CASE = """
title: t
spec: RFC 5321 section 7.3
cases:
  - id: c
    title: t
    requirement: SEC-TIME-MAILBOX
    dialogue:
      - compare:
          between:
            known: [C: VRFY $recipient, S: any]
            unknown: [C: VRFY $unknown, S: any]
          samples: {samples}
          renew: {renew}
          error: 0.001
          least: 5ms
          differ: warn - tells
          alike: pass
"""


def played(delay: float, jitter: float, renew: int = 50, idle_commands: int = 150) -> Outcome:
    """Play the case against a server that takes so much longer for alice, and varies by so much for everybody."""
    (case,) = load_text(CASE.format(samples=20, renew=renew)).cases
    site, dice = Site(limits=Limits(idle_commands=idle_commands)), random.Random(1)

    def late(session: Session, actions: list[Action]) -> list[Action]:
        known = delay if b"alice" in session.line else 0.0
        return [Wait(known + jitter * dice.random()), *actions] if session.line[:4] == b"VRFY" and actions else actions

    def server() -> Server:
        made = Server(site)
        made.rules = on_actions(made.rules, late)
        return made

    async def run() -> Outcome:
        setting = await setting_for(target_for(site), MemoryDialer(server))
        play = Play(case, replace(setting, clock=site.clock))
        play.values["token"] = b"sc-the-same-order-each-time"
        return await play.run()

    outcome: Outcome = virtual.run(run())
    return outcome


def test_a_difference_is_found_and_told() -> None:
    """With both medians, in the reason and in the transcript."""
    outcome = played(delay=0.02, jitter=0.01)
    assert outcome.outcome == "warn"
    assert outcome.reason.startswith("tells: known 2")
    (entry,) = (entry for entry in outcome.transcript.entries if entry.kind == "timing")
    assert (entry.met, entry.decides, entry.expected) == (False, True, "a difference below 5 ms")


@pytest.mark.parametrize(("delay", "jitter", "outcome"), [(0, 0, "pass"), (0, 0.003, "pass"), (0.003, 0, "pass")])
def test_none_is_found_where_there_is_none(delay: float, jitter: float, outcome: str) -> None:
    """Nor one that is too small to count."""
    assert played(delay, jitter).outcome == outcome


def test_noise_is_no_difference_and_no_proof() -> None:
    """Where 5 ms would not have been seen, nothing can be told."""
    outcome = played(delay=0, jitter=0.2)
    assert outcome.outcome == "inconclusive"
    assert "vary too much" in outcome.reason


def test_a_session_that_ends_too_early_tells_nothing() -> None:
    """A server that ends it after a few commands leaves too few samples; with new sessions there are enough."""
    assert "too few" in played(0.02, 0, idle_commands=8).reason
    assert played(0.02, 0, renew=4, idle_commands=8).outcome == "warn"


def test_the_chance_is_that_of_all_orders() -> None:
    """What the quick count finds is what trying every order finds, ties and all."""
    one, other = [1.0, 3.0, 3.0, 8.0], [2.0, 3.0, 5.0, 5.0, 9.0]
    times = [*one, *other]
    rank = {time: sum(t < time for t in times) + sum(t <= time for t in times) for time in times}
    middle = len(one) * sum(map(rank.__getitem__, times)) / len(times)
    sums = [sum(rank[time] for time in chosen) for chosen in combinations(times, len(one))]
    far = abs(sum(map(rank.__getitem__, one)) - middle)
    assert chance(one, other) == sum(abs(found - middle) >= far for found in sums) / len(sums)


def test_false_alarms_are_as_rare_as_stated() -> None:
    """On times of one kind, and on times that grow, in random order."""
    dice = random.Random(7)
    for trend in (0.0, 1.0):
        found = 0
        for _ in range(1000):
            times = [dice.random() + trend * index for index in range(14)]
            order = dice.sample(range(14), 14)
            found += chance([times[i] for i in order[:7]], [times[i] for i in order[7:]]) <= 0.05
        assert found <= 60


def test_results() -> None:
    """The four that there are."""
    same = [0.001] * 7
    assert compare(same, [0.03] * 7, 0.001, 0.005).result == DIFFER
    assert compare(same, same, 0.001, 0.005).result == ALIKE
    assert compare(same[:6], [0.03] * 6, 0.001, 0.005).result == FEW
    assert compare(same, [0.0, 0.0, 0.0, 0.001, 0.1, 0.1, 0.1], 0.001, 0.005).result == NOISY


def test_samples_that_can_not_be_enough() -> None:
    """Six of each differ by chance alone in two orders of 924."""
    with pytest.raises(SourceError, match=r"6 samples of each never make a difference at an error of 0\.001"):
        load_text(CASE.format(samples=6, renew=1))
