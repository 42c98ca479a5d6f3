"""A run in lines of text: what was found, what stays open, what was not played, what it comes to.

What is the same is told once: the rows of a table, the cases that wait for the same thing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.report import documents, summary
from conformance.report.advice import product_of
from conformance.report.entries import Entry, base_id, entries, exchange, row_of
from conformance.report.text import plural, visible, without_runs
from conformance.stream import Event, Result, Run

_COLOURS = {
    "fail": "31",
    "error": "35",
    "warn": "33",
    "inconclusive": "35",
    "pass": "32",
    "info": "36",
    "untested": "2",
    "n/a": "2",
    "critical": "1;31",
    "high": "31",
    "medium": "33",
    "low": "36",
    "bold": "1",
    "dim": "2",
}

INDENT = 10
"""Columns before the text of a finding; the verdict stands there."""

ROWS_NAMED = 6
"""So many rows of a table are named, the others counted."""

OCTETS_SHOWN = 100
"""Characters of a line of octets."""

TOLD = 60
"""So many entries of a kind are told; the reports have all."""


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours text for a terminal, or leaves it."""

    on: bool = False

    def __call__(self, name: str, text: str) -> str:
        """Return the text in the colour of a verdict, a severity, or bold or dim."""
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self.on and text and name in _COLOURS else text


class Account:
    """Tells one run in lines of at most ``width`` columns (None: lines are not broken)."""

    def __init__(self, run: Run, paint: Paint, width: int | None) -> None:
        self._run = run
        self._paint = paint
        self._width = width
        self._results = summary.ordered(run.results)
        self._product = product_of(run, (result.remedy or {} for result in self._results))
        self._told: set[str] = set()

    def lines(self) -> Iterator[str]:
        """Yield everything that is not a pass, the worst first."""
        found = summary.of_verdict(self._results, "fail", "warn")
        severe = [r for r in found if r.severity in summary.SEVERITIES]
        severe.sort(key=lambda r: summary.SEVERITIES.index(r.severity or ""))
        others = [r for r in found if r not in severe]
        yield from self._findings(severe, remedy=True)
        yield from self._findings(others)
        yield from self._findings(summary.of_verdict(self._results, "error"))
        for verdict in ("inconclusive", "untested", "n/a"):
            yield from self._reasons(verdict, summary.of_verdict(self._results, verdict))

    def summary(self) -> Iterator[str]:
        """Yield what the run comes to: a sentence, coverage, counts."""
        yield ""
        if problem := summary.truncated(self._run):
            yield from self._wrapped(problem, indent=0)
        for line in self._wrapped(summary.headline(self._run), indent=0):
            yield self._paint("bold", line)
        yield from self._coverage()
        yield from self._counts()

    # ------------------------------------------------------------------ findings

    def _findings(self, results: Sequence[Result], *, remedy: bool = False) -> Iterator[str]:
        found = entries(results)
        for entry in found[:TOLD]:
            yield ""
            yield from self._entry(entry, remedy=remedy)
        if len(found) > TOLD:
            yield f"\n{' ' * INDENT}and {len(found) - TOLD} more of this kind: the reports have all"

    def _entry(self, entry: Entry, *, remedy: bool) -> Iterator[str]:
        first = entry.first
        word = first.severity if first.severity in summary.SEVERITIES else first.verdict
        title = visible(entry.title) + (f"  ({plural(len(entry.results), 'row')})" if len(entry.results) > 1 else "")
        start = f"{word.upper():<{INDENT}}"
        line, *more = self._wrapped(title, first=start)
        yield self._paint(word, start) + self._paint("bold", line.removeprefix(start))
        yield from (self._paint("bold", line) for line in more)
        for reason, rows in _by_reason(entry):
            named = f"[{_names(rows)}] " if len(entry.results) > 1 else ""
            yield from self._wrapped(named + visible(reason or first.verdict))
        if first.note:
            yield from self._wrapped(visible(first.note))
        yield from self._exchange(first)
        if first.meaning and first.meaning not in self._told:
            self._told.add(first.meaning)
            yield from self._wrapped(visible(first.meaning))
        if remedy and first.remedy:
            yield from self._remedy(first.remedy)
        yield from self._reference(entry)

    def _remedy(self, remedy: Mapping[str, str]) -> Iterator[str]:
        """Yield what to set, once: in the server's product where it greets as one of those that are named."""
        if self._product and self._product not in remedy:
            return
        known = str(sorted(remedy.items()))
        if known in self._told:
            yield from self._wrapped("The remedy is the one above.")
            return
        self._told.add(known)
        for name, what in remedy.items():
            if self._product in (None, name):
                yield from self._wrapped(visible(f"{name}: {what}"), hanging=2)

    def _exchange(self, result: Result) -> Iterator[str]:
        asked, decided = exchange(result)
        for event in (asked, decided):
            if event is not None:
                yield f"{' ' * INDENT}{self._paint('dim' if event is asked else 'bold', self._said(event))}"
        expected = visible(str((decided or {}).get("expected", "")))
        if expected and not result.id.startswith("lint/"):
            yield from self._wrapped(f"expected {expected}", indent=INDENT + 3)

    def _said(self, event: Event) -> str:
        room = OCTETS_SHOWN if self._width is None else max(20, self._width - INDENT - 7)
        if event.get("from") in ("C", "S"):
            octets = without_runs(visible(str(event.get("octets", ""))))
            if len(octets) > room and event["from"] == "C":
                return f"C: ... {octets[-room:]}"
            return f"{event['from']}: {octets[:room]}{' ...' if len(octets) > room else ''}"
        words = visible(f"{event.get('event', '')} {event.get('detail', '')}".strip())
        return f"-- {words[:room]}"

    def _reference(self, entry: Entry) -> Iterator[str]:
        first = entry.first
        facts = [visible(first.level), *map(visible, first.at_issue[:3]), *map(visible, (*first.cve, *first.cwe))]
        yield from (self._paint("dim", line) for line in self._wrapped(f"{'  '.join(facts)}  {visible(entry.id)}"))

    # ------------------------------------------------------------------ what was not judged

    def _reasons(self, verdict: str, results: Sequence[Result]) -> Iterator[str]:
        if not results:
            return
        yield ""
        word = f"{verdict.upper():<{INDENT - 2}}  "
        first, *more = self._wrapped(_WHY[verdict], first=word)
        yield self._paint(verdict, word) + first.removeprefix(word)
        yield from more
        groups = summary.by_reason(results)
        for reason, same in groups[:TOLD]:
            names = ""
            if verdict == "inconclusive":
                cases = list(dict.fromkeys(visible(base_id(result.id)) for result in same))
                names = f"  ({', '.join(cases[:2])}{f' and {len(cases) - 2} more' if len(cases) > 2 else ''})"
            yield from self._wrapped(f"{len(same):>5}  {visible(reason)}{names}", indent=INDENT - 7, hanging=7)
        if len(groups) > TOLD:
            yield f"{' ' * INDENT}and {plural(len(groups) - TOLD, 'more reason')}: the reports have all"

    # ------------------------------------------------------------------ the end

    def _counts(self) -> Iterator[str]:
        line, length = "", 0
        for verdict, count in summary.counts(self._run):
            text = f"{count:,} {verdict}"
            if line and self._width is not None and length + 2 + len(text) > self._width:
                yield line
                line, length = "", 0
            line += ("  " if line else "") + self._paint(verdict, text)
            length += len(text) + (2 if length else 0)
        if line:
            yield line

    def _coverage(self) -> Iterator[str]:
        found = summary.coverage(summary.requirements(self._run))
        met = []
        for document in sorted(found, key=lambda name: (name != "RFC5321", summary.natural(name))):
            levels, name = found[document], documents.name(visible(document))
            if document != "RFC5321" and all(set(part.counts) <= {"held", "n/a"} for part in levels.values()):
                if held := sum(part.counts.get("held", 0) for part in levels.values()):
                    met.append(f"{name} ({held})")
                continue
            parts = [f"{level} {summary.in_words(part.counts)}" for level, part in levels.items()]
            yield from self._wrapped("; ".join(parts), first=f"{name:<{INDENT}}")
        if met:
            yield from self._wrapped(", ".join(met), first=f"{'all met':<{INDENT}}")

    def _wrapped(self, text: str, *, first: str | None = None, indent: int = INDENT, hanging: int = 0) -> Iterator[str]:
        """Yield text in lines; ``first`` stands before the first one instead of the indentation."""
        start = " " * indent if first is None else first
        if self._width is None:
            yield start + text
            return
        yield from textwrap.wrap(
            text,
            self._width,
            initial_indent=start,
            subsequent_indent=" " * (indent + hanging),
            break_on_hyphens=False,
        ) or [start]


_WHY = {
    "inconclusive": "asked, and nothing can be told",
    "untested": "not played: the target file or the allowed impact withholds something",
    "n/a": "does not apply",
}


def _by_reason(entry: Entry) -> list[tuple[str, list[Result]]]:
    groups: dict[str, list[Result]] = {}
    for result in entry.results:
        groups.setdefault(result.reason, []).append(result)
    return list(groups.items())


def _names(rows: Sequence[Result]) -> str:
    names = [visible(row_of(row)) for row in rows[:ROWS_NAMED]]
    return ", ".join(names) + (f" and {len(rows) - ROWS_NAMED} more" if len(rows) > ROWS_NAMED else "")
