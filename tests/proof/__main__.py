"""``python -m tests.proof [GLOB ...]``: what the proof says of some cases and faults, while they are being written.

A glob names case ids, lints or faults; without one everything is proven. Named cases are played against every fault,
named faults against every case. ``--json`` prints what every fault trips.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase

from conformance.case.model import Case
from conformance.reference.faults import Fault
from conformance.smtp.lint import ALL as LINTS
from tests.proof.everything import everything
from tests.proof.harness import (
    all_cases,
    branches,
    deviations,
    faultless,
    needless,
    play_all,
    strangers,
    taken,
    tripped_by,
    tripped_in,
    untripped,
)


def main(globs: Sequence[str]) -> int:
    """Print what is wrong, and return 1 where something is."""
    if globs[:1] == ["--json"]:
        json.dump(everything(), sys.stdout)
        return 0
    begin = time.monotonic()
    chosen = [case for case in all_cases() if _is_named(case.id, globs)]
    rows = [case.id for case in chosen if not case.control] + [r.id for r in LINTS if _is_named(r.id, globs)]
    named = [fault for fault in deviations() if _is_named(fault.name, globs)]
    if not chosen and not named and not rows:
        print("no case, lint or fault has such a name")
        return 1
    problems = _not_passing(chosen)
    if rows:
        problems += _of_rows(chosen, rows)
    if named and globs:
        problems += _of_faults(named)
    for line in problems:
        print(line)
    seconds = time.monotonic() - begin
    print(f"{len(chosen)} cases, {len(named)} faults named, {len(problems)} problems, {seconds:.1f} s")
    return 1 if problems else 0


def _is_named(name: str, globs: Sequence[str]) -> bool:
    escaped = name.replace("[", "(").replace("]", ")")
    return not globs or any(fnmatchcase(escaped, glob.replace("[", "(").replace("]", ")")) for glob in globs)


def _not_passing(cases: Sequence[Case]) -> list[str]:
    played = faultless(cases)[0]
    found = [(case.id, played[case.id]) for case in cases]
    return [
        f"NOT PASSING {name}: {p.verdict}: {p.reason} {p.lints}" for name, p in found if p.verdict != "pass" or p.lints
    ]


def _of_rows(cases: Sequence[Case], rows: Sequence[str]) -> list[str]:
    """Return which of some rows no fault trips, and which faults trip them though they have nothing to do with them."""
    names = {case.id for case in cases} | {name for case in cases for name in case.after}
    everywhere = any(name.startswith("lint/") for name in rows)
    played = [case for case in all_cases() if everywhere or names & {case.id, case.base_id}]
    found = {fault.name: play_all(played, fault) for fault in deviations()}
    tripped = {name: tripped_in(results) for name, results in found.items()}
    lines = [f"UNTRIPPED {name}" for name in sorted(untripped(rows, tripped))]
    decided = {branch for results in found.values() for branch in taken(results)}
    lines += [f"UNTAKEN {name}: {text}" for name, text in branches(cases).items() if name not in decided]
    for fault in deviations():
        lines += _stranger(fault, [name for name in tripped[fault.name] if name in rows])
        lines += [] if tripped[fault.name] or len(rows) < len(all_cases()) / 2 else [f"TRIPS NOTHING {fault.name}"]
    return lines


def _of_faults(faults: Sequence[Fault]) -> list[str]:
    """Return what is wrong with some faults, played against every case."""
    lines = []
    for fault in faults:
        tripped = tripped_by(fault)
        print(f"{fault.name} trips {', '.join(tripped) or 'NOTHING'}")
        lines += [] if tripped else [f"TRIPS NOTHING {fault.name}"]
        lines += _stranger(fault, tripped)
        lines += [f"NEEDLESS {fault.name}: {', '.join(names)}" for names in [needless(fault, tripped)] if names]
    return lines


def _stranger(fault: Fault, tripped: Sequence[str]) -> list[str]:
    others = strangers(fault, tripped)
    return [f"STRANGER {fault.name} ({', '.join(fault.breaks)}): {', '.join(others)}"] if others else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
