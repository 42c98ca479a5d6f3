"""Every fault against every case, in several processes."""

from __future__ import annotations

import gc
import multiprocessing
from typing import NamedTuple

from conformance.reference.faults import catalogue
from tests.proof import harness, tape

PROCESSES = 2
CHUNK = 4
"""So many faults are handed to a process at a time: some take a hundred times longer than others."""


class Found(NamedTuple):
    """What a fault does to all cases."""

    trips: list[str]
    """Cases and lints."""
    takes: list[str]
    """Alternatives that decided, by the names of ``harness.branches``."""


def everything(processes: int = PROCESSES) -> dict[str, Found]:
    """Return what every fault does, by the fault's name.

    The tapes are made once; processes that are forked share them. Call it where no other thread runs.
    """
    names = [fault.name for fault in harness.deviations()]
    forks = "fork" in multiprocessing.get_all_start_methods()
    if forks:
        harness.reference()
        gc.collect()
        gc.freeze()
    with multiprocessing.get_context("fork" if forks else None).Pool(processes) as pool:
        return dict(zip(names, pool.map(_found, names, CHUNK), strict=True))


def _found(name: str) -> Found:
    played = harness.play_all(harness.all_cases(), catalogue()[name])
    tape.forget()
    return Found(harness.tripped_in(played), harness.taken(played))
