"""``schema``: the JSON Schemas, for editors and other tools."""

from __future__ import annotations

import argparse

from conformance.engine.exit import OK


def main(given: argparse.Namespace) -> int:
    """Print a JSON Schema; return the exit code."""
    print(text(given.what), end="")
    return OK


def text(what: str) -> str:
    """Return a schema as the text that files of it hold."""
    import json

    from conformance.case.schema import SCHEMAS

    return json.dumps(SCHEMAS[what], indent=2) + "\n"
