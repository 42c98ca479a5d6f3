"""What the lab's targets are known to answer: every result that is not ``pass``, each explained.

A file per server, and ``shared.yaml`` for what several servers have in common. An entry names cases by a glob over
their ids and the one verdict that they have, says in a sentence why, and where the RFC or the server's documentation
says so. ``targets`` are globs over target names (in a server's own file: all its targets, unless it says otherwise);
``says`` is a glob over the reason that the suite gave. A result that no entry explains is unexpected; an entry that
explains nothing, for one of its globs over targets, is stale. Both fail the run: when a case, a server or a verdict
changes, somebody has to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from conformance.stream import Result
from tests.lab.kit.place import LAB

FOLDER = LAB / "expectations"
SHARED = "shared"
UNREAD = "unread:"
"""The reason begins so where ``--update`` wrote the entry and nobody has read it against the RFC yet."""

VERDICTS = ("fail", "warn", "info", "n/a", "untested", "inconclusive", "error")
KEYS = ("targets", "case", "verdict", "says", "reason", "reference")
OPTIONAL = ("targets", "says")


class ExpectationError(Exception):
    """An expectation file is not as it should be; says where."""


@dataclass(frozen=True)
class Expectation:
    """Why results are not ``pass``."""

    file: str
    """The server's name, or ``shared``."""
    case: str
    """A glob over case ids: ``*`` and ``?``; brackets are as they stand, for rows have them."""
    verdict: str
    reason: str
    reference: str
    targets: str = ""
    """Globs over target names, parted by spaces; none: the server's own."""
    says: str = ""
    """A glob over the suite's reason; none: any."""

    @cached_property
    def target_globs(self) -> tuple[str, ...]:
        """The globs over target names."""
        return tuple(self.targets.split()) or (self.file, f"{self.file}-*")

    def names(self, case: str) -> bool:
        """Return whether the glob covers a case id."""
        return matches(self.case, case)

    def explains(self, target: str, result: Result) -> bool:
        """Return whether this is the reason for a result."""
        return (
            result.verdict == self.verdict
            and self.names(result.id)
            and (not self.says or matches(self.says, result.reason))
            and any(matches(glob, target) for glob in self.target_globs)
        )


def matches(glob: str, text: str) -> bool:
    """Return whether a text is covered by a glob with ``*`` and ``?``."""
    return _pattern(glob).fullmatch(text) is not None


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(re.escape(glob).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


@dataclass
class Comparison:
    """How the results of one target and the expectations differ."""

    target: str = ""
    unexpected: list[tuple[Result, str]] = field(default_factory=list)
    """Results that nothing explains, with what was expected instead, in words."""
    used: set[Expectation] = field(default_factory=set)

    @property
    def unread(self) -> list[Expectation]:
        """The entries used that nobody has read against the RFC yet."""
        return [entry for entry in self.used if entry.reason.startswith(UNREAD)]

    @property
    def clean(self) -> bool:
        """Whether all is as expected."""
        return not self.unexpected


def path_of(file: str) -> Path:
    """Return the path of a server's file, or of the shared one."""
    return FOLDER / f"{file}.yaml"


def read(server: str) -> list[Expectation]:
    """Return what is expected of a server's targets, and what is shared. Raises ExpectationError."""
    return read_file(server) + read_file(SHARED)


def read_file(file: str) -> list[Expectation]:
    """Return the entries of one file; nothing where there is none. Raises ExpectationError."""
    import yaml

    path = path_of(file)
    if not path.exists():
        return []
    try:
        entries = yaml.safe_load(path.read_text()) or []
    except yaml.YAMLError as error:
        raise ExpectationError(f"{path}: {error}") from None
    if not isinstance(entries, list):
        raise ExpectationError(f"{path}: a list of entries with {', '.join(KEYS)}")
    return [_entry(file, entry, f"{path}, entry {number}") for number, entry in enumerate(entries, 1)]


def _entry(file: str, entry: Any, where: str) -> Expectation:
    needed = set(KEYS) - set(OPTIONAL)
    if not isinstance(entry, dict) or not needed <= set(entry) <= set(KEYS):
        raise ExpectationError(f"{where}: it has {', '.join(KEYS)}, of which {' and '.join(OPTIONAL)} may be left out")
    if not all(isinstance(value, str) for value in entry.values()):
        raise ExpectationError(f"{where}: each value is a text")
    if entry["verdict"] not in VERDICTS:
        raise ExpectationError(f"{where}: the verdict is one of {', '.join(VERDICTS)}, not {entry['verdict']!r}")
    if file == SHARED and "targets" not in entry:
        raise ExpectationError(f"{where}: what is shared names its targets")
    return Expectation(file, **entry)


def compare(target: str, expected: Sequence[Expectation], results: Iterable[Result]) -> Comparison:
    """Return how the results of a target differ from what is expected."""
    comparison = Comparison(target)
    for result in results:
        reasons = [entry for entry in expected if entry.explains(target, result)]
        comparison.used.update(reasons)
        if not reasons and result.verdict != "pass":
            others = sorted(
                {e.verdict for e in expected if e.names(result.id) and any(matches(g, target) for g in e.target_globs)}
            )
            comparison.unexpected.append((result, " or ".join(others) or "pass"))
    return comparison


def stale(expected: Iterable[Expectation], comparisons: Sequence[Comparison]) -> Iterator[tuple[Expectation, str]]:
    """Yield entries that explain nothing, with the glob over targets for which that is so.

    ``comparisons`` are those of targets for which every case was played.
    """
    for entry in dict.fromkeys(expected):
        for glob in entry.target_globs:
            covered = [c for c in comparisons if matches(glob, c.target)]
            own = not entry.targets and len(entry.target_globs) > 1
            if own:
                covered = [c for c in comparisons if any(matches(g, c.target) for g in entry.target_globs)]
            if covered and not any(entry in c.used for c in covered):
                yield entry, glob
            if own:
                break
