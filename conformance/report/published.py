"""A run as it may be published: security findings without a public advisory are counted and not shown.

Whoever publishes says which findings are public (a glob of case ids, with the advisory). Everything else that a case
with a severity found is taken out, and what elsewhere in the stream would name it too: other findings about one of the
requirements that it cites, and then all that was played about a requirement of which something is taken out, for
half of it would be shown as the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from conformance.report.entries import base_id
from conformance.report.text import plural
from conformance.stream import Event, Result, Run

TOLD = ("fail", "warn", "inconclusive", "error")
"""Verdicts that tell something of a flaw."""

WITHHELD = "(a case that is withheld)"


def published(run: Run, advisories: Mapping[str, str] | None = None, flaws: Sequence[str] = ()) -> Run:
    """Return the run without the findings that are not public; the header says how many there are.

    ``flaws`` are globs of cases whose failure is a flaw too, though they have no severity.
    """
    public = advisories or {}
    kept: list[Result] = []
    hidden: list[Result] = []
    told: set[str] = set()
    for result in run.results:
        advisory = next((text for name, text in public.items() if _named(name, result.id)), None)
        if not _tells_of_a_flaw(result, flaws):
            kept.append(result)
        elif advisory is not None:
            kept.append(replace(result, cve=tuple(dict.fromkeys((*result.cve, advisory)))))
            told.add(result.id)
        else:
            hidden.append(result)
    header = {**run.header, "published": True}
    if not hidden:
        return replace(run, header=header, results=kept)
    kept, gone = _without_related(kept, hidden, told)
    withheld = {result.id for result in (*hidden, *gone)}
    names = sorted(withheld | {base_id(name) for name in withheld}, key=len, reverse=True)
    findings = sum(result.verdict in ("fail", "warn") for result in hidden)
    header["withheld"] = findings + int(run.header.get("withheld") or 0)
    return Run(
        header,
        [_without(result, names) for result in kept],
        [event for event in run.lints if event.get("case") not in withheld],
        [note for note in run.notes if not any(name in note for name in names)],
        _footer(run.footer, kept, findings),
    )


def _tells_of_a_flaw(result: Result, flaws: Sequence[str]) -> bool:
    if result.severity is not None:
        return result.verdict in TOLD
    return result.verdict == "fail" and any(_named(name, result.id) for name in flaws)


def _without_related(results: list[Result], hidden: list[Result], told: set[str]) -> tuple[list[Result], list[Result]]:
    """Return the results that tell nothing of those that are hidden, and the others.

    A finding that is public (``told``) is shown, whatever it shares with one that is not. So is a rule for every reply.
    """
    cited = {name for result in hidden for name in result.requirement}
    others = [r for r in results if r.id not in told and not r.id.startswith("lint/")]
    found = [r for r in others if r.verdict in TOLD and cited.intersection(r.requirement)]
    cited.update(name for result in found for name in result.requirement)
    related = {r.id for r in others if cited.intersection(r.requirement)}
    return [r for r in results if r.id not in related], [r for r in others if r.id in related]


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
    reason = str(footer.get("exit_reason", ""))
    if footer.get("exit") == 1:
        reason = f"{plural(fails, 'finding')}, {plural(hidden, 'security finding')} withheld"
    return {**footer, "counts": counts, "exit_reason": reason}
