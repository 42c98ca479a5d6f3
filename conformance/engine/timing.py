"""Whether two kinds of exchange take the same time: an exact test on ranks, whose rate of error is stated.

The exchanges come in an order drawn at random. Where the kind makes no difference, every other order was as likely,
whatever else moves the times (a busy line, a server that waits longer after each failure): so the share of orders in
which the ranks of the two kinds lie at least so far apart is the chance of a false alarm (the test of Wilcoxon, Mann
and Whitney, exact, with midranks for ties).

They **differ** where this chance is at most the rate of error and the medians lie at least ``least`` apart; they are
**alike** where a difference of ``least``, in either direction, would have shown at the same rate. All else is too noisy
to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

DIFFER, ALIKE, NOISY, FEW = "differ", "alike", "noisy", "few"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of two series of times."""

    result: str
    """One of ``DIFFER``, ``ALIKE``, ``NOISY``, ``FEW``."""
    chance: float
    """How often ranks lie so far apart by chance alone."""


def compare(one: Sequence[float], other: Sequence[float], error: float, least: float) -> Comparison:
    """Compare two series of times (seconds): at this rate of error, and with ``least`` seconds for a difference."""
    if 2 / comb(len(one) + len(other), len(one)) > error:
        return Comparison(FEW, 1.0)
    found = chance(one, other)
    if found <= error and abs(median(one) - median(other)) >= least:
        return Comparison(DIFFER, found)
    shifted = ([time + least for time in one], [time - least for time in one])
    alike = all(chance(times, other) <= error for times in shifted)
    return Comparison(ALIKE if alike else NOISY, found)


def chance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the share of orders in which the ranks of ``one`` lie as far from the middle as they do, or farther."""
    ranks = _ranks([*one, *other])
    middle = len(one) * (len(ranks) + 1)
    far = abs(sum(ranks[: len(one)]) - middle)
    ways: list[dict[int, int]] = [{0: 1}] + [{} for _ in one]
    """How many choices of so many ranks have each sum."""
    for rank in ranks:
        for size in range(len(one), 0, -1):
            for total, count in ways[size - 1].items():
                ways[size][total + rank] = ways[size].get(total + rank, 0) + count
    farther = sum(count for total, count in ways[-1].items() if abs(total - middle) >= far)
    return farther / comb(len(ranks), len(one))


def _ranks(times: Sequence[float]) -> list[int]:
    """Return twice the rank of each time; those that are equal share the mean of their ranks."""
    ordered = sorted(times)
    first = {time: index for index, time in reversed(list(enumerate(ordered)))}
    last = {time: index for index, time in enumerate(ordered)}
    return [first[time] + last[time] + 2 for time in times]
