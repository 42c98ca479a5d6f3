"""``show``: a case as its dialogue."""

from __future__ import annotations

import argparse
import difflib

from conformance.case.explain import show
from conformance.case.model import Case
from conformance.command.common import UsageError, catalogue_of, tell
from conformance.engine.exit import OK


def main(given: argparse.Namespace) -> int:
    """Print the case (each row of a table); return the exit code."""
    try:
        print("\n\n".join(show(case) for case in named(given)))
    except UsageError as error:
        return tell(error)
    return OK


def named(given: argparse.Namespace) -> list[Case]:
    """Return the cases that the argument names. Raises UsageError."""
    cases = catalogue_of(given).cases
    name: str = given.case
    found = [case for case in cases if name in (case.id, case.base_id)]
    found = found or [case for case in cases if case.base_id.endswith(f"/{name}") or case.id.endswith(f"/{name}")]
    if found:
        return found
    near = difflib.get_close_matches(
        name, {c.base_id for c in cases} | {c.base_id.split("/")[-1] for c in cases}, 3, 0.5
    )
    hint = f": did you mean {' or '.join(near)}?" if near else " (smtp-conformance list shows all)"
    raise UsageError(f"no case is named {name!r}{hint}")
