"""What changed between two runs: new findings, what was fixed, what can be compared no more.

A verdict that changed says something of the server only where the case is the same: where its hash changed too, that is
told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.report import summary
from conformance.report.account import Paint
from conformance.report.text import plural, visible
from conformance.stream import Result, Run

WORSE, BETTER, OTHER, CASE, NEW, GONE = KINDS = ("worse", "better", "other", "case", "new", "gone")

TITLES = {
    WORSE: "New findings",
    BETTER: "Fixed",
    OTHER: "Judged differently, without a finding",
    CASE: "The case itself changed, so the verdicts can't be compared",
    NEW: "New cases",
    GONE: "Cases that are no more",
}

_BAD = {"fail": 2, "warn": 1}
_GOOD = ("pass", "info")

TOLD = 200
"""So many changes of a kind are told."""


@dataclass(frozen=True, slots=True)
class Change:
    """A result that is not what it was; ``before`` or ``after`` is None where there is none."""

    kind: str
    before: Result | None
    after: Result | None

    @property
    def result(self) -> Result:
        """The later result, or the earlier one where there is no later one."""
        found = self.after or self.before
        assert found is not None
        return found


def compare(before: Run, after: Run) -> list[Change]:
    """Return what changed, by kind, the worst first."""
    old = {result.id: result for result in before.results}
    new = {result.id: result for result in after.results}
    changes = [
        Change(kind, old.get(name), new.get(name))
        for name in dict.fromkeys((*old, *new))
        if (kind := _kind(old.get(name), new.get(name))) is not None
    ]
    rank = {result.id: number for number, result in enumerate(summary.ordered(change.result for change in changes))}
    return sorted(changes, key=lambda change: (KINDS.index(change.kind), rank[change.result.id]))


def _kind(before: Result | None, after: Result | None) -> str | None:
    if before is None:
        return NEW
    if after is None:
        return GONE
    if before.verdict == after.verdict:
        return None
    if before.case_hash != after.case_hash:
        return CASE
    was, now = _BAD.get(before.verdict, 0), _BAD.get(after.verdict, 0)
    if now > was:
        return WORSE
    if now < was and (after.verdict in _GOOD or now):
        return BETTER
    return OTHER


def told(before: Run, after: Run, paint: Paint) -> Iterator[str]:
    """Yield the comparison in lines of text."""
    yield from _heads(before, after)
    changes = compare(before, after)
    for kind in KINDS:
        same = [change for change in changes if change.kind == kind]
        if same:
            yield ""
            yield paint("bold", f"{TITLES[kind]}: {len(same):,}")
            yield from _new_or_gone(same, paint) if kind in (NEW, GONE) else _changed(same, paint)
    yield ""
    yield paint("bold", conclusion(changes))


def conclusion(changes: list[Change]) -> str:
    """Return what the comparison comes to in one sentence."""
    if not changes:
        return "Nothing changed."
    counts = {kind: sum(change.kind == kind for change in changes) for kind in KINDS}
    parts = [plural(counts[WORSE], "new finding"), f"{counts[BETTER]:,} fixed"]
    if others := sum(counts[kind] for kind in (OTHER, CASE, NEW, GONE)):
        parts.append(plural(others, "other change"))
    return f"{', '.join(parts)}."


def _heads(before: Run, after: Run) -> Iterator[str]:
    for sign, run in (("-", before), ("+", after)):
        started = visible(str(run.header.get("started", "")))
        yield f"{sign} {summary.target_name(run)}  {started}  {plural(len(run.results), 'result')}"
    for name in ("profile", "impact", "version"):
        was, now = (visible(str(run.header.get(name, ""))) for run in (before, after))
        if was != now:
            yield f"  {name}: {was} -> {now}"
    for run in (before, after):
        if problem := summary.truncated(run):
            yield f"  {summary.target_name(run)}: {problem}"


def _changed(changes: list[Change], paint: Paint) -> Iterator[str]:
    for change in changes[:TOLD]:
        assert change.before is not None
        assert change.after is not None
        was, now = change.before.verdict, change.after.verdict
        arrow = f"{paint(was, was)} -> {paint(now, now)}"
        yield f"  {arrow}{' ' * max(2, 24 - len(was) - len(now))}{visible(change.after.title)}"
        reason = change.after.reason if now != "pass" else change.before.reason
        if reason:
            yield f"{' ' * 30}{visible(reason)}"
        yield f"{' ' * 30}{paint('dim', visible(change.after.id))}"
    if len(changes) > TOLD:
        yield f"  and {len(changes) - TOLD:,} more"


def _new_or_gone(changes: list[Change], paint: Paint) -> Iterator[str]:
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.result.verdict] = counts.get(change.result.verdict, 0) + 1
    yield f"  {'  '.join(paint(v, f'{counts[v]:,} {v}') for v in summary.MEANING if counts.get(v))}"
    bad = [change for change in changes if change.result.verdict in _BAD]
    for change in bad[:TOLD]:
        verdict = change.result.verdict
        yield f"  {paint(verdict, verdict)}{' ' * max(2, 28 - len(verdict))}{visible(change.result.title)}"
        yield f"{' ' * 30}{paint('dim', visible(change.result.id))}"
