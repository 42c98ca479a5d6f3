"""``list``: the cases, one a line, and what playing them costs."""

from __future__ import annotations

import argparse
from collections import Counter

from conformance.case.catalog import cases_folder
from conformance.case.model import IMPACTS
from conformance.command.common import UsageError, catalogue_of, selected, selection_of, tell
from conformance.engine.exit import NOTHING_PLAYED, OK


def main(given: argparse.Namespace) -> int:
    """Print the selected cases; return the exit code."""
    if given.folder:
        print(cases_folder())
        return OK
    try:
        selection = selection_of(given)
        cases = selected(catalogue_of(given), selection)
    except UsageError as error:
        return tell(error)
    if not cases:
        print(f"no case matches {selection}")
        return NOTHING_PLAYED
    for case in cases:
        print(f"{case.id}  {case.level}  {case.impact}  {case.title}")
    counts = Counter(case.impact for case in cases)
    impacts = ", ".join(f"{counts[name]} {name}" for name in IMPACTS if counts[name])
    sessions = sum(case.connections for case in cases)
    waiting = max((case.waiting for case in cases), default=0.0)
    print(f"\n{len(cases)} cases (impact: {impacts}); about {sessions} connections; the longest waits {waiting:g} s")
    return OK
