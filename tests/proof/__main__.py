"""``python -m tests.proof [GLOB ...]``: what the proof says of some cases and faults, while they are being written.

A glob names case ids or faults; without one everything is proven. Named cases are played against every fault, named
faults against every case.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase

from conformance.case.model import Case
from conformance.reference.faults import Fault
from conformance.smtp.lint import ALL as LINTS
from tests.proof.harness import all_cases, deviations, faultless, strangers, tripped_by, untripped


def main(globs: Sequence[str]) -> int:
    """Print what is wrong, and return 1 where something is."""
    begin = time.monotonic()
    rows = [case.id for case in all_cases() if not case.control] + [rule.id for rule in LINTS]
    chosen = [case for case in all_cases() if _is_named(case.id, globs)]
    proven = [name for name in rows if _is_named(name, globs)]
    named = [fault for fault in deviations() if _is_named(fault.name, globs)]
    if not chosen and not named and not proven:
        print("no case, lint or fault has such a name")
        return 1
    problems = [*_not_passing(chosen), *_untripped(proven), *(_faults(named) if named else _strangers(chosen))]
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


def _untripped(rows: Sequence[str]) -> list[str]:
    return [f"UNTRIPPED {name}" for name in sorted(untripped(rows, deviations()))]


def _faults(faults: Sequence[Fault]) -> list[str]:
    """Return what is wrong with some faults, played against every case."""
    lines = []
    for fault in faults:
        tripped = tripped_by(fault)
        print(f"{fault.name} trips {', '.join(tripped) or 'NOTHING'}")
        lines += [] if tripped else [f"TRIPS NOTHING {fault.name}"]
        lines += _stranger(fault, tripped)
    return lines


def _strangers(cases: Sequence[Case]) -> list[str]:
    """Return the faults that trip some cases and have nothing to do with them."""
    controls = {name for case in cases for name in case.after}
    played = [case for case in all_cases() if case in cases or case.id in controls]
    return [line for fault in deviations() for line in _stranger(fault, tripped_by(fault, played))]


def _stranger(fault: Fault, tripped: Sequence[str]) -> list[str]:
    others = strangers(fault, tripped)
    return [f"STRANGER {fault.name} ({', '.join(fault.breaks)}): {', '.join(others)}"] if others else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
