"""``python -m tests.bench [--rounds N] [--postfix TARGET.yaml]``: what the suite costs, beside what must be paid.

The whole suite and a bare replay of the same octets; the same against a real Postfix, where one runs (``python -m
tests.lab up postfix``); 300 cases against a distant server, by the engine, by the pytest plugin with and without xdist,
by a blocking script under xdist, and one by one; messages sent by swaks, where it is installed; start-up.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import Cost, medians, once, table

PROJECT = Path(__file__).resolve().parents[2]
CASES = 300
GREETING, REPLY = 0.2, 0.02
"""The distant server's delays, in seconds."""
JOBS = 40
WORKERS = 8
ALONE = 10
SWAKS_SESSIONS = 50

ADDRESSES = ["--recipient", "alice@lab.test", "--recipient2", "bob@lab.test", "--unknown", "nobody@lab.test"]
ADDRESSES += ["--foreign", "someone@elsewhere.test"]

SUITE = """title: Distant
spec: RFC 5321 section 4.1.1.9
cases:
  - id: noop
    title: NOOP is answered
    requirement: RFC5321-4.1.1.9-01
    each:
      word:
{rows}
    dialogue:
      - C: NOOP $word
      - S: 250
      - C: NOOP
      - S: {{250: pass}}
"""

MESSAGES = """title: Messages
spec: RFC 5321 section 4.1.1.4
cases:
  - id: message
    title: A message is accepted
    requirement: RFC5321-4.1.1.4-14
    start: data
    impact: mail
    each:
      word:
{rows}
    dialogue:
      - C: {{message: "A line with $word.\\n"}}
      - S: {{2xx: pass}}
"""

SCRIPT = """
import pytest
from pathlib import Path
from tests.bench.replay import blocking, plays
RECORDED = plays(Path({stream!r}))
@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_case(number):
    blocking(RECORDED[number], "127.0.0.1", {port})
"""


@contextmanager
def server(greeting: float, reply: float) -> Iterator[int]:
    """Run the reference server in a process of its own; give its port."""
    command = [sys.executable, "-m", "tests.bench.delayed", str(greeting), str(reply)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def engine(target: str, *more: str) -> list[str]:
    """Return the command that plays the suite."""
    return [sys.executable, "-m", "conformance", "run", target, "-q", *more]


def suite(folder: Path, rounds: int) -> str:
    """Measure the whole suite and the bare replay of its octets."""
    stream = folder / "suite.jsonl"
    with server(0, 0) as port:
        command = engine(f"127.0.0.1:{port}", *ADDRESSES, "--jobs", str(JOBS), "--out", str(stream))
        once(command, (0, 1))
        costs = medians({"bare replay": _replay(stream, port, JOBS), "smtp-conformance run": command}, rounds)
    return table("The whole suite against the reference server", costs, "bare replay")


def postfix(target: Path, folder: Path, rounds: int) -> str:
    """Measure the same against a Postfix that runs already."""
    from conformance.target import read_file

    stream, where = folder / "postfix.jsonl", read_file(target)
    command = engine(str(target), "--jobs", str(JOBS), "--out", str(stream), "--impact", "mail")
    once(command, (0, 1))
    replay = _replay(stream, where.port, JOBS)
    costs = medians({"bare replay": replay, "smtp-conformance run": command}, rounds)
    return table(f"The whole suite against Postfix ({target})", costs, "bare replay")


def _replay(stream: Path, port: int, jobs: int, most: int = 0) -> list[str]:
    return [sys.executable, "-m", "tests.bench.replay", str(stream), "127.0.0.1", str(port), str(jobs), str(most)]


def generated(folder: Path) -> Path:
    """Write a suite of cases with five round trips each, and return its folder."""
    rows = "".join(f"        n{number}: word{number}\n" for number in range(CASES))
    suite = folder / "suite" / "distant.yaml"
    suite.parent.mkdir(exist_ok=True)
    suite.write_text(SUITE.format(rows=rows), encoding="utf-8")
    return suite.parent


def distant(folder: Path, rounds: int) -> str:
    """Measure 300 cases against a server that takes its time: the engine, the plugin, a script, one by one."""
    cases, stream, script = generated(folder), folder / "distant.jsonl", folder / "test_blocking.py"
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(folder / "pytest.ini")]
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with server(GREETING, REPLY) as port:
        target = f"127.0.0.1:{port}"
        command = engine(target, "--cases", str(cases), "--jobs", str(CASES))
        once([*command, "--out", str(stream)])
        script.write_text(SCRIPT.format(stream=str(stream), port=port), encoding="utf-8")
        plugin = [*pytest, "--smtp-target", target, "--smtp-jobs", str(CASES), str(cases)]
        costs = medians(
            {
                "the longest case (a bare replay of one)": _replay(stream, port, CASES, 1),
                "bare replay": _replay(stream, port, CASES),
                "smtp-conformance run": command,
                "pytest --smtp-target": plugin,
                "pytest --smtp-target -n 2": [*plugin, "-n", "2"],
            },
            rounds,
        )
        costs[f"blocking script, pytest -n {WORKERS}"] = once([*pytest, "-n", str(WORKERS), str(script)])
        costs[f"one by one ({ALONE} of them, times {CASES // ALONE})"] = _times(
            once(_replay(stream, port, 1, ALONE)), CASES // ALONE
        )
    title = f"{CASES} cases of five replies; greeting after {GREETING:g} s, replies after {REPLY * 1000:g} ms"
    return table(title, costs, "smtp-conformance run")


def _times(cost: Cost, factor: int) -> Cost:
    return Cost(cost.wall * factor, cost.cpu * factor)


def swaks(folder: Path, rounds: int) -> str:
    """Measure messages sent by swaks, one process each, and as many played by the engine."""
    if shutil.which("swaks") is None:
        return "swaks is not installed (Debian: apt-get install swaks): not compared"
    cases = folder / "message" / "message.yaml"
    cases.parent.mkdir(exist_ok=True)
    rows = "".join(f"        n{number}: word{number}\n" for number in range(SWAKS_SESSIONS))
    cases.write_text(MESSAGES.format(rows=rows), encoding="utf-8")
    with server(0, 0) as port:
        send = f"swaks --server 127.0.0.1:{port} --to alice@lab.test --from sender@example.net --silent 3"
        loop = f"for n in $(seq {SWAKS_SESSIONS}); do {send} || exit 3; done"
        ours = engine(f"127.0.0.1:{port}", *ADDRESSES, "--cases", str(cases.parent))
        costs = medians({"smtp-conformance run": ours, "swaks": ["sh", "-c", loop]}, rounds)
    return table(f"{SWAKS_SESSIONS} messages", costs, "smtp-conformance run")


def start_up(rounds: int) -> str:
    """Measure what a command costs before it does anything."""
    command = [sys.executable, "-m", "conformance"]
    bare = [sys.executable, "-c", "pass"]
    commands = {"python -c pass": bare, "--help": [*command, "--help"], "list": [*command, "list"]}
    return table("Start-up", medians(commands, rounds), "python -c pass")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often everything takes its turn (medians are shown)")
    parser.add_argument("--postfix", type=Path, metavar="FILE", help="the target file of a Postfix that runs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(suite(folder, given.rounds), flush=True)
        if given.postfix:
            print(postfix(given.postfix, folder, given.rounds), flush=True)
        print(distant(folder, given.rounds), flush=True)
        print(swaks(folder, given.rounds), flush=True)
        print(start_up(given.rounds), flush=True)


if __name__ == "__main__":
    main()
