"""Enhanced status codes (RFC 3463): their syntax, and the codes that are registered (RFC 5248).

``status.jsonl`` has one line a code: what it means, the classes in which it makes sense, and the reply codes that the
registry associates with it. That list is not exclusive (RFC 5248 section 2.4), and none for many codes; so a pair that
is not in it informs. The registry of November 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("status.jsonl")

LIKE = re.compile(rb"([0-9])\.([0-9]+)\.([0-9]+)(?![0-9.])")
"""What looks like an enhanced status code at the beginning of a text, however wrong."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of one enhanced status code; ``code`` is like ``X.1.1``."""

    code: str
    meaning: str
    classes: frozenset[int]
    replies: frozenset[int]
    """The reply codes that go with it; empty where none is given."""


@cache
def known() -> Mapping[str, Status]:
    """Return the registered codes by subject and detail: ``1.1`` to the entry of X.1.1."""
    with _FILE.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return {
        entry["code"].removeprefix("X."): Status(
            entry["code"], entry["meaning"], frozenset(entry["classes"]), frozenset(entry.get("replies", ()))
        )
        for entry in entries
    }


def find(status: str) -> Status | None:
    """Return the registered entry of a code as it stands in a reply (``5.1.1``), or None."""
    return known().get(status.partition(".")[2])
