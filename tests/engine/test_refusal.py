"""Runs against servers that refuse every session in their greeting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.engine import virtual
from conformance.engine.embedded import target_for
from conformance.engine.exit import FINDINGS, UNREACHABLE, Exit
from conformance.engine.memory import MemoryDialer
from conformance.engine.run import Options, run
from conformance.reference.faults import Fault, find
from conformance.reference.server import Server
from conformance.reference.site import Site
from conformance.stream import Result
from tests.proof.harness import all_cases


def played(refuses: int, *faults: Fault) -> tuple[Exit, dict[str, str]]:
    """Return how a run of all cases ends, and the verdicts of what was not left out."""
    site = Site(refuses=refuses)
    results: list[Result] = []
    dialer = MemoryDialer(lambda: Server(site, faults))
    target = replace(target_for(site), tls="none")
    ending = virtual.run(run(all_cases(), target, Options(replay=False), lambda event: None, results.append, dialer))
    cases = {result.id: result.verdict for result in results if not result.id.startswith("lint/")}
    return ending, {name: verdict for name, verdict in cases.items() if verdict not in ("n/a", "untested")}


@pytest.mark.parametrize("code", [554, 521])
def test_a_server_that_refuses_is_asked_how_it_does_so(code: int) -> None:
    """Nothing else is played; that it refuses is the end of the run, however well it does so."""
    ending, verdicts = played(code)
    assert ending.code == UNREACHABLE
    assert str(code) in ending.reason
    assert len(verdicts) >= 4
    assert set(verdicts.values()) == {"pass"}


def test_a_refusal_that_is_none_is_a_finding() -> None:
    """Commands are carried out after 521."""
    ending, verdicts = played(521, find("greeting-554-serves"))
    assert ending.code == FINDINGS
    assert "fail" in verdicts.values()
