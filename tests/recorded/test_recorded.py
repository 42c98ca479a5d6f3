"""The verdict of each case against each recorded server is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.engine import virtual
from tests.proof.harness import all_cases
from tests.recorded.recording import FOLDER, read
from tests.recorded.replay import replayed

FILES = sorted(FOLDER.glob("*.xz"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.partition(".")[0])
def test_outcomes_are_as_recorded(file: Path) -> None:
    """A case that is as it was when recorded comes to the same outcome."""
    cases = {case.id: case for case in all_cases()}
    pairs = [(cases[r.case], r) for r in read(file) if r.case in cases and cases[r.case].hash == r.hash]
    outcomes = virtual.run(replayed(pairs))
    changed = {r.case: (r.outcome, outcomes[c.id]) for c, r in pairs if outcomes[c.id] != r.outcome}
    assert changed == {}


def test_recordings_are_of_todays_cases() -> None:
    """Most recordings fit the cases as they are: otherwise record again (``python -m tests.recorded``)."""
    cases = {case.id: case.hash for case in all_cases()}
    for file in FILES:
        recordings = read(file)
        fresh = sum(cases.get(r.case) == r.hash for r in recordings)
        assert fresh >= 0.75 * len(recordings), f"{file.name}: {fresh} of {len(recordings)} recordings fit"
