"""``coverage``: the ledger of requirements."""

from __future__ import annotations

import argparse

from conformance.command.common import UsageError, catalogue_of, tell
from conformance.engine.exit import OK


def main(given: argparse.Namespace) -> int:
    """Print which requirements have cases; return the exit code."""
    from conformance.requirement import ledger

    try:
        cases = catalogue_of(given).cases
    except UsageError as error:
        return tell(error)
    print(ledger.text(cases, given.document))
    return OK
