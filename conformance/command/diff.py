"""``diff``: what changed from one run to another."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from conformance.command.common import tell
from conformance.engine.exit import FINDINGS, OK
from conformance.stream import StreamError, read


def main(given: argparse.Namespace) -> int:
    """Print the comparison; return 1 where there are new findings, else 0."""
    from conformance.report.account import Paint
    from conformance.report.difference import WORSE, compare, told
    from conformance.report.terminal import coloured

    try:
        before, after = read(Path(given.before)), read(Path(given.after))
    except StreamError as error:
        return tell(error)
    except OSError as error:
        return tell(f"{error.filename}: {error.strerror}")
    for line in told(before, after, Paint(on=coloured(sys.stdout, os.environ))):
        print(line)
    return FINDINGS if any(change.kind == WORSE for change in compare(before, after)) else OK
