"""Every case passes on the faultless server and is tripped by a fault; no fault trips what is not its business."""

from __future__ import annotations

import pytest

from conformance.smtp.lint import ALL as LINTS
from tests.proof.harness import all_cases, deviations, reference, strangers, tripped_by, untripped

PARTS = 8
"""The catalogue is tested in so many parts, so that the workers share them."""


def test_every_case_passes_on_the_faultless_server() -> None:
    """All pass; none is inconclusive, not applicable or untested; and no reply breaks a lint."""
    wrong = {
        name: f"{played.verdict}: {played.reason} {played.lints}"
        for name, played in reference()[0].items()
        if played.verdict != "pass" or played.lints
    }
    assert wrong == {}


@pytest.mark.parametrize("part", range(PARTS))
def test_every_fault_trips_only_what_it_breaks(part: int) -> None:
    """Each fault trips at least one case or lint, and only such as cite what it breaks or that it names."""
    wrong = []
    for fault in deviations()[part::PARTS]:
        found = tripped_by(fault)
        if others := strangers(fault, found):
            wrong.append(f"{fault.name} ({', '.join(fault.breaks)}) trips also: {', '.join(others)}")
        if not found:
            wrong.append(f"{fault.name} ({', '.join(fault.breaks)}) trips nothing")
    assert wrong == []


@pytest.mark.parametrize("part", range(PARTS))
def test_every_row_is_tripped_by_a_fault(part: int) -> None:
    """A case that no fault trips is not done: it could not fail."""
    rows = [case.id for case in all_cases() if not case.control] + [rule.id for rule in LINTS]
    assert sorted(untripped(rows[part::PARTS], deviations())) == []
