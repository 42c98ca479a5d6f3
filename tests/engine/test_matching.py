"""Which reply answers which command: rules that need to know it are silent where it can't be told."""

from __future__ import annotations

import asyncio

import pytest

from conformance.case.load import load_text
from conformance.engine import virtual
from conformance.engine.embedded import observer_for, target_for
from conformance.engine.run import Options, run
from conformance.reference.actions import Action
from conformance.reference.change import answer, on_reply
from conformance.reference.faults import Change, Fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.serve import serving
from conformance.reference.session import Session
from conformance.reference.site import Site
from conformance.report import summary
from conformance.stream import Event, collect
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
      - S: any
"""
MORE = """
      - C: VRFY somebody
      - S: any
      - C: RSET
      - S: {any: go}
"""
GROUP = """
      - C: [NOOP, RSET]
      - S: any
      - S: any
      - C: RSET
      - S: {any: go}
"""


def fault(change: Change) -> Fault:
    """Return a fault that is in no catalogue."""
    return Fault("f", "t", (), change, "area")


def odd_resets(rules: Rules) -> Rules:
    """Answer RSET with a code that is not in its list."""
    return answer(rules, "RSET", 250, reply(252, "2.0.0", "Reset"))


def twice(rules: Rules, event: str) -> Rules:
    """Answer a command twice, and RSET with a code that is not in its list."""

    def change(session: Session, asked: str, given: Reply) -> list[Action]:
        octets = session.rules.render(given)
        return [octets, octets]

    return on_reply(odd_resets(rules), change, event)


def found(dialogue: str, *faults: Fault) -> list[str]:
    """Return the lints that the replies of a dialogue break."""
    (case,) = load_text(SUITE + dialogue.lstrip("\n")).cases
    outcome = virtual.run(play_case(case, faults))
    assert outcome.outcome == "pass"
    return [finding.breach.lint.name for finding in outcome.findings]


@pytest.mark.parametrize("dialogue", [MORE, GROUP])
def test_a_reply_is_matched_to_its_command(dialogue: str) -> None:
    """After single commands, and again when all replies to a group have been read."""
    assert found(dialogue, fault(odd_resets)) == ["code-allowed"]


@pytest.mark.parametrize(
    ("dialogue", "event"), [(MORE, "NOOP"), (GROUP, "NOOP"), (MORE, "RSET"), (MORE + "      - S: any\n", "RSET")]
)
def test_nothing_is_matched_where_there_is_a_reply_too_many(dialogue: str, event: str) -> None:
    """Which of two replies to a command is its own can't be told, nor what the ones behind them answer."""
    assert found(dialogue, fault(lambda rules: twice(rules, event))) == []


def test_nothing_is_matched_after_an_unsolicited_reply() -> None:
    """It is found, and nothing else of the session is blamed on the commands that come after it."""
    assert found(MORE, fault(lambda rules: twice(rules, "EHLO"))) == ["unsolicited"]


def test_a_broken_list_is_named() -> None:
    """A rule for every reply that stands for several requirements says which were broken; the others are met."""
    (case,) = load_text(SUITE + MORE.lstrip("\n")).cases
    site = Site()
    events: list[Event] = []

    async def over_sockets() -> None:
        async with serving(site, faults=(fault(odd_resets),)) as endpoint:
            target = target_for(site, endpoint.host, endpoint.port)
            await run([case], target, Options(), events.append, observer=observer_for(site))

    asyncio.run(over_sockets())
    (event,) = [event for event in events if event["type"] == "lint"]
    assert event["requirement"] == ["RFC5321-4.3.2-13", "RFC5321-4.3.1-05"]
    states = {entry.id: entry.state for entry in summary.requirements(collect(events))}
    assert states["RFC5321-4.3.2-13"] == states["RFC5321-4.3.1-05"] == "warned"
    assert states["RFC5321-4.3.2-14"] == states["RFC5321-4.3.2-10"] == "held"
