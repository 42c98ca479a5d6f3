"""How results are put together for a reader: rows of one case into one entry, entries into the parts of a document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.report import documents
from conformance.report.text import visible
from conformance.stream import Event, Result

_RFC = re.compile(r"rfc([0-9]{1,5})(?:-|\Z)")
_NUMBERED = re.compile(r"([0-9]+(?:\.[0-9]+)*(?:\.[a-z])?)-(.*)\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """A case, or those rows of its table that came to the same verdict."""

    id: str
    title: str
    results: tuple[Result, ...]

    @property
    def first(self) -> Result:
        """The result that stands for all."""
        return self.results[0]


def base_id(name: str) -> str:
    """Return the id of a case without its row."""
    return name.partition("[")[0]


def row_of(result: Result) -> str:
    """Return the name of a result's row, or its title where it has none."""
    return result.id.partition("[")[2].removesuffix("]") or result.title


def entries(results: Iterable[Result]) -> list[Entry]:
    """Return the results as entries, in the order of their first results."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((base_id(result.id), result.verdict), []).append(result)
    found = []
    for (name, _), rows in groups.items():
        if len(rows) == 1:
            found.append(Entry(rows[0].id, rows[0].title, tuple(rows)))
        else:
            found.append(Entry(name, _common_title(rows), tuple(rows)))
    return found


def _common_title(rows: list[Result]) -> str:
    titles = {_without_row(row) for row in rows}
    return titles.pop() if len(titles) == 1 else _without_row(rows[0])


def _without_row(result: Result) -> str:
    for suffix in (f" [{row_of(result)}]", f" [control: {row_of(result)}]", " [control]"):
        if result.title.endswith(suffix):
            return result.title.removesuffix(suffix)
    return result.title


def place(name: str) -> tuple[str, str]:
    """Return the folder and the suite file of a case: ``rfc5321`` and ``4.5.2-transparency``."""
    folder, _, rest = base_id(name).partition("/")
    return folder, rest.rpartition("/")[0]


def folder_title(folder: str) -> str:
    """Return what the cases of a folder are about: ``RFC 2920 · PIPELINING``."""
    if folder == "lint":
        return "On every reply"
    match = _RFC.match(folder)
    if match is None:
        return visible(folder.replace("-", " ").capitalize())
    subject = documents.subject(f"RFC{match[1]}")
    return f"RFC {match[1]}" + (f" · {subject}" if subject else "")


def section_title(section: str) -> str:
    """Return what a suite file is about: ``4.5.2 Transparency``."""
    match = _NUMBERED.match(section)
    number, words = (match[1], match[2]) if match else ("", section)
    words = visible(words.replace("-", " ").replace("/", " · "))
    return f"{number} {words[:1].upper()}{words[1:]}".strip()


def exchange(result: Result) -> tuple[Event | None, Event | None]:
    """Return what decided a result: what the client sent last, and what came of it (either may be None)."""
    decided: Event | None = None
    asked: Event | None = None
    lint = result.id.startswith("lint/")
    for entry in reversed(result.transcript):
        if entry.get("phase") == "finally" and not lint:
            continue
        if decided is None:
            if entry.get("decides") or entry.get("met") is False or (lint and entry.get("from") == "S"):
                decided = entry
        elif entry.get("from") == "C" and entry.get("session", 1) == decided.get("session", 1):
            asked = entry
            break
    return asked, decided
