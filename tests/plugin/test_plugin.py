"""The pytest plugin, in pytest runs of its own, against the reference server on a port."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import cryptography.hazmat.primitives.asymmetric.ec  # noqa: F401  (loaded twice, its classes don't know each other)
import pytest

import conformance.pytest_items  # noqa: F401
from conformance.reference.certificate import make
from conformance.reference.serve import ServingThread
from conformance.reference.site import Site

pytest_plugins = ["pytester"]
# Runs in this process forget the modules that they load; native ones (libyaml, cryptography) can be loaded only once,
# so they are loaded here.
make("localhost")

SUITE = """\
title: Commands
spec: RFC 5321 section 4.1.1
cases:
  - id: noop
    title: NOOP is answered
    requirement: RFC5321-4.1.1.9-01
    dialogue: [C: NOOP, S: {250: pass}]
  - id: wrong
    title: A case that the server does not meet
    requirement: RFC5321-4.1.1.9-01
    dialogue: [C: NOOP, S: {250: fail - takes NOOP and should not}]
  - id: warned
    title: A case that warns
    requirement: RFC5321-4.1.1.9-01
    tags: [reset]
    dialogue: [C: RSET, S: {250: warn - takes RSET gladly}]
  - id: needs-more
    title: A case for which the target names too little
    requirement: RFC5321-4.1.1.9-01
    dialogue: [C: VRFY $unknown, S: {any: pass}]
  - id: table
    title: A table with a control
    requirement: RFC5321-4.1.1.9-01
    each: {verb: {noop: NOOP, rset: RSET, quit: QUIT}}
    control: noop
    dialogue: [C: $verb, S: {2xx: pass}]
  - id: waits
    title: A slow case
    requirement: RFC5321-4.1.1.9-01
    tags: [slow]
    dialogue: [C: NOOP, S: {250: pass}]
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A reference server."""
    with ServingThread(Site()) as endpoint:
        yield endpoint.port


class Runs:
    """Runs of pytest in a folder with a suite file."""

    def __init__(self, pytester: pytest.Pytester, port: int) -> None:
        self.pytester = pytester
        self.target = f"127.0.0.1:{port}"
        self.write(SUITE)

    def write(self, suite: str) -> None:
        """Write the suite file."""
        folder = self.pytester.path / "cases" / "own"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "1-commands.yaml").write_text(suite, encoding="utf-8")

    def __call__(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in this process."""
        return self.pytester.runpytest_inprocess("--smtp-target", self.target, *arguments)

    def workers(self, *arguments: str) -> pytest.RunResult:
        """Run pytest with two workers, in processes of their own."""
        return self.pytester.runpytest_subprocess("--smtp-target", self.target, "-p", "xdist", "-n", "2", *arguments)


@pytest.fixture
def runs(pytester: pytest.Pytester, port: int, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A folder with a suite file; the runs load no plugin but ours."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "conformance.pytest_plugin")
    return Runs(pytester, port)


def test_verdicts_are_what_pytest_users_expect(runs: Runs) -> None:
    """Fail fails, warn passes and is marked, untested is skipped with its reason, slow cases are left out."""
    result = runs("-rA", "cases")
    assert result.parseoutcomes() == {"passed": 4, "failed": 1, "skipped": 1, "warned": 1, "deselected": 1}
    result.stdout.fnmatch_lines(
        [
            "smtp-conformance: 127.0.0.1:* (role mx), impact mail, profile interop",
            "*fail: takes NOOP and should not",
            "*own/1-commands/wrong: A case that the server does not meet",
            "*C: NOOP\\r\\n",
            ">* S: 250 *",
            "WARN cases/own/1-commands.yaml::warned - takes RSET gladly",
            "SKIPPED * cases/own/1-commands.yaml:17: untested: the target names no unknown*",
            "FAILED cases/own/1-commands.yaml::wrong - fail: takes NOOP and should not",
        ]
    )
    assert result.ret == 1


def test_selection_by_words_tags_and_rows(runs: Runs) -> None:
    """``-k`` knows ids, rows and requirements, ``-m`` knows tags, levels and impact."""
    assert runs("-k", "table and quit", "cases").parseoutcomes() == {"passed": 1, "deselected": 7}
    assert runs("-m", "reset", "cases").parseoutcomes() == {"warned": 1, "deselected": 7}
    assert runs("-m", "slow", "cases").parseoutcomes() == {"passed": 1, "deselected": 7}
    assert runs("cases/own/1-commands.yaml::table[rset]").parseoutcomes() == {"passed": 1}
    assert runs("-k", "RFC5321-4.1.1.9-01 and noop", "--collect-only", "-q", "cases").ret == 0


def test_only_selected_cases_are_played(pytester: pytest.Pytester, runs: Runs) -> None:
    """A selected row plays its control, and nothing else."""
    site = Site()
    with ServingThread(site) as endpoint:
        runs.target = f"127.0.0.1:{endpoint.port}"
        runs("--smtp-impact", "session", "cases/own/1-commands.yaml::table[quit]").assert_outcomes(passed=1)
    assert len(site.store) == 0


def test_first_failure_stops(runs: Runs) -> None:
    """``-x`` stops, and the run ends without waiting for the rest."""
    result = runs("-x", "cases")
    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "deselected": 1}


def test_last_failures_are_played_again(runs: Runs) -> None:
    """``--lf`` plays what failed."""
    runs("cases")
    assert runs("--lf", "cases").parseoutcomes() == {"failed": 1}


def test_junit_has_the_story(runs: Runs) -> None:
    """The XML has one testcase a row, the transcript of failures and the requirement as a property."""
    runs("--junitxml", "out.xml", "-o", "junit_family=xunit1", "cases")
    root = ElementTree.parse(runs.pytester.path / "out.xml").getroot()
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert set(cases) == {"noop", "wrong", "warned", "needs-more", "table[noop]", "table[rset]", "table[quit]"}
    failure = cases["wrong"].find("failure")
    assert failure is not None
    assert "C: NOOP\\r\\n" in (failure.text or "")
    assert ("requirement", "RFC5321-4.1.1.9-01") in [
        (item.get("name"), item.get("value")) for item in cases["noop"].iter("property")
    ]


def test_workers_of_xdist_play_their_shares(runs: Runs) -> None:
    """``-n 2`` comes to the same."""
    result = runs.workers("cases")
    assert result.parseoutcomes() == {"passed": 4, "failed": 1, "skipped": 1, "warned": 1}
    result.stdout.fnmatch_lines(["*WARN cases/own/1-commands.yaml::warned - takes RSET gladly"])


def test_other_distributions_of_xdist_work_too(runs: Runs) -> None:
    """Where a worker does not know its share, items are played one by one."""
    assert runs.workers("--dist", "loadfile", "cases").parseoutcomes()["passed"] == 4


def test_a_crashed_worker_loses_one_item(runs: Runs) -> None:
    """What a worker has not played yet goes to the one that replaces it."""
    runs.pytester.makeconftest(
        """
        import os, pytest
        def pytest_runtest_setup(item):
            if item.name == "wrong" and not os.path.exists("crashed"):
                open("crashed", "w").close()
                os._exit(1)
        """
    )
    outcomes = runs.workers("cases").parseoutcomes()
    assert outcomes["failed"] == 1
    assert sum(outcomes.values()) == 7


def test_fail_on(runs: Runs) -> None:
    """What counts is the user's choice: warnings fail, untested cases are errors."""
    assert runs("--smtp-fail-on", "should", "-k", "warned", "cases").parseoutcomes()["failed"] == 1
    assert runs("--smtp-fail-on", "untested", "-k", "needs-more", "cases").parseoutcomes()["errors"] == 1
    assert runs("--smtp-fail-on", "none", "-k", "wrong", "cases").parseoutcomes()["passed"] == 1


def test_ini_file_names_the_target(runs: Runs) -> None:
    """With ``smtp_target`` in the ini file no option is needed."""
    runs.pytester.makeini("[pytest]\nsmtp_target = embedded\nsmtp_fail_on = none\n")
    result = runs.pytester.runpytest_inprocess("cases")
    assert result.parseoutcomes()["passed"] == 6
    result.stdout.fnmatch_lines(["smtp-conformance: the embedded reference server, impact mail, *"])


def test_python_tests_run_beside(runs: Runs) -> None:
    """Suite files and Python tests are one session; other YAML files are left alone."""
    runs.pytester.makepyfile("def test_python(): pass")
    (runs.pytester.path / "docker-compose.yaml").write_text("services: {}\n")
    assert runs("-k", "test_python or noop").parseoutcomes()["passed"] == 3


def test_bad_suite_file_is_an_error_with_its_place(runs: Runs) -> None:
    """File, line, column, what, and what would be right; no traceback."""
    runs.write(SUITE.replace("dialogue: [C: RSET", "dialoge: [C: RSET"))
    result = runs("cases")
    result.stdout.fnmatch_lines(["*1-commands.yaml:*: a case has no key 'dialoge': did you mean 'dialogue'?*"])
    assert "Traceback" not in result.stdout.str()
    assert result.ret == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--smtp-target", "ftp://x"], "ftp://x: the scheme 'ftp' is none of smtp"),
        (["--smtp-target", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["--smtp-impact", "doom"], "--smtp-impact doom: it is one of session"),
        (["--smtp-jobs", "many"], "--smtp-jobs many: it is a number"),
        (["--smtp-fail-on", "all"], "--fail-on all: it is one or more of must"),
        (["--smtp-profile", "lax"], "no profile is named 'lax'"),
    ],
)
def test_mistakes_are_usage_errors(runs: Runs, arguments: list[str], words: str) -> None:
    """A wrong option is told in a sentence, before anything is collected."""
    result = runs(*arguments, "cases")
    result.stderr.fnmatch_lines([f"ERROR: smtp-conformance: {words.replace('[', '[[]')}*"])
    assert result.ret == 4


def test_target_that_is_not_there_ends_the_session(runs: Runs, unused_tcp_port: int) -> None:
    """One sentence and exit code 6, not a failure for each case."""
    runs.target = f"127.0.0.1:{unused_tcp_port}"
    result = runs("cases")
    result.stdout.fnmatch_lines([f"*smtp-conformance: 127.0.0.1:{unused_tcp_port}: connection refused*"])
    assert result.ret == 6


def test_target_that_is_not_there_ends_workers(runs: Runs, unused_tcp_port: int) -> None:
    """The same with xdist: each worker stops at its first item."""
    runs.target = f"127.0.0.1:{unused_tcp_port}"
    result = runs.workers("cases")
    result.stdout.fnmatch_lines(["*connection refused*"])
    assert result.ret != 0
    assert result.parseoutcomes()["errors"] <= 2


@pytest.fixture
def unused_tcp_port() -> int:
    """A port on which nobody listens."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_reply_lints_fail_the_session(runs: Runs) -> None:
    """What is broken in every reply is told once, at the end, and counts."""
    with ServingThread(Site(), faults=("reply-bare-lf",)) as endpoint:
        runs.target = f"127.0.0.1:{endpoint.port}"
        result = runs("-k", "noop", "cases")
    result.stdout.fnmatch_lines(["*SMTP replies*", "FAIL lint/*"])
    assert result.ret == 1


def test_inert_without_a_target() -> None:
    """Every pytest run loads the plugin: it brings in pytest, and nothing of the suite."""
    code = (
        "import sys, pytest; before = set(sys.modules); import conformance.pytest_plugin;"
        "print(sorted(set(sys.modules) - before))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "['conformance', 'conformance.pytest_plugin']"


def test_nothing_is_collected_without_a_target(runs: Runs) -> None:
    """Suite files are no tests until a target is named."""
    result = runs.pytester.runpytest_inprocess("cases")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert not re.search(r"smtp-conformance:", result.stdout.str())
