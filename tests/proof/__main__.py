"""``python -m tests.proof [GLOB ...]``: what the proof says of some cases and faults, while they are being written.

A glob names case ids or faults; without one everything is proven. Named cases are played against every fault, named
faults against every case.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase

from conformance.smtp.lint import ALL as LINTS
from tests.proof.harness import all_cases, deviations, reference, strangers, tripped_by, untripped


def main(globs: Sequence[str]) -> int:
    """Print what is wrong, and return 1 where something is."""
    begin = time.monotonic()
    rows = [case.id for case in all_cases() if not case.control] + [rule.id for rule in LINTS]
    chosen = [name for name in reference()[0] if _is_named(name, globs)]
    proven = [name for name in rows if _is_named(name, globs)]
    faults = [fault for fault in deviations() if _is_named(fault.name, globs)]
    if not chosen and not faults and not proven:
        print("no case, lint or fault has such a name")
        return 1
    problems = [*_not_passing(chosen), *_untripped(proven), *_faults(faults or deviations(), set(chosen), bool(faults))]
    for line in problems:
        print(line)
    seconds = time.monotonic() - begin
    print(f"{len(chosen)} cases, {len(faults)} faults named, {len(problems)} problems, {seconds:.1f} s")
    return 1 if problems else 0


def _is_named(name: str, globs: Sequence[str]) -> bool:
    escaped = name.replace("[", "(").replace("]", ")")
    return not globs or any(fnmatchcase(escaped, glob.replace("[", "(").replace("]", ")")) for glob in globs)


def _not_passing(names: Sequence[str]) -> list[str]:
    found = [(name, reference()[0][name]) for name in names]
    return [
        f"NOT PASSING {name}: {p.verdict}: {p.reason} {p.lints}" for name, p in found if p.verdict != "pass" or p.lints
    ]


def _untripped(rows: Sequence[str]) -> list[str]:
    return [f"UNTRIPPED {name}" for name in sorted(untripped(rows, deviations()))]


def _faults(faults: Sequence[object], chosen: set[str], named: bool) -> list[str]:
    lines = []
    for fault in deviations():
        if fault not in faults:
            continue
        tripped = tripped_by(fault)
        others = [name for name in strangers(fault, tripped) if named or name in chosen or name.startswith("lint/")]
        if others:
            lines.append(f"STRANGER {fault.name} ({', '.join(fault.breaks)}): {', '.join(others)}")
        if named:
            print(f"{fault.name} trips {', '.join(tripped) or 'NOTHING'}")
            lines += [] if tripped else [f"TRIPS NOTHING {fault.name}"]
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
