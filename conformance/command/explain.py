"""``explain``: a case or a requirement in English."""

from __future__ import annotations

import argparse

from conformance.case.explain import explain, requirement_lines
from conformance.command.common import UsageError, catalogue_of, tell
from conformance.command.show import named
from conformance.engine.exit import OK


def main(given: argparse.Namespace) -> int:
    """Print the explanation; return the exit code."""
    from conformance.requirement.registry import find

    try:
        if find(given.case) is not None:
            print("\n".join(requirement_lines(given.case)))
            testing = [case for case in catalogue_of(given).cases if given.case in case.requirement]
            print("\ntested by:" if testing else "\nno case tests it")
            for case in testing:
                print(f"  {case.id}  {case.title}")
        else:
            print("\n\n".join(explain(case) for case in named(given)))
    except UsageError as error:
        return tell(error)
    return OK
