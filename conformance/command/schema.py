"""``schema``: the JSON Schemas, for editors and other tools."""

from __future__ import annotations

import argparse
import json

from conformance.engine.exit import OK


def main(given: argparse.Namespace) -> int:
    """Print a JSON Schema; return the exit code."""
    from conformance.case.schema import SCHEMAS

    print(json.dumps(SCHEMAS[given.what], indent=2))
    return OK
