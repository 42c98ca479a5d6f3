"""A run as it may be published: security findings without a public advisory are counted and not shown.

Whoever publishes says which findings are public (a glob of case ids, with the advisory). Everything else that a case
with a severity found is taken out, and what elsewhere in the stream would name it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from conformance.report.entries import base_id
from conformance.stream import Event, Result, Run

TOLD = ("fail", "warn", "inconclusive", "error")
"""Verdicts that tell something of a flaw."""

WITHHELD = "(a case that is withheld)"


def published(run: Run, advisories: Mapping[str, str] | None = None) -> Run:
    """Return the run without the findings that are not public; the header says how many there are."""
    public = advisories or {}
    kept: list[Result] = []
    hidden: set[str] = set()
    for result in run.results:
        advisory = next((text for name, text in public.items() if _named(name, result.id)), None)
        if result.severity is None or result.verdict not in TOLD:
            kept.append(result)
        elif advisory is not None:
            kept.append(replace(result, cve=tuple(dict.fromkeys((*result.cve, advisory)))))
        else:
            hidden.add(result.id)
    header = {**run.header, "published": True}
    if not hidden:
        return replace(run, header=header, results=kept)
    names = sorted(hidden | {base_id(name) for name in hidden}, key=len, reverse=True)
    header["withheld"] = len(hidden) + int(run.header.get("withheld") or 0)
    return Run(
        header,
        [_without(result, names) for result in kept],
        [event for event in run.lints if event.get("case") not in hidden],
        [note for note in run.notes if not any(name in note for name in names)],
        _footer(run.footer, kept, len(hidden)),
    )


def _named(name: str, case: str) -> bool:
    return fnmatchcase(case, name) or name in (case, base_id(case))


def _without(result: Result, names: list[str]) -> Result:
    """Return a result that names no withheld case (as a lint does, to say where it was broken)."""
    reason = result.reason
    for name in names:
        reason = reason.replace(name, WITHHELD)
    if reason == result.reason:
        return result
    return replace(result, reason=reason, transcript=(), earlier=())


def _footer(footer: Event | None, results: list[Result], hidden: int) -> Event | None:
    if footer is None:
        return None
    counts: dict[str, Any] = {}
    for result in results:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    fails = counts.get("fail", 0)
    also = f", {hidden} security findings withheld" if hidden != 1 else ", 1 security finding withheld"
    reason = str(footer.get("exit_reason", ""))
    if footer.get("exit") == 1:
        reason = f"{fails} finding{'' if fails == 1 else 's'}{also}"
    return {**footer, "counts": counts, "exit_reason": reason}
