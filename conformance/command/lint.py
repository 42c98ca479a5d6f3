"""``lint``: whether suite files are right."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.case.catalog import load_catalogue
from conformance.command.common import tell
from conformance.engine.exit import OK, USAGE


def main(given: argparse.Namespace) -> int:
    """Check the files and print each mistake; return the exit code."""
    paths = [Path(name) for name in given.paths]
    for path in paths:
        if not path.exists():
            return tell(f"{path}: no such file or folder")
    catalogue = load_catalogue(paths)
    if not catalogue.suites and not catalogue.errors:
        return tell(f"no suite file (*.yaml) in {', '.join(map(str, paths)) or 'the cases folder'}")
    for error in catalogue.errors:
        print(error)
    files, cases = len(catalogue.suites), len(catalogue.cases)
    print(f"{files} files, {cases} cases, {len(catalogue.errors)} mistakes")
    return USAGE if catalogue.errors else OK
