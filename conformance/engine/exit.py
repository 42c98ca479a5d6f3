"""Exit codes: one policy that says why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.stream import Result

OK, FINDINGS, INTERRUPTED, SUITE_ERROR, USAGE, NOTHING_PLAYED, UNREACHABLE = range(7)

FAIL_ON = ("must", "should", "low", "medium", "high", "critical", "untested", "inconclusive", "none")
"""What ``--fail-on`` may name: levels, severities (and worse), and verdicts that leave a question open."""

_SEVERITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Exit:
    """An exit code and the sentence that explains it."""

    code: int
    reason: str


def fail_on(text: str | None) -> frozenset[str]:
    """Return what ``--fail-on`` names. Raises ValueError."""
    names = frozenset(name.strip() for name in (text or "must").split(",") if name.strip())
    unknown = sorted(names - set(FAIL_ON))
    if unknown:
        raise ValueError(f"--fail-on {unknown[0]}: it is one or more of {', '.join(FAIL_ON)}")
    return names


def counts(result: Result, fail_on: frozenset[str]) -> bool:
    """Return whether a result is a finding under ``--fail-on``."""
    if "none" in fail_on:
        return False
    if result.verdict == "fail":
        if "must" in fail_on or "should" in fail_on:
            return True
        return _severe(result, fail_on)
    if result.verdict == "warn":
        return "should" in fail_on or _severe(result, fail_on)
    return result.verdict in fail_on


def _severe(result: Result, fail_on: frozenset[str]) -> bool:
    wanted = [_SEVERITIES.index(name) for name in fail_on if name in _SEVERITIES]
    return bool(wanted) and result.severity is not None and _SEVERITIES.index(result.severity) >= min(wanted)


def decide(results: Iterable[Result], fail_on: frozenset[str] = frozenset({"must"}), stale: Sequence[str] = ()) -> Exit:
    """Return how a run with these results ends; ``stale`` are baseline entries whose cases no longer deviate."""
    every = [result for result in results if not result.id.startswith("lint/") or result.verdict in ("fail", "warn")]
    errors = [result for result in every if result.verdict == "error"]
    if errors:
        return Exit(SUITE_ERROR, f"the suite could not play {_named(errors)}")
    found = [result for result in every if counts(result, fail_on)]
    if found:
        return Exit(FINDINGS, f"{len(found)} finding{'s' * (len(found) != 1)}: {_named(found)}")
    if stale:
        names = ", ".join(stale[:3]) + (f" and {len(stale) - 3} more" if len(stale) > 3 else "")
        return Exit(FINDINGS, f"the baseline is stale, these hold now: {names} (--baseline-update takes them out)")
    judged = [result for result in every if result.verdict in ("pass", "fail", "warn", "info")]
    if not judged:
        return Exit(NOTHING_PLAYED, "no case could be judged: nothing was shown, neither good nor bad")
    warned = sum(result.verdict == "warn" for result in every)
    also = f"; {warned} warning{'s' * (warned != 1)}" if warned else ""
    return Exit(OK, f"nothing found against it in {len(judged)} judged cases{also}")


def _named(results: list[Result]) -> str:
    names = ", ".join(result.id for result in results[:3])
    return names + (f" and {len(results) - 3} more" if len(results) > 3 else "")
