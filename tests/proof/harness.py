"""Plays cases against the reference server in memory, with and without faults, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from conformance.case.catalog import load_catalogue
from conformance.case.explain import octets_text
from conformance.case.model import GO, Alternative, Case, Certificate, Compare, Delivered, Expect, Tls, flat
from conformance.engine import sanity, virtual
from conformance.engine.delivery import judge_messages
from conformance.engine.embedded import observer_for, target_for
from conformance.engine.memory import MemoryDialer
from conformance.engine.outcome import Outcome
from conformance.engine.player import Play
from conformance.engine.run import setting_for
from conformance.engine.setting import Setting
from conformance.reference.faults import Fault, catalogue
from conformance.reference.server import Server
from conformance.reference.site import Role, Site
from conformance.smtp.lint import ALL as LINTS
from conformance.smtp.transcript import Transcript
from conformance.verdict import by_level
from tests.proof.footprint import changed_by
from tests.proof.tape import Look, Tape, TapedServer, site_for

ROLES: tuple[Role, ...] = ("mx", "submission", "relay", "lmtp")
TRIPPED = ("fail", "warn")


@dataclass(frozen=True, slots=True)
class Played:
    """What one case came to, and which lints its replies broke."""

    verdict: str
    reason: str
    lints: tuple[str, ...]
    refused: bool = False
    """Whether a reply of its dialogue was a refusal."""
    branch: str = ""
    """The judgement that decided, where one did: see ``branches``."""
    same: bool = False
    """Whether the server did the same as the faultless one, so that the play was spared."""


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case of the product."""
    loaded = load_catalogue()
    assert not loaded.errors, "\n".join(map(str, loaded.errors))
    return tuple(loaded.cases)


def role_of(case: Case) -> Role:
    """The role of the reference server that a case is played against."""
    return next(role for role in ROLES if role in case.needs.role)


_SETTINGS: dict[Role, Setting] = {}


async def _setting(site: Site, make: Callable[[], Server], *, implicit: bool = False) -> Setting:
    dialer = MemoryDialer(make, tls=implicit)
    if site.role not in _SETTINGS:
        _SETTINGS[site.role] = await setting_for(replace(target_for(site), timeout=5.0), dialer)
    found = replace(_SETTINGS[site.role], dialer=dialer, observer=observer_for(site), clock=site.clock)
    return replace(found, target=replace(found.target, tls="implicit")) if implicit else found


async def play_case(
    case: Case, faults: tuple[Fault, ...] = (), tape: Tape | None = None, offers: frozenset[str] | None = None
) -> Outcome:
    """Play one case once, against a server of its own; a faultless one can be taped."""
    site = site_for(role_of(case), case.needs.greeting)
    setting = await _setting(
        site,
        lambda: TapedServer(site, tape) if tape is not None else Server(site, faults),
        implicit=case.start == "tcp",
    )
    if offers is not None and not offers.issuperset(case.needs.ehlo):
        return Outcome("n/a", "", Transcript(0.0), 0.0)
    if tape is None:
        return await Play(case, replace(setting, offers=offers)).run()
    played = _TapedPlay(case, replace(setting, offers=offers))
    played.tape, played.site = tape, site
    tape.phase = lambda: played.transcript.phase
    outcome = await played.run()
    tape.finish(site)
    return outcome


class _TapedPlay(Play):
    """A play that notes what it says of the messages that it looks at."""

    tape: Tape
    site: Site

    async def look(self, step: Delivered) -> None:
        """Look into a mailbox, and note it."""
        values = dict(self.values)
        try:
            await super().look(step)
        finally:
            found = observer_for(self.site).find(values["token"], step.to.fill(values).decode("utf-8", "replace"))
            held = len(list(self.site.store)) + len(list(self.site.outgoing))
            said = judge_messages(step, values, found, self.site.clock())
            self.tape.looks.append(Look(step, values, held, said))


async def _play_cases(cases: Iterable[Case], faults: tuple[Fault, ...], tapes: dict[str, Tape]) -> dict[str, Played]:
    results = {}
    offers: dict[Role, frozenset[str]] = {}
    stuck: dict[Hashable, Played] = {}
    for case in cases:
        role = role_of(case)
        if role not in offers:
            offers[role] = await _offers(role, faults)
        way = (case.start, case.timeout, _TAPES[case.id].set_up) if faults and not case.finally_ else None
        if way in stuck:
            results[case.id] = stuck[way]
            continue
        tape = (
            None
            if faults
            else tapes.setdefault(
                case.id,
                Tape(role, case.needs.greeting, _decisive(case), whole=case.start in ("tcp", "connect")),
            )
        )
        outcome = await play_case(case, faults, tape, offers[role])
        verdict = by_level(outcome.outcome, case.level)
        lints = tuple(finding.breach.lint.id for finding in outcome.findings)
        branch = next((each.name for each in _branches(case) if each.ended(outcome)), "")
        results[case.id] = Played(verdict, outcome.reason, lints, _refused(outcome), branch)
        if way is not None and outcome.outcome == "inconclusive" and _never_began(outcome):
            stuck[way] = results[case.id]
    return results


def _decisive(case: Case) -> frozenset[str]:
    """Return the extensions on which the way of a play depends."""
    return frozenset(case.needs.ehlo) | ({"SIZE "} if "size_limit" in case.uses else set())


async def _offers(role: Role, faults: tuple[Fault, ...]) -> frozenset[str]:
    """Return what a server offers, as a run would find it before it plays anything."""
    site = site_for(role)
    setting = await _setting(site, lambda: Server(site, faults))
    return (await sanity.check(setting, "secure")).offers


def _never_began(outcome: Outcome) -> bool:
    """Whether a play ended in the set-up of its first session: each one with the same set-up comes to the same end."""
    return all(entry.phase in ("start", "finally") and entry.session == 1 for entry in outcome.transcript.entries)


def _refused(outcome: Outcome) -> bool:
    replies = [entry.octets for entry in outcome.transcript.entries if entry.kind == "S" and not entry.phase]
    return any(octets[:1] in (b"4", b"5") for octets in replies)


_FAULTLESS: dict[str, Played] = {}
_TAPES: dict[str, Tape] = {}
_SPARED: dict[str, Played] = {}
"""How cases go on a server with a fault that they don't meet."""
_MET: dict[tuple[Role, Hashable], set[str]] = {}
"""The cases that ask a rule."""


def faultless(cases: Iterable[Case]) -> tuple[Mapping[str, Played], Mapping[str, Tape]]:
    """Return how cases go on the faultless server, and their tapes (with those of cases that were asked for before)."""
    missing = [case for case in cases if case.id not in _FAULTLESS]
    if missing:
        _FAULTLESS.update(virtual.run(_play_cases(missing, (), _TAPES)))
        _SPARED.update({case.id: replace(_FAULTLESS[case.id], same=True) for case in missing})
        for case in missing:
            for point in _TAPES[case.id].points:
                _MET.setdefault((_TAPES[case.id].role, point), set()).add(case.id)
    return _FAULTLESS, _TAPES


def reference() -> tuple[Mapping[str, Played], Mapping[str, Tape]]:
    """Return how every case goes on the faultless server, and its tape."""
    return faultless(all_cases())


def play_all(cases: Iterable[Case], fault: Fault) -> dict[str, Played]:
    """Play cases against the server with a fault; a control that fails makes its rows inconclusive."""
    ordered = list(cases)
    before, tapes = faultless(ordered)
    met = set().union(*(_MET.get((role, point), ()) for role in fault.roles for point in changed_by(fault, role)))
    results = {case.id: _SPARED[case.id] for case in ordered}
    affected = []
    for case in ordered:
        lints = tapes[case.id].with_fault(fault) if case.id in met else frozenset()
        if lints is None:
            affected.append(case)
        elif lints:
            results[case.id] = replace(_SPARED[case.id], lints=before[case.id].lints + tuple(sorted(lints)))
    if affected:
        results.update(virtual.run(_play_cases(affected, (fault,), {})))
        _bar(ordered, results)
    return results


def _bar(cases: Iterable[Case], results: dict[str, Played]) -> None:
    """Make inconclusive what comes after a case that did not pass, and after such a case in turn."""
    for case in cases:
        if case.control and results[case.id].verdict != "pass":
            results[case.id] = replace(results[case.id], verdict="inconclusive")
    left, changed = [case for case in cases if case.after], True
    while changed:
        barred = [case.id for case in left if not all(_passed(name, results) for name in case.after)]
        for name in barred:
            results[name] = replace(results[name], verdict="inconclusive")
        left, changed = [case for case in left if case.id not in set(barred)], bool(barred)


def _passed(name: str, results: Mapping[str, Played]) -> bool:
    """Whether a case passed, or every row of it, or none was played."""
    rows = (name,) if name in results else _rows().get(name, ())
    return all(results[row].verdict == "pass" for row in rows if row in results)


@cache
def _rows() -> Mapping[str, tuple[str, ...]]:
    """The rows of each table, by its id."""
    rows: dict[str, list[str]] = {}
    for case in all_cases():
        rows.setdefault(case.base_id, []).append(case.id)
    return {name: tuple(ids) for name, ids in rows.items()}


class Branch(NamedTuple):
    """A way in which a judgement of a case may end its play."""

    name: str
    """File, line, and which of the ways there."""
    decides: Alternative | Delivered
    outcome: str
    said: str

    def ended(self, outcome: Outcome) -> bool:
        """Whether a play ended here."""
        return self.decides is outcome.decided and self.outcome == outcome.outcome


def _branches(case: Case) -> Iterator[Branch]:
    """Yield the branches of a case's judgements."""
    for step in flat(case.dialogue):
        at = f"{case.file}:{step.line}"
        if isinstance(step, Expect | Tls | Certificate | Compare):
            for number, alternative in enumerate(step.alternatives, start=1):
                said = f"{alternative.pattern.source}: {alternative.verdict} - {octets_text(alternative.reason)}"
                yield Branch(f"{at}, {number}", alternative, alternative.verdict, said)
        if isinstance(step, Delivered):
            yield Branch(f"{at}, not met", step, step.otherwise or "unexpected", "delivered otherwise")
            yield Branch(f"{at}, met", step, step.met or GO, "delivered as described")


def branches(cases: Iterable[Case]) -> dict[str, str]:
    """Return the branches that are a deviation, by name, with what they say."""
    return {
        branch.name: branch.said
        for case in cases
        if not case.control
        for branch in _branches(case)
        if by_level(branch.outcome, case.level) in TRIPPED
    }


def taken(played: Mapping[str, Played]) -> list[str]:
    """Return the names of the branches that decided plays of which something came."""
    return sorted({result.branch for result in played.values() if result.branch and result.verdict in TRIPPED})


def tripped_by(fault: Fault, cases: Iterable[Case] | None = None) -> list[str]:
    """Return the cases (of all, or of some) and lints that a fault trips."""
    return tripped_in(play_all(all_cases() if cases is None else cases, fault))


def tripped_in(played: Mapping[str, Played]) -> list[str]:
    """Return the cases that tripped, and the lints that were broken."""
    found = set()
    for name, result in played.items():
        if result.verdict in TRIPPED or (result.verdict == "info" and _FAULTLESS[name].verdict != "info"):
            found.add(name)
        found.update(lint for lint in result.lints if lint not in _FAULTLESS[name].lints)
    return sorted(found)


@cache
def cited() -> Mapping[str, tuple[str, ...]]:
    """The requirements that each case and each lint cites."""
    return {case.id: case.requirement for case in all_cases()} | {rule.id: rule.requirement for rule in LINTS}


def strangers(fault: Fault, tripped: Iterable[str]) -> list[str]:
    """Return what a fault trips and has nothing to do with."""
    return [name for name in tripped if not breaks(fault, name) and not also_trips(fault, name)]


def needless(fault: Fault, tripped: Iterable[str]) -> list[str]:
    """Return those names of a fault's ``also_trips`` that nothing of what it trips needs."""
    left = [name for name in tripped if not breaks(fault, name)]
    return [glob for glob in fault.also_trips if not any(fnmatchcase(name, glob) for name in left)]


def untripped(rows: Iterable[str], tripped: Mapping[str, Iterable[str]]) -> set[str]:
    """Return those of some rows (and lints) that no fault trips which breaks what they cite.

    ``tripped`` is what each fault trips, by its name. What a fault names in ``also_trips`` fails for its own sake, and
    proves nothing of what the row asks.
    """
    left = set(rows)
    for name, found in tripped.items():
        left -= {row for row in found if breaks(catalogue()[name], row)}
    return left


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


@cache
def breaks(fault: Fault, name: str) -> bool:
    """Whether a fault breaks what a case or lint cites, or what that restates."""
    wanted = set(cited()[name])
    for requirement in tuple(wanted):
        wanted |= equivalents().get(requirement, frozenset())
    return not wanted.isdisjoint(fault.breaks)


def also_trips(fault: Fault, name: str) -> bool:
    """Whether a fault names a case or lint that it trips though it breaks nothing that is cited there."""
    return any(fnmatchcase(name, glob) for glob in fault.also_trips)


def deviations() -> list[Fault]:
    """Every fault that breaks a requirement (not the degenerate servers)."""
    return [fault for fault in catalogue().values() if fault.kind == "deviation"]
