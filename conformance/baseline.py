"""The baseline: deviations that are known, so that only new ones break the build.

A file of entries, each a case with the reason why it is known, the day it was first seen, and perhaps a day from which
it counts again. An entry whose case passes is *stale*: it fails the run, so that baselines don't rot.
``--baseline-update`` writes the file anew: reasons and days of entries that still hold stay.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.report.text import visible
from conformance.stream import Result
from conformance.verdict import Waiver

if TYPE_CHECKING:
    from conformance.case.yaml import Node

KEYS = ("case", "reason", "first_seen", "expires")

_HEAD = """\
# Known deviations, written by smtp-conformance --baseline-update. Say why in reason; expires: 2027-06-30 makes one
# count again from that day on. An entry whose case passes is stale and fails the run.
"""


class BaselineError(Exception):
    """A baseline file can't be used; says where and what would be right."""


@dataclass(frozen=True, slots=True)
class Known:
    """One known deviation."""

    case: str
    reason: str
    first_seen: datetime.date | None = None
    expires: datetime.date | None = None

    def waiver(self) -> Waiver:
        """Return it as what lets a verdict pass."""
        since = f" since {self.first_seen}" if self.first_seen else ""
        return Waiver(f"known{since}: {self.reason}", case=self.case, expires=self.expires)


def read(path: Path) -> tuple[Known, ...]:
    """Return the entries of a baseline file. Raises BaselineError."""
    from conformance.case.yaml import SourceError, load_file

    if not path.exists():
        raise BaselineError(f"{path}: no such file (--baseline-update writes it)")
    try:
        documents = load_file(path)
        if not documents or documents[0].value is None:
            return ()
        known = tuple(_entry(node) for node in documents[0].items("a baseline file"))
    except SourceError as error:
        raise BaselineError(str(error)) from None
    return known


def _entry(node: Node) -> Known:
    given = node.mapping("an entry", KEYS)
    for key in ("case", "reason"):
        if key not in given:
            node.fail(f"the entry has no {key!r}: it is {{case: ID, reason: why, first_seen: DAY, expires: DAY}}")

    def day(key: str) -> datetime.date | None:
        if key not in given:
            return None
        try:
            return datetime.date.fromisoformat(given[key].string(key))
        except ValueError:
            given[key].fail(f"{key} is a day such as 2027-06-30")

    return Known(given["case"].string("case"), given["reason"].string("reason"), day("first_seen"), day("expires"))


def stale(known: Iterable[Known], results: Iterable[Result]) -> list[str]:
    """Return the cases of entries that were judged and do not deviate any more."""
    found = {result.id: result for result in results}
    return [entry.case for entry in known if entry.case in found and _holds(found[entry.case])]


def _holds(result: Result) -> bool:
    waived = result.verdict == "info" and (result.note or "").startswith("waived")
    return result.verdict in ("pass", "info") and not waived


def updated(
    known: Sequence[Known], results: Sequence[Result], found: Iterable[Result], today: datetime.date
) -> list[Known]:
    """Return the entries as they are after a run with these results: stale ones gone, the findings added."""
    gone = set(stale(known, results))
    kept = {entry.case: entry for entry in known if entry.case not in gone}
    for result in found:
        before = kept.get(result.id)
        kept[result.id] = Known(
            result.id,
            before.reason if before else result.reason or result.title,
            (before and before.first_seen) or today,
        )
    return sorted(kept.values(), key=lambda entry: entry.case)


def text(known: Iterable[Known]) -> str:
    """Return the text of a baseline file."""
    return _HEAD + "".join(_text(entry) for entry in known)


def _text(entry: Known) -> str:
    lines = [f"- case: {_quoted(entry.case)}", f"  reason: {_quoted(entry.reason)}"]
    lines += [f"  first_seen: {entry.first_seen}"] if entry.first_seen else []
    lines += [f"  expires: {entry.expires}"] if entry.expires else []
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """Return a text as a YAML scalar in double quotes, which a JSON string is."""
    return json.dumps(visible(value), ensure_ascii=False)
