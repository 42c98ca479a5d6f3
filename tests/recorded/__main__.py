"""``python -m tests.recorded NAME RUN.jsonl``: make the recording of a server of a run against it.

Kept is what comes to the same outcome when it is replayed: not so are controls, whose outcome the scheduler changes,
and cases that read several mailboxes. Those that ask whether a date is now would soon come to another one.
"""

import sys
from pathlib import Path

from conformance.case.model import Case, Delivered
from conformance.engine import virtual
from conformance.stream import read
from tests.proof.harness import all_cases
from tests.recorded.recording import FOLDER, record, write
from tests.recorded.replay import replayed


def is_dated(case: Case) -> bool:
    """Whether a case compares dates with the time at which it is played."""
    return any(isinstance(step, Delivered) and step.dated is not None for step in case.dialogue)


name, stream = sys.argv[1:]
cases = {case.id: case for case in all_cases()}
made = list(record(read(Path(stream)).results))
pairs = [(cases[item.case], item) for item in made if item.case in cases and cases[item.case].hash == item.hash]
outcomes = virtual.run(replayed(pairs))
kept = [item for case, item in pairs if outcomes[case.id] == item.outcome and not is_dated(case)]
write(kept, FOLDER / f"{name}.jsonl.xz")
print(f"{FOLDER / name}.jsonl.xz: {len(kept)} cases, {len(made) - len(kept)} left out")
