"""``explain``: a case or a requirement in English."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from conformance.case.english import explain
from conformance.case.explain import requirement_lines
from conformance.case.model import Case
from conformance.command.common import UsageError, catalogue_of, tell
from conformance.command.show import named
from conformance.engine.exit import OK


def main(given: argparse.Namespace) -> int:
    """Print the explanation; return the exit code."""
    from conformance.requirement.registry import find, suggest

    try:
        if find(given.case) is not None:
            print("\n".join(_requirement(given)))
        elif re.match(r"RFC\d+-", given.case):
            near = suggest(given.case)
            hint = f": did you mean {' or '.join(near)}?" if near else " (coverage lists all)"
            return tell(f"no requirement is named {given.case!r}{hint}")
        else:
            tables: dict[str, list[Case]] = {}
            for case in named(given):
                tables.setdefault(case.base_id, []).append(case)
            print("\n\n".join(map(explain, tables.values())))
    except UsageError as error:
        return tell(error)
    return OK


def _requirement(given: argparse.Namespace) -> Iterator[str]:
    """Yield what a requirement asks, how it is told, and what tests it or why nothing does."""
    from conformance.requirement.ledger import ledger

    (entry,) = [entry for entry in ledger(catalogue_of(given).cases, faults=True) if entry.requirement.id == given.case]
    yield from requirement_lines(given.case)
    yield f"\nHow it is told: {entry.requirement.how}"
    if entry.requirement.caution:
        yield f"Note: {entry.requirement.caution}"
    if entry.state != "tested":
        yield f"\nNot tested: {entry.reason}" if entry.reason else "\nNo case tests it yet"
    for title, names in (
        ("Tested by", (*entry.cases, *entry.lints)),
        ("Tested, for it says the same, with", entry.by),
        ("Faults that break it (smtp-conformance serve --fault NAME)", entry.faults),
    ):
        if names:
            yield f"\n{title}:"
            yield from (f"  {name}" for name in names)
