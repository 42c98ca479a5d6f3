"""Every fault against every case, in several processes."""

from __future__ import annotations

import gc
import multiprocessing

from tests.proof import harness, tape

PROCESSES = 2
CHUNK = 4
"""So many faults are handed to a process at a time: some take a hundred times longer than others."""


def everything(processes: int = PROCESSES) -> dict[str, list[str]]:
    """Return what every fault trips, by the fault's name.

    The tapes are made once; processes that are forked share them. Call it where no other thread runs.
    """
    names = [fault.name for fault in harness.deviations()]
    forks = "fork" in multiprocessing.get_all_start_methods()
    if forks:
        harness.reference()
        gc.collect()
        gc.freeze()
    with multiprocessing.get_context("fork" if forks else None).Pool(processes) as pool:
        return dict(zip(names, pool.map(_tripped, names, CHUNK), strict=True))


def _tripped(name: str) -> list[str]:
    found = harness.tripped_by_name(name)
    tape.forget()
    return found
