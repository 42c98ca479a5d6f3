"""What to do: security findings that one change mends, put together, and the product for which it is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.report import summary
from conformance.report.entries import Entry, entries
from conformance.stream import Result, Run

GREETS = {"aiosmtpd": "python smtp", "Apache James": "james"}
"""What the greeting of a product says, where that is not its name."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Findings with the same remedy, the worst first; those without a remedy each stand alone."""

    severity: str
    entries: tuple[Entry, ...]
    meaning: str
    remedy: Mapping[str, str]


def advice(results: Iterable[Result]) -> list[Advice]:
    """Return what to do about the security findings among some results, the worst first."""
    severe = [r for r in results if r.severity in summary.SEVERITIES and r.verdict in ("fail", "warn")]
    severe.sort(key=lambda r: (summary.SEVERITIES.index(r.severity or ""), summary.ORDER[r.verdict]))
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in entries(severe):
        remedy = tuple((entry.first.remedy or {}).items())
        groups.setdefault(remedy or (entry.id,), []).append(entry)
    return [
        Advice(found[0].first.severity or "", tuple(found), found[0].first.meaning or "", found[0].first.remedy or {})
        for found in groups.values()
    ]


def product_of(run: Run, remedies: Iterable[Mapping[str, str]]) -> str | None:
    """Return which of the products that have a remedy the server is by its greeting, or None."""
    greeting = _greeting(run).lower()
    for name in dict.fromkeys(name for remedy in remedies for name in remedy):
        if re.search(rf"\b{re.escape(GREETS.get(name, name.lower()))}\b", greeting):
            return name
    return None


def _greeting(run: Run) -> str:
    for result in run.results:
        for event in result.transcript:
            octets = str(event.get("octets", ""))
            if event.get("from") == "S" and octets.startswith("220"):
                return octets
    return ""
