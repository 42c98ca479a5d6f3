"""``zoo``: the security cases against both servers of each pair; who is convicted, and who must not be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.engine.exit import UNREACHABLE
from conformance.stream import Result, StreamError, read
from tests.lab import expectation
from tests.lab.kit.place import CACHE, PROJECT, InstallError
from tests.lab.zoo.keeper import Cage
from tests.lab.zoo.pairs import NOT_CURED, PAIRS, Animal, Pair

RUNS = CACHE / "zoo" / "runs"
RUN_SECONDS = 600
ALL = ("-m", "security", "--impact", "relay")
LOAD = ("--impact", "crash", "--jobs", "1", "-k")
CONVICTED = ("fail", "warn", "info")
ALARMING = ("critical", "high", "medium")


def judge(words: Sequence[str]) -> int:
    """Play every pair whose names hold one of the words (all, without words); return the exit code."""
    chosen = [pair for pair in PAIRS if not words or any(word.lower() in _names(pair) for word in words)]
    if not chosen:
        print(f"no pair has such a name; there are: {', '.join(pair.about for pair in PAIRS)}")
        return 4
    played: dict[tuple[str, Sequence[str]], Mapping[str, Result] | str] = {}
    wrong = 0
    for pair in chosen:
        selection = _selection(pair)
        for animal in (pair.bad, pair.good):
            if (animal.name, selection) not in played:
                played[animal.name, selection] = play(animal, selection)
        problems = problems_of(pair, played[pair.bad.name, selection], played[pair.good.name, selection])
        wrong += bool(problems)
        state = "RIGHT" if not problems else "WRONG"
        print(f"{state}  {pair.about}: {pair.bad.name} against {pair.good.name}", flush=True)
        for problem in problems:
            print(f"    {problem}")
    print(f"\n{len(chosen) - wrong} of {len(chosen)} pairs judged right; result streams in {RUNS}")
    return 1 if wrong else 0


def _selection(pair: Pair) -> tuple[str, ...]:
    """Return what is played: all of security, or, of what is no security or meant to harm, the cases that convict."""
    if pair.load:
        return (*LOAD, " or ".join(pair.convicts))
    if all(case.startswith("security/") for case in pair.convicts):
        return ALL
    return ("--impact", "load", *(word for case in pair.convicts for word in ("--case", case)))


def _names(pair: Pair) -> str:
    return f"{pair.about} {pair.bad.name} {pair.good.name}".lower()


def play(animal: Animal, selection: Sequence[str]) -> Mapping[str, Result] | str:
    """Play cases against a server; return the results by case, or what is wrong."""
    RUNS.mkdir(parents=True, exist_ok=True)
    stream = RUNS / f"{animal.name}{'' if selection is ALL else '-part'}.jsonl"
    try:
        with Cage(animal).running() as target:
            return _results(target, stream, selection)
    except (InstallError, StreamError, OSError, subprocess.TimeoutExpired) as error:
        return f"{animal.name}: {error}"


def _results(target: Path, stream: Path, selection: Sequence[str]) -> Mapping[str, Result] | str:
    command = [sys.executable, "-m", "conformance", "run", str(target), *selection]
    done = subprocess.run(
        [*command, "--out", str(stream)],
        cwd=PROJECT,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if done.returncode not in (0, 1, UNREACHABLE):
        return f"exit code {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"
    return {result.id: result for result in read(stream).results}


def problems_of(pair: Pair, bad: Mapping[str, Result] | str, good: Mapping[str, Result] | str) -> list[str]:
    """Return what is judged wrong of a pair: the wrong one convicted or cleared, and false alarms on the good one."""
    if isinstance(bad, str) or isinstance(good, str):
        return [text for text in (bad, good) if isinstance(text, str)]
    problems = []
    for case in pair.convicts:
        for results, animal, wanted in ((bad, pair.bad, CONVICTED), (good, pair.good, ("pass",))):
            result = results.get(case)
            if result is None or result.verdict not in wanted:
                said = f"{result.verdict}: {result.reason}" if result else "was not played"
                problems.append(f"{animal.name}: {case} is not {' or '.join(wanted)}, it is {said}")
    return problems + alarms(pair.good, good)


def alarms(animal: Animal, results: Mapping[str, Result]) -> list[str]:
    """Return the findings on a good server that nobody has explained.

    A finding of medium severity or more is explained by the lab's expectations of the same product, or by what is known
    not to be cured in that version.
    """
    product = animal.product.lower()
    expected = expectation.read(product)
    flaws = NOT_CURED.get(f"{product}-{animal.version}", ())
    return [
        f"{animal.name}: nothing explains {result.id}: {result.verdict} ({result.severity}): {result.reason}"
        for result in results.values()
        if result.verdict in ("fail", "warn") and result.severity in ALARMING
        if not any(entry.verdict == result.verdict and entry.names(result.id) for entry in expected)
        if not any(expectation.matches(glob, result.id) for glob in flaws)
    ]
