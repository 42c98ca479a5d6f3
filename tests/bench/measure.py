"""Commands measured as whole processes: wall and CPU seconds, medians of rounds in which all take turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command costs, in seconds: by the clock, and of processor (its children's too)."""

    wall: float
    cpu: float


def environment() -> dict[str, str]:
    """Return the environment of a user's machine: Python keeps the byte code that it has compiled."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def once(command: Sequence[str], accepted: Sequence[int] = (0,)) -> Cost:
    """Run a command and return its cost. Raises RuntimeError when it ends otherwise than it should."""
    before = os.times()
    begin = time.perf_counter()
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment(), check=False
    )
    wall, after = time.perf_counter() - begin, os.times()
    if done.returncode not in accepted:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {(done.stdout + done.stderr)[-600:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(wall, cpu)


def medians(commands: Mapping[str, Sequence[str]], rounds: int, accepted: Sequence[int] = (0, 1)) -> dict[str, Cost]:
    """Return the median cost of each command; in each round all take turns, so that a busy minute hurts all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(once(command, accepted))
    return {
        name: Cost(statistics.median(c.wall for c in found), statistics.median(c.cpu for c in found))
        for name, found in costs.items()
    }


def table(title: str, costs: Mapping[str, Cost], base: str) -> str:
    """Return the costs as a table, with the ratios to one of them."""
    lines = [title, f"  {'':44}{'wall s':>9}{'CPU s':>9}{'wall':>8}{'CPU':>8}"]
    for name, cost in costs.items():
        wall, cpu = cost.wall / costs[base].wall, cost.cpu / max(costs[base].cpu, 1e-9)
        lines.append(f"  {name:44}{cost.wall:9.2f}{cost.cpu:9.2f}{wall:7.2f}x{cpu:7.2f}x")
    return "\n".join(lines)
