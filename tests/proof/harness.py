"""Plays cases against the reference server in memory, with and without faults, in virtual time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache

from conformance.case.catalog import load_catalogue
from conformance.case.model import Case
from conformance.engine import virtual
from conformance.engine.embedded import observer_for, target_for
from conformance.engine.memory import MemoryDialer
from conformance.engine.outcome import Outcome
from conformance.engine.player import Setting, play
from conformance.engine.run import setting_for
from conformance.reference.faults import Fault, catalogue
from conformance.reference.server import Server
from conformance.reference.site import Role, Site
from conformance.requirement.registry import find
from conformance.verdict import by_level

ROLES: tuple[Role, ...] = ("mx", "submission", "relay", "lmtp")
TRIPPED = ("fail", "warn")


@dataclass(frozen=True, slots=True)
class Played:
    """What one case came to, and which lints its replies broke."""

    verdict: str
    reason: str
    lints: tuple[str, ...]


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case of the product."""
    loaded = load_catalogue()
    assert not loaded.errors, "\n".join(map(str, loaded.errors))
    return tuple(loaded.cases)


def role_of(case: Case) -> Role:
    """The role of the reference server that a case is played against."""
    return next(role for role in ROLES if role in case.needs.role)


async def _setting(site: Site, faults: tuple[Fault, ...]) -> Setting:
    target = replace(target_for(site), tls="none", timeout=5.0)
    dialer = MemoryDialer(lambda: Server(site, faults), idle=site.idle_timeout)
    return await setting_for(target, dialer, observer_for(site))


async def play_case(case: Case, faults: tuple[Fault, ...] = ()) -> Outcome:
    """Play one case once, against a server of its own."""
    site = Site(role=role_of(case))
    return await play(case, await _setting(site, faults))


async def _play_cases(cases: Iterable[Case], faults: tuple[Fault, ...]) -> dict[str, Played]:
    results = {}
    for case in cases:
        outcome = await play_case(case, faults)
        verdict = by_level(outcome.outcome, case.level)
        lints = tuple(finding.lint.id for finding in outcome.findings)
        results[case.id] = Played(verdict, outcome.reason, lints)
    return results


def play_all(cases: Iterable[Case], *faults: Fault) -> dict[str, Played]:
    """Play cases against the server with these faults; a control that fails makes its rows inconclusive."""
    ordered = list(cases)
    results: dict[str, Played] = virtual.run(_play_cases(ordered, faults))
    broken = {case.id for case in ordered if case.control and results[case.id].verdict != "pass"}
    for case in ordered:
        unmet = [name for name in case.after if name in broken or (name in results and results[name].verdict != "pass")]
        if case.id in broken or unmet:
            results[case.id] = replace(results[case.id], verdict="inconclusive")
    return results


@cache
def equivalents() -> Mapping[str, frozenset[str]]:
    """Requirement ids that restate each other (``same_as`` of the registry), both ways."""
    from conformance.requirement.registry import all_requirements

    pairs: dict[str, set[str]] = {}
    for entry in all_requirements():
        for other in entry.same_as:
            pairs.setdefault(entry.id, set()).add(other)
            pairs.setdefault(other, set()).add(entry.id)
    return {name: frozenset(others) for name, others in pairs.items()}


def concerns(fault: Fault, requirements: Iterable[str], case_id: str) -> bool:
    """Whether a fault may trip a case: the case cites what it breaks, or the fault names the case."""
    cited = set(requirements)
    for name in tuple(cited):
        cited |= equivalents().get(name, frozenset())
    return bool(cited & set(fault.breaks)) or any(fnmatchcase(case_id, glob) for glob in fault.also_trips)


def deviations() -> list[Fault]:
    """Every fault that breaks a requirement (not the degenerate servers)."""
    return [fault for fault in catalogue().values() if fault.kind == "deviation"]


def level_of(name: str) -> str:
    """The level of a requirement."""
    found = find(name)
    assert found is not None, name
    return found.level
