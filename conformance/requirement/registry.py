"""The registry: every normative statement that the suite knows, one JSON object a line, one file a document.

Security has checks that no sentence of a document asks for. They are in ``security.jsonl``, with ids that begin
with ``SEC-``, and have ``source`` instead of a section.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")

_ID = re.compile(r"(RFC\d+|SEC)-")
_FILES = {"SEC": "security"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative statement; ``statement`` is in our own words, the RFC's text is the only norm."""

    id: str
    level: str
    subject: str
    topic: str
    statement: str
    observable: str
    how: str
    rfc: int = 0
    """The document, 0 where no RFC has the statement."""
    section: str = ""
    """The section of the document; of security's statements the family."""
    source: tuple[str, ...] = ()
    """Where the statement of a security check comes from: RFC sections, CVEs, advisories, papers."""
    implied: bool = False
    extension: str = ""
    caution: str = ""
    needs: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    keywords: tuple[int, ...] = ()

    @property
    def document(self) -> str:
        """The document that the id names: ``RFC5321``, ``SEC``."""
        return self.id.partition("-")[0]

    @property
    def place(self) -> str:
        """Where the statement is made, in words."""
        return f"RFC {self.rfc} section {self.section}" if self.rfc else "; ".join(self.source)


_FIELDS = {field.name for field in fields(Requirement)}


@cache
def _document(name: str) -> dict[str, Requirement]:
    """Return the statements of a document (``RFC5321``, ``SEC``) by id."""
    file = DATA / f"{_FILES.get(name, name.lower())}.jsonl"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8") as lines:
        return {entry.id: entry for entry in (_requirement(json.loads(line)) for line in lines)}


def _requirement(values: dict[str, Any]) -> Requirement:
    kept: dict[str, Any] = {"section": values["topic"]}
    for key, value in values.items():
        if key in _FIELDS:
            kept[key] = tuple(value) if isinstance(value, list) else value
    return Requirement(**kept)


def find(name: str) -> Requirement | None:
    """Return the requirement with this id, or None."""
    match = _ID.match(name)
    return _document(match[1]).get(name) if match else None


def requirement(name: str) -> Requirement:
    """Return the requirement with this id. Raises KeyError."""
    found = find(name)
    if found is None:
        raise KeyError(name)
    return found


def statement(name: str) -> str | None:
    """Return what a requirement asks, or None for an unknown id."""
    found = find(name)
    return found.statement if found else None


def all_requirements() -> Iterator[Requirement]:
    """Yield every requirement, by document; those of security come last."""
    for file in sorted(DATA.glob("rfc*.jsonl"), key=lambda file: int(file.stem[3:])):
        yield from _document(file.stem.upper()).values()
    yield from _document("SEC").values()


def suggest(name: str) -> list[str]:
    """Return the ids nearest to a mistyped one."""
    import difflib

    match = _ID.match(name)
    known = list(_document(match[1])) if match else [entry.id for entry in all_requirements()]
    return difflib.get_close_matches(name, known, n=3, cutoff=0.6)
