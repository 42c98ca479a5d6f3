"""A fault trips over real sockets, with the real engine, what it trips in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from conformance.case.model import Case, Delivered, flat
from conformance.engine.embedded import observer_for, target_for
from conformance.engine.run import Options, run
from conformance.reference.faults import Fault
from conformance.reference.serve import serving
from conformance.reference.site import Site
from conformance.stream import Result
from tests.proof.harness import TRIPPED, all_cases, deviations, play_all

FAULTS = 20
OTHERS = 12
"""Every so manieth case is played too, to see that it is left alone."""

PATIENCE = 3.0
"""Cases that wait longer than this by design, in seconds, are left to the proof in memory."""
LOOK = 10.0
"""So are cases that look longer than this for a message that may not come."""


def chosen() -> list[Fault]:
    """Return faults from all over the catalogue that show at a server for mail from the Internet."""
    faults = [fault for fault in deviations() if "mx" in fault.roles]
    return faults[:: max(1, len(faults) // FAULTS)][:FAULTS]


def quick(case: Case) -> bool:
    """Whether a case takes little time and little traffic, on a port that does not begin with TLS."""
    return (
        "mx" in case.needs.role
        and case.start != "tcp"
        and not case.needs.greeting
        and case.waiting <= PATIENCE
        and all(step.within <= LOOK for step in flat(case.dialogue) if isinstance(step, Delivered))
        and case.impact in ("session", "mail")
    )


async def over_sockets(fault: Fault, cases: list[Case]) -> dict[str, str]:
    """Return the verdicts that the engine comes to over sockets."""
    results: list[Result] = []
    site = Site()
    async with serving(site, faults=(fault,)) as endpoint:
        target = replace(target_for(site, endpoint.host, endpoint.port), timeout=10.0, jobs=8)
        options = Options(impact="mail", replay=False)
        await run(cases, target, options, lambda event: None, results.append, observer=observer_for(site))
    return {result.id: result.verdict for result in results if not result.id.startswith("lint/")}


def in_memory(fault: Fault) -> dict[str, str]:
    """Return the verdicts of what a fault trips in memory, and of some cases that it does not."""
    played = play_all([case for case in all_cases() if quick(case)], fault)
    names = {name for name, result in played.items() if result.verdict in TRIPPED} | set(sorted(played)[::OTHERS])
    names |= {control for case in all_cases() if case.id in names for control in case.after}
    return {name: result.verdict for name, result in played.items() if name in names}


async def all_over_sockets(wanted: dict[Fault, list[Case]]) -> list[dict[str, str]]:
    """Return the verdicts over sockets, for all faults at once."""
    return await asyncio.gather(*(over_sockets(fault, cases) for fault, cases in wanted.items()))


def test_faults_trip_the_same_cases_over_sockets_as_in_memory() -> None:
    """Twenty faults: what each trips is tripped, and some cases that it must not trip are left alone."""
    expected = {fault: in_memory(fault) for fault in chosen()}
    wanted = {fault: [case for case in all_cases() if case.id in names] for fault, names in expected.items()}
    found = asyncio.run(all_over_sockets(wanted))
    different = {
        f"{fault.name}: {name}": f"in memory {verdict}, over sockets {verdicts.get(name)}"
        for (fault, names), verdicts in zip(expected.items(), found, strict=True)
        for name, verdict in names.items()
        if (verdict in TRIPPED) != (verdicts.get(name) in TRIPPED)
    }
    assert len(expected) == FAULTS
    assert different == {}
