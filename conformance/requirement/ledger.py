"""The ledger: for every requirement the cases that test it, or the reason why none does.

A requirement is *tested* where a case or a lint cites it, or one that says the same (``same_as`` of the registry). It
is *excluded* where ``excluded/rfcNNNN.jsonl`` gives a reason, or where it follows from the entry itself: nothing shows
it from outside, or it binds somebody else than the server. Anything else is *open*: work to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conformance.case.model import Case
from conformance.requirement.registry import Requirement, all_requirements

TESTED, EXCLUDED, OPEN = STATES = ("tested", "excluded", "open")

EXCLUSIONS = Path(__file__).with_name("excluded")
WORDS = Path(__file__).with_name("words")

OUTSIDE = {
    "client": "binds SMTP clients; of a server that is one, only what a next hop sees that takes everything is tested",
    "gateway": "binds gateways to other mail systems, whose far side SMTP does not show",
}
"""Why a requirement is excluded by whom it binds."""

UNSEEN = "nothing that is sent or delivered shows it"
PERMITTED = "a permission: a server that does not use it breaks nothing"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of one requirement."""

    requirement: Requirement
    cases: tuple[str, ...] = ()
    """Ids of the cases that cite it, without rows."""
    lints: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    """Tested requirements that say the same."""
    faults: tuple[str, ...] = ()
    """Ways to break the reference server that break it."""
    reason: str = ""
    """Why it is excluded, where it is."""

    @property
    def state(self) -> str:
        """``tested``, ``excluded`` or ``open``."""
        if self.cases or self.lints or self.by:
            return TESTED
        return EXCLUDED if self.reason else OPEN


@dataclass(frozen=True, slots=True)
class Word:
    """One RFC 2119 word of a document, in reading order; ``reason`` where no requirement comes of it."""

    no: int
    word: str
    section: str
    reason: str = ""


def _lines(file: Path) -> Iterator[dict[str, str]]:
    if file.is_file():
        with file.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines)


def excluded(file: Path) -> list[tuple[str, str]]:
    """Return the ids and reasons of a file of exclusions, in their order."""
    return [(line["id"], line["reason"]) for line in _lines(file)]


@cache
def exclusions() -> Mapping[str, str]:
    """Return why each explicitly excluded requirement is not tested, by id."""
    return {name: reason for file in sorted(EXCLUSIONS.glob("*.jsonl")) for name, reason in excluded(file)}


def words(rfc: int) -> list[Word]:
    """Return the RFC 2119 words of a document (of RFC 5321 from section 2 on, of RFC 1123 section 5); often none."""
    return [Word(**line) for line in _lines(WORDS / f"rfc{rfc}.jsonl")]  # type: ignore[arg-type]


def implied_reason(entry: Requirement) -> str:
    """Return why a requirement needs no test, as far as its own entry says so; else nothing."""
    if entry.subject in OUTSIDE:
        return OUTSIDE[entry.subject]
    if entry.observable == "no":
        return UNSEEN
    return PERMITTED if entry.level == "MAY" else ""


def ledger(cases: Iterable[Case], *, faults: bool = False) -> list[Entry]:
    """Return an entry for every requirement, by document; ``faults``: with the faults that break it."""
    by_case = _citations((name, case.base_id) for case in cases if case.row != "control" for name in case.requirement)
    by_lint = _citations(_lint_citations())
    by_fault = _citations(_fault_citations()) if faults else {}
    same = _same()
    explicit = exclusions()
    return [
        Entry(
            entry,
            by_case.get(entry.id, ()),
            by_lint.get(entry.id, ()),
            tuple(sorted(name for name in same.get(entry.id, ()) if name in by_case or name in by_lint)),
            by_fault.get(entry.id, ()),
            explicit.get(entry.id) or implied_reason(entry),
        )
        for entry in all_requirements()
    ]


def _citations(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for name, by in pairs:
        found.setdefault(name, {})[by] = None
    return {name: tuple(by) for name, by in found.items()}


def _lint_citations() -> Iterator[tuple[str, str]]:
    from conformance.smtp.lint import ALL

    return ((name, rule.id) for rule in ALL for name in rule.requirement)


def _fault_citations() -> Iterator[tuple[str, str]]:
    from conformance.reference.faults import catalogue

    return ((name, fault.name) for fault in catalogue().values() for name in fault.breaks)


@cache
def _same() -> Mapping[str, frozenset[str]]:
    """Return the requirements that restate each other, both ways."""
    pairs: dict[str, set[str]] = {}
    for entry in all_requirements():
        for other in entry.same_as:
            pairs.setdefault(entry.id, set()).add(other)
            pairs.setdefault(other, set()).add(entry.id)
    return {name: frozenset(others) for name, others in pairs.items()}


def counts(entries: Iterable[Entry]) -> dict[str, int]:
    """Return how many entries have each state."""
    found = dict.fromkeys(STATES, 0)
    for entry in entries:
        found[entry.state] += 1
    return found


def by_section(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return entries by section, the sections in the order of the document."""
    sections: dict[str, list[Entry]] = {}
    for entry in entries:
        sections.setdefault(entry.requirement.section, []).append(entry)
    return {name: sections[name] for name in sorted(sections, key=_order)}


def _order(section: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in section.split("."))
