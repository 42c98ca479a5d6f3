"""Every case passes on the faultless server and is tripped by a fault; no fault trips what is not its business."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.reference.faults import Fault, catalogue
from conformance.smtp.lint import ALL as LINTS
from tests.proof.harness import TRIPPED, all_cases, concerns, deviations, play_all

CHUNKS = 8
"""The faults are tested in so many parts, so that two workers share them."""


def chunk(number: int) -> list[Fault]:
    """A part of the catalogue."""
    return deviations()[number::CHUNKS]


def test_every_case_passes_on_the_faultless_server() -> None:
    """All pass; none is inconclusive, not applicable or untested; and no reply breaks a lint."""
    results = play_all(all_cases())
    wrong = {
        name: f"{r.verdict}: {r.reason} {r.lints}" for name, r in results.items() if r.verdict != "pass" or r.lints
    }
    assert wrong == {}


def tripped(fault: Fault) -> Iterator[tuple[str, str]]:
    """Yield the cases (and lints) that a fault trips, with the verdict."""
    baseline = reference()
    for name, result in play_all(all_cases(), fault).items():
        if result.verdict in TRIPPED or (result.verdict == "info" and baseline[name] == "pass"):
            yield name, result.verdict
        for lint in result.lints:
            yield lint, "lint"


def tripped_names(name: str) -> list[str]:
    """Return what a fault trips, by its name."""
    return sorted({case for case, _ in tripped(catalogue()[name])})


_REFERENCE: dict[str, str] = {}


def reference() -> dict[str, str]:
    """The verdicts on the faultless server."""
    if not _REFERENCE:
        _REFERENCE.update({name: result.verdict for name, result in play_all(all_cases()).items()})
    return _REFERENCE


@pytest.mark.parametrize("number", range(CHUNKS))
def test_every_fault_trips_only_what_it_breaks(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each fault trips at least one case or lint, and only such as cite what it breaks or that it names."""
    cited = {case.id: case.requirement for case in all_cases()} | {rule.id: (rule.requirement,) for rule in LINTS}
    matrix = {}
    wrong = []
    for fault in chunk(number):
        found = dict(tripped(fault))
        matrix[fault.name] = sorted(found)
        strangers = [name for name in found if not concerns(fault, cited[name], name)]
        if strangers:
            wrong.append(f"{fault.name} ({', '.join(fault.breaks)}) trips also: {', '.join(sorted(strangers))}")
        if not found:
            wrong.append(f"{fault.name} ({', '.join(fault.breaks)}) trips nothing")
    _shared(tmp_path_factory).joinpath(f"{number}.json").write_text(json.dumps(matrix))
    assert wrong == []


def _shared(factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of one test run share."""
    root = factory.getbasetemp()
    root = root.parent if root.name.startswith("popen-") else root
    folder = root / "proof"
    folder.mkdir(exist_ok=True)
    return folder


def test_every_row_is_tripped_by_a_fault() -> None:
    """A case that no fault trips is not done: it could not fail."""
    open_rows = {case.id for case in all_cases() if not case.control} | {rule.id for rule in LINTS}
    by_requirement = {case.id: case.requirement for case in all_cases()} | {r.id: (r.requirement,) for r in LINTS}
    for fault in deviations():
        wanted = [case for case in all_cases() if case.id in open_rows and concerns(fault, case.requirement, case.id)]
        controls = {name for case in wanted for name in case.after}
        wanted += [case for case in all_cases() if case.id in controls and case not in wanted]
        for name, result in play_all(wanted, fault).items():
            if result.verdict in TRIPPED or result.verdict == "info":
                open_rows.discard(name)
            open_rows -= {lint for lint in result.lints if concerns(fault, by_requirement[lint], lint)}
        if any(concerns(fault, (rule.requirement,), rule.id) for rule in LINTS if rule.id in open_rows):
            for result in play_all(all_cases()[:40], fault).values():
                open_rows -= set(result.lints)
    assert sorted(open_rows) == []


@pytest.mark.parametrize("name", sorted(n for n, f in catalogue().items() if f.kind == "degenerate"))
def test_degenerate_servers_get_no_false_verdict(name: str) -> None:
    """A server that only is slow, or cuts its octets elsewhere, fails nothing."""
    results = play_all(all_cases(), catalogue()[name])
    assert results
