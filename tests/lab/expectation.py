"""What a target is known to answer: one file per target, every result that is not ``pass``, each explained.

An entry names cases by a glob over their ids and the one verdict that they have, says in a sentence why, and where the
RFC or the server's documentation says so. A result that no entry explains is unexpected; an entry that explains nothing
is stale. Both fail the run: when a case, a server or a verdict changes, somebody has to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from conformance.stream import Result
from tests.lab.kit.place import LAB

FOLDER = LAB / "expectations"
UNEXPLAINED = "unexplained"
"""The reason that ``--update`` writes; a run fails until somebody writes a better one."""

VERDICTS = ("fail", "warn", "info", "n/a", "untested", "inconclusive", "error")
KEYS = {"case", "verdict", "reason", "reference"}


class ExpectationError(Exception):
    """An expectation file is not as it should be; says where."""


@dataclass(frozen=True)
class Expectation:
    """Why results are not ``pass``."""

    case: str
    """A glob over case ids: ``*`` and ``?``; brackets are as they stand, for rows have them."""
    verdict: str
    reason: str
    reference: str

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.case).replace(r"\*", ".*").replace(r"\?", "."))

    def names(self, case: str) -> bool:
        """Return whether the glob covers a case id."""
        return self._pattern.fullmatch(case) is not None

    def explains(self, result: Result) -> bool:
        """Return whether this is the reason for a result."""
        return result.verdict == self.verdict and self.names(result.id)


@dataclass
class Comparison:
    """How a run and the expectations differ."""

    unexpected: list[tuple[Result, str]] = field(default_factory=list)
    """Results that nothing explains, with what was expected instead, in words."""
    stale: list[Expectation] = field(default_factory=list)
    unexplained: list[Expectation] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all is as expected and explained."""
        return not (self.unexpected or self.stale or self.unexplained)


def path_of(target: str) -> Path:
    """Return the expectation file of a target."""
    return FOLDER / f"{target}.yaml"


def read(target: str) -> list[Expectation]:
    """Return what is expected of a target; nothing where there is no file. Raises ExpectationError."""
    import yaml

    path = path_of(target)
    if not path.exists():
        return []
    try:
        entries = yaml.safe_load(path.read_text()) or []
    except yaml.YAMLError as error:
        raise ExpectationError(f"{path}: {error}") from None
    if not isinstance(entries, list):
        raise ExpectationError(f"{path}: a list of entries with {', '.join(sorted(KEYS))}")
    return [_entry(entry, f"{path}, entry {number}") for number, entry in enumerate(entries, 1)]


def _entry(entry: Any, where: str) -> Expectation:
    if not isinstance(entry, dict) or set(entry) != KEYS or not all(isinstance(v, str) for v in entry.values()):
        raise ExpectationError(f"{where}: it has case, verdict, reason and reference, each a text")
    if entry["verdict"] not in VERDICTS:
        raise ExpectationError(f"{where}: the verdict is one of {', '.join(VERDICTS)}, not {entry['verdict']!r}")
    return Expectation(**entry)


def compare(expected: Sequence[Expectation], results: Iterable[Result], *, whole: bool = True) -> Comparison:
    """Return how results differ from what is expected; ``whole`` is false when only some cases were played."""
    comparison = Comparison(unexplained=[e for e in expected if UNEXPLAINED in (e.reason, e.reference)])
    results = list(results)
    used: set[int] = set()
    for result in results:
        reasons = [index for index, entry in enumerate(expected) if entry.explains(result)]
        used.update(reasons)
        if not reasons and result.verdict != "pass":
            others = sorted({entry.verdict for entry in expected if entry.names(result.id)})
            comparison.unexpected.append((result, " or ".join(others) or "pass"))
    for index, entry in enumerate(expected):
        played = whole or any(entry.names(result.id) for result in results)
        if index not in used and played:
            comparison.stale.append(entry)
    return comparison


def write(target: str, expected: Iterable[Expectation]) -> Path:
    """Write an expectation file in its one form, sorted, and return its path; the comment on top stays."""
    import yaml

    path = path_of(target)
    comment = []
    for line in path.read_text().splitlines() if path.exists() else ():
        if not line.startswith("#"):
            break
        comment.append(line)
    FOLDER.mkdir(exist_ok=True)
    blocks = (
        yaml.safe_dump([vars_of(entry)], sort_keys=False, allow_unicode=True, width=112)
        for entry in sorted(set(expected), key=lambda e: (e.case, e.verdict))
    )
    path.write_text("".join(f"{line}\n" for line in comment) + "\n".join(blocks))
    return path


def vars_of(entry: Expectation) -> dict[str, str]:
    """Return an entry as it stands in the file."""
    return {"case": entry.case, "verdict": entry.verdict, "reason": entry.reason, "reference": entry.reference}


def updated(expected: Sequence[Expectation], comparison: Comparison) -> list[Expectation]:
    """Return the entries without the stale ones and with one for each unexpected result, unexplained."""
    kept = [entry for entry in expected if entry not in comparison.stale]
    return kept + list(_added(comparison))


def _added(comparison: Comparison) -> Iterator[Expectation]:
    """Yield new entries; the rows of one case that have one verdict share an entry when all of them are there."""
    for result, _ in comparison.unexpected:
        yield Expectation(result.id, result.verdict, UNEXPLAINED, result.spec or UNEXPLAINED)
