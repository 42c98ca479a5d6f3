"""``run``: the suite against every target of the lab, compared with what is expected of each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from conformance.stream import Result, Run, StreamError
from conformance.stream import read as read_stream
from tests.lab.expectation import (
    Comparison,
    Expectation,
    ExpectationError,
    compare,
    matches,
    read,
    stale,
)
from tests.lab.kit import USERS
from tests.lab.kit.place import CACHE, PASSWORD_VARIABLE, PROJECT
from tests.lab.kit.process import supervisor
from tests.lab.kit.server import TARGETS, Server
from tests.lab.servers import load
from tests.lab.up import State, down, up, with_needs

RUNS = CACHE / "runs"
"""Where result streams and what the command printed are left, by target; ``smtp-conformance report`` makes pages."""

IMPACT = "load"
"""The servers are ours: all but cases that are meant to bring a server down."""

PLAYED = (0, 1)
"""Exit codes of a run that judged: nothing found, or something; what counts is the comparison."""

PLAYED_AGAIN = 100
"""So many unexpected results are played once more; beyond that something else is wrong."""

RUN_SECONDS = 1800

AT_ONCE = 3
"""Servers that are asked at a time, each for one of its targets: a run mostly waits."""

SHOWN = 12
"""How many kinds of unexpected results are printed for a target."""


@dataclass
class Outcome:
    """How playing against one target went."""

    target: str
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str | None = None
    comparison: Comparison = field(default_factory=Comparison)
    expected: list[Expectation] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)
    wavered: dict[str, str] = field(default_factory=dict)
    """Cases that were unexpected at first, and as expected when they were played again."""

    @property
    def good(self) -> bool:
        """Whether nothing is left to look at."""
        return self.problem is None and self.comparison.clean


def run(
    names: Sequence[str],
    *,
    allow_missing: Sequence[str],
    update: bool,
    keep: bool,
    only: Sequence[str],
    expression: str | None,
    idle: bool,
    times: int,
) -> int:
    """Bring servers up, play, compare, and stop those that were not up before; return the exit code."""
    whole = expression is None
    selection = [] if whole else ["-k", str(expression)]
    if idle:
        selection += ["--case", "*"]  # what is named is played though it is slow
    servers = with_needs(names)
    before = {server.name for server in servers if supervisor(server.home)}
    states = up(servers)
    wanted = set(names) or {server.name for server in servers}
    outcomes: list[Outcome] = []
    try:
        played = [state.server for name, state in states.items() if state.up and name in wanted]
        for number in range(times):

            def play_all(server: Server, number: int = number) -> list[Outcome]:
                targets = [target for target in server.targets if not only or target in only]
                outcomes = [play(server.name, target, selection, number, again=times == 1) for target in targets]
                variants = [name for name in server.variants if (whole and not only) or name in only]
                return outcomes + [play_variant(server, name) for name in variants]

            if number:  # some servers remember across sessions
                down([state.server for state in states.values() if state.up])
                up([state.server for state in states.values() if state.up])
            with ThreadPoolExecutor(AT_ONCE) as pool:
                outcomes += [outcome for group in pool.map(play_all, played) for outcome in group]
    finally:
        if not keep:
            down([state.server for name, state in states.items() if name not in before])
    if update:
        tell_update(outcomes, whole=whole)
    elif whole:
        tell_stale(outcomes)
    tell_wavering(outcomes)
    return report(outcomes, list(states.values()), allow_missing)


def play(server: str, target: str, selection: Sequence[str], number: int = 0, *, again: bool = True) -> Outcome:
    """Play the suite against one target of a server, for the ``number``-th time, and compare."""
    begin = time.monotonic()
    passwords = {PASSWORD_VARIABLE: USERS["alice"], **load()[server].passwords}
    played = _played(target, selection, label(target, whole=not selection, number=number), passwords)
    outcome = Outcome(target, seconds=time.monotonic() - begin)
    if isinstance(played, str):
        outcome.problem = played
        return _told(outcome)
    outcome.counts = dict(played.counts)
    outcome.verdicts = {result.id: result.verdict for result in played.results}
    try:
        outcome.expected = read(server)
    except ExpectationError as error:
        outcome.problem = str(error)
        return _told(outcome)
    outcome.comparison = compare(target, outcome.expected, played.results)
    if outcome.comparison.unexpected and again:
        _again(outcome, passwords)
    return _told(outcome)


def _again(outcome: Outcome, passwords: Mapping[str, str]) -> None:
    """Play what was unexpected once more: what is as expected then is told as wavering, and no more."""
    unexpected = outcome.comparison.unexpected
    if len(unexpected) > PLAYED_AGAIN:
        return
    first = {result.id: result.verdict for result, _ in unexpected if not result.id.startswith("lint/")}
    names = [word for name in first for word in ("--case", name)]
    played = _played(outcome.target, names, label(outcome.target, number=1), passwords) if names else ""
    if isinstance(played, str):
        return
    second = compare(outcome.target, outcome.expected, played.results)
    still = {result.id for result, _ in second.unexpected}
    outcome.wavered = {r.id: f"{first[r.id]}, then {r.verdict}" for r in played.results if r.id in first.keys() - still}
    outcome.comparison.used |= second.used
    outcome.comparison.unexpected = [pair for pair in unexpected if pair[0].id not in outcome.wavered]


def stored(names: Sequence[str], *, update: bool) -> int:
    """Compare the runs that are stored in ``RUNS``, without playing; return the exit code."""
    servers = [server for server in load().values() if not names or server.name in names]
    outcomes = []
    for server in servers:
        for target in server.targets:
            file = RUNS / f"{target}.jsonl"
            if file.exists():
                played = read_stream(file)
                outcome = Outcome(target, played.counts, expected=read(server.name))
                outcome.comparison = compare(target, outcome.expected, played.results)
                outcomes.append(_told(outcome))
    if update:
        tell_update(outcomes, whole=True)
    else:
        tell_stale(outcomes)
    return report(outcomes, [], [])


def tell_update(outcomes: Sequence[Outcome], *, whole: bool) -> None:
    """Write what is unexpected, and (of whole runs) remove what is stale; what was written is expected then."""
    from tests.lab.update import update

    good = [outcome for outcome in outcomes if outcome.problem is None]
    comparisons = [outcome.comparison for outcome in good if outcome.comparison.target]
    expected = (entry for outcome in good for entry in outcome.expected)
    for file in update(comparisons, stale(expected, comparisons) if whole else ()):
        print(f"wrote expectations/{file}.yaml")
    for comparison in comparisons:
        comparison.unexpected.clear()


def play_variant(server: Server, name: str) -> Outcome:
    """Play what a bad (or good) configuration must be told by, and compare."""
    begin = time.monotonic()
    variant = server.variants[name]
    cases = [word for glob in variant.findings for word in ("--case", glob)]
    played = _played(name, cases, name, {PASSWORD_VARIABLE: USERS["alice"], **server.passwords})
    outcome = Outcome(name, seconds=time.monotonic() - begin)
    if isinstance(played, str):
        outcome.problem = played
        return _told(outcome)
    outcome.counts = dict(played.counts)
    missed = [
        f"{glob} is not {verdict}" for glob, verdict in variant.findings.items() if not told(played, glob, verdict)
    ]
    outcome.problem = "; ".join(missed) or None
    return _told(outcome)


def told(played: Run, glob: str, verdict: str) -> bool:
    """Return whether a run says of a configuration what it must: one finding, or nothing but ``pass``."""
    verdicts = {result.verdict for result in played.results if matches(glob, result.id)}
    return verdicts == {"pass"} if verdict == "pass" else verdict in verdicts


def tell_stale(outcomes: Sequence[Outcome]) -> None:
    """Print the expectations that explain nothing; the first target that they are of gets the problem."""
    comparisons = [outcome.comparison for outcome in outcomes if outcome.problem is None]
    for entry, glob in stale((entry for outcome in outcomes for entry in outcome.expected), comparisons):
        line = (
            f"STALE in {entry.file}.yaml: no result of {entry.case} for {glob} is {entry.verdict} {entry.says}".rstrip()
        )
        print(line)
        if entry.verdict == "inconclusive":
            continue  # that it could be told this time is no reason to fail
        for outcome in outcomes:
            if outcome.problem is None and entry in outcome.expected:
                outcome.problem = line
                break


def label(target: str, *, whole: bool = True, number: int = 0) -> str:
    """Return the name under which a run is stored: ``postfix``; ``postfix.part`` where cases were named.

    What is played again is ``postfix.2`` and so on.
    """
    return f"{target}{'' if whole else '.part'}{f'.{number + 1}' if number else ''}"


def _played(target: str, selection: Sequence[str], name: str, passwords: Mapping[str, str]) -> Run | str:
    """Play once and store the run under a name; return the run, or what is wrong."""
    RUNS.mkdir(parents=True, exist_ok=True)
    stream = RUNS / f"{name}.jsonl"
    command = [sys.executable, "-m", "conformance", "run", str(TARGETS / f"{target}.yaml"), "--out", str(stream)]
    command += ["--impact", IMPACT, *selection]
    with (RUNS / f"{name}.txt").open("w") as text:
        try:
            done = subprocess.run(
                command,
                cwd=PROJECT,
                env={**os.environ, **passwords},
                stdin=subprocess.DEVNULL,
                stdout=text,
                stderr=subprocess.STDOUT,
                timeout=RUN_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"not done after {RUN_SECONDS} s; see {RUNS / name}.txt"
    if done.returncode not in PLAYED:
        return f"exit code {done.returncode}: {_last_lines(RUNS / f'{name}.txt')}"
    try:
        played = read_stream(stream)
    except (StreamError, OSError) as error:
        return str(error)
    if not played.footer or played.footer.get("exit") not in PLAYED:
        return str(played.footer["exit_reason"]) if played.footer else f"{stream} was cut off"
    return played


def _last_lines(path: Path) -> str:
    return " / ".join(path.read_text(errors="replace").strip().splitlines()[-3:])


def tell_wavering(outcomes: Sequence[Outcome]) -> None:
    """Print the cases whose verdict was not the same each time; the last play of their target gets the problem."""
    for target in dict.fromkeys(outcome.target for outcome in outcomes):
        plays = [outcome for outcome in outcomes if outcome.target == target and outcome.verdicts]
        lines = [f"{case}: {', '.join(verdicts)}" for case, verdicts in wavering([p.verdicts for p in plays]).items()]
        for line in lines:
            print(f"WAVERING in {target}: {line}")
        if lines:
            plays[-1].problem = f"{len(lines)} verdicts were not the same each time"


def wavering(plays: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return the verdicts, in the order played, of each case whose verdict was not always the same."""
    cases = dict.fromkeys(case for verdicts in plays for case in verdicts)
    seen = {case: [verdicts.get(case, "not played") for verdicts in plays] for case in cases}
    return {case: verdicts for case, verdicts in seen.items() if len(set(verdicts)) > 1}


def _told(outcome: Outcome) -> Outcome:
    print("\n    ".join(_story(outcome)), flush=True)
    return outcome


def _story(outcome: Outcome) -> Iterator[str]:
    counts = "  ".join(f"{count} {verdict}" for verdict, count in sorted(outcome.counts.items()))
    yield f"{outcome.target}: {counts}  {outcome.seconds:.1f} s"
    if outcome.problem:
        yield f"PROBLEM: {outcome.problem}"
    lines = list(_unexpected(outcome.comparison))
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"... and {len(lines) - SHOWN} more"
    if outcome.comparison.unread:
        yield f"UNREAD: {len(outcome.comparison.unread)} entries in expectations/ that nobody has read against the RFC"
    for case, words in outcome.wavered.items():
        print(f"    wavered: {case}: {words}")


def _unexpected(comparison: Comparison) -> Iterator[str]:
    """Yield a line for each kind of unexpected result: a suite, a verdict, what was expected, a reason."""
    kinds: dict[tuple[str, str, str], list[Result]] = {}
    for result, expected in comparison.unexpected:
        kinds.setdefault((result.verdict, expected, result.reason), []).append(result)
    for (verdict, expected, reason), results in kinds.items():
        more = f" and {len(results) - 1} more" if len(results) > 1 else ""
        text = reason or results[0].title
        yield f"UNEXPECTED {verdict} (expected {expected}): {results[0].id}{more}: {text[:160]}"


def report(outcomes: Sequence[Outcome], states: Sequence[State], allow_missing: Sequence[str]) -> int:
    """Print the last word on the run and return the exit code."""
    bad = [outcome.target for outcome in outcomes if not outcome.good]
    missing = [state for state in states if not state.up]
    fatal = [state for state in missing if not state.absent and state.server.name not in allow_missing]
    print(f"\n{len(outcomes) - len(bad)} of {len(outcomes)} targets as expected; reports in {RUNS}")
    for state in missing:
        label = "MISSING" if state in fatal else "missing (allowed)"
        print(f"{label}: {state.server.name}: {(state.problem or '').splitlines()[0]}")
    for target in bad:
        print(f"NOT AS EXPECTED: {target}")
    if not outcomes:
        print("nothing was played")
    return 1 if bad or fatal or not outcomes else 0
