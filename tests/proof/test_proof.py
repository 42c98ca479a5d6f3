"""Every case passes on the faultless server and is tripped by a fault; no fault trips what is not its business."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from conformance.reference.faults import catalogue
from conformance.requirement.ledger import ledger
from conformance.smtp.lint import ALL as LINTS
from tests.generated.pages import DOCS, matrix
from tests.proof.everything import Found
from tests.proof.harness import all_cases, branches, deviations, needless, reference, strangers, untripped

PROJECT = Path(__file__).resolve().parents[2]


def test_every_case_passes_on_the_faultless_server() -> None:
    """All pass; none is inconclusive, not applicable or untested; and no reply breaks a lint."""
    wrong = {
        name: f"{played.verdict}: {played.reason} {played.lints}"
        for name, played in reference()[0].items()
        if played.verdict != "pass" or played.lints
    }
    assert wrong == {}


def test_faults_name_what_there_is() -> None:
    """What a fault also trips is a case or lint of the product."""
    names = [*(case.id for case in all_cases()), *(rule.id for rule in LINTS)]
    wrong = {
        f"{fault.name}: {glob}"
        for fault in catalogue().values()
        for glob in fault.also_trips
        if not any(fnmatchcase(name, glob) for name in names)
    }
    assert wrong == set()


def test_what_is_tested_can_be_broken() -> None:
    """Each requirement that a case or lint cites is broken by a fault; permissions can't be broken."""
    entries = [entry for entry in ledger(all_cases(), faults=True) if entry.cases or entry.lints]
    assert [entry.requirement.id for entry in entries if not entry.faults and entry.requirement.level != "MAY"] == []


@pytest.fixture(scope="module")
def everything() -> dict[str, Found]:
    """What every fault does, found by processes of its own."""
    command = [sys.executable, "-m", "tests.proof", "--json"]
    found = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True).stdout
    return {name: Found(*lists) for name, lists in json.loads(found).items()}


def test_each_way_to_fail_is_taken(everything: dict[str, Found]) -> None:
    """Every alternative, and every look into a mailbox, that fails or warns decides a play against some fault.

    One that none takes may be wrong, or stand behind another one that takes everything.
    """
    known = branches(all_cases())
    taken = {name for found in everything.values() for name in found.takes}
    assert "\n".join(f"{name}: {known[name]}" for name in known if name not in taken) == ""


def test_the_matrix_has_no_hole(everything: dict[str, Found]) -> None:
    """Every fault trips only what cites what it breaks (or what it names), and every row and lint is tripped.

    A case that no fault trips could not fail; a fault that trips a stranger shows a case that fails for a wrong reason.
    """
    tripped = {name: found.trips for name, found in everything.items()}
    wrong = []
    for name, found in tripped.items():
        if others := strangers(catalogue()[name], found):
            wrong.append(f"{name} ({', '.join(catalogue()[name].breaks)}) trips also: {', '.join(others)}")
        if names := needless(catalogue()[name], found):
            wrong.append(f"{name} names in also_trips what it does not need: {', '.join(names)}")
        if not found:
            wrong.append(f"{name} trips nothing")
    rows = [case.id for case in all_cases() if not case.control] + [rule.id for rule in LINTS]
    wrong += [f"no fault trips {name}" for name in sorted(untripped(rows, tripped))]
    assert "\n".join(wrong) == ""
    assert len(tripped) == len(deviations())
    page = "python -m tests.generated matrix would change it"
    assert (DOCS / "proof.md").read_text(encoding="utf-8") == matrix(tripped), page
