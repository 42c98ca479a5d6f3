"""The verdict of each case against each recorded server is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.model import Case
from conformance.engine import virtual
from conformance.engine.player import play
from conformance.engine.run import setting_for
from conformance.target import Target
from tests.lab.kit import mx
from tests.proof.harness import all_cases
from tests.recorded.recording import FOLDER, Recorded, read
from tests.recorded.replay import RecordedDialer, RecordedMailbox

TARGET = {name: value for name, value in mx(25).items() if name not in ("host", "port")}
"""What the recorded servers' target files in the lab say."""

FILES = sorted(FOLDER.glob("*.xz"))


async def replayed(pairs: list[tuple[Case, Recorded]]) -> dict[str, str]:
    """Return the outcome of each case, played against its recording."""
    outcomes = {}
    for case, recorded in pairs:
        target = Target(**TARGET, observer={"recorded": "mailbox"})
        setting = await setting_for(target, RecordedDialer(recorded), RecordedMailbox(recorded))
        outcomes[case.id] = (await play(case, setting)).outcome
    return outcomes


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
