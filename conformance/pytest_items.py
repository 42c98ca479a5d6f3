"""Suite files as pytest items: collected, selected and reported by pytest, played by the engine.

The engine plays all selected cases at once in a thread, with the concurrency, back-off and replay of any run; each item
waits for its own result. So 300 cases take as long as the longest of them, and ``-k``, ``-x``, ``--lf`` and
``--junitxml`` mean what pytest users expect. Under xdist each worker plays its own share (``pytest_shares``).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from conformance.case.catalog import suite_files
from conformance.case.load import load_suite
from conformance.case.model import Case
from conformance.case.yaml import SourceError
from conformance.pytest_background import Background, Lost, Settings, settings_of
from conformance.report.story import story
from conformance.report.text import visible
from conformance.stream import Result, result_of

_SUITE = re.compile(rb"^cases:", re.MULTILINE)
_HEAD_OCTETS = 65536

BACKGROUND: pytest.StashKey[Background] = pytest.StashKey()
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
KNOWN: pytest.StashKey[dict[str, Case]] = pytest.StashKey()
"""Every case that was collected, by id."""


class Deviation(Exception):
    """The server under test does not do what the case asks."""


class NotJudged(Exception):
    """The case could not be judged, and that counts (``fail-on``), or the suite is at fault."""


class SuiteFile(pytest.File):
    """A suite file."""

    def collect(self) -> Iterator[CaseItem]:
        """Yield an item for each case and row. Raises CollectError that says what is wrong with the file."""
        ((file, name),) = suite_files([self.path])
        try:
            suite = load_suite(file, name)
        except SourceError as error:
            raise self.CollectError(str(error)) from None
        for case in suite.cases:
            self.config.stash[KNOWN][case.id] = case
            yield CaseItem.from_parent(self, name=case.id.removeprefix(name.removesuffix(".yaml") + "/"), case=case)


class CaseItem(pytest.Item):
    """A case, or a row of one."""

    def __init__(self, *, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        self.result: Result | None = None
        self.extra_keyword_matches.update((*case.requirement, *case.title.split()))
        for name in dict.fromkeys((case.level.split()[0].lower(), case.impact, *case.tags)):
            self.config.addinivalue_line("markers", f"{name}: cases of smtp-conformance")
            self.add_marker(name)

    def setup(self) -> None:
        """Wait for the result; what was not judged is skipped, or an error where that counts."""
        try:
            self.result = result = self.config.stash[BACKGROUND].result(self.case)
        except Lost as error:
            self._lost(error)
        self.user_properties += [("verdict", result.verdict), ("level", result.level)]
        self.user_properties += [("requirement", name) for name in result.at_issue]
        if result.verdict == "warn":
            self.user_properties.append(("reason", visible(result.reason)))
        if result.verdict in ("n/a", "untested", "inconclusive", "error"):
            if result.verdict == "error" or self._counts(result):
                raise NotJudged(result.reason)
            pytest.skip(visible(f"{result.verdict}: {result.reason}"))

    def _lost(self, error: Lost) -> NoReturn:
        """End the session: without the target no item has a result."""
        if hasattr(self.config, "workerinput"):
            self.session.shouldstop = str(error)
            raise NotJudged(str(error)) from None
        pytest.exit(f"smtp-conformance: {visible(str(error))}", returncode=error.code or 3)

    def runtest(self) -> None:
        """Fail where the verdict counts as a finding."""
        assert self.result is not None
        if self._counts(self.result):
            raise Deviation(self.result.reason)

    def _counts(self, result: Result) -> bool:
        return self.config.stash[SETTINGS].counts(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the story of the result: what was expected, what came, every octet."""
        if isinstance(excinfo.value, Deviation | NotJudged):
            return "\n".join(story(self.result)) if self.result is not None else str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place in the suite file and the id."""
        return self.path, max(self.case.line - 1, 0), self.name


class Plugin:
    """The hooks that work where a target is named."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.settings = settings_of(config)
        self.share: slice | None = None
        self.lints: dict[str, Result] = {}
        worker = getattr(config, "workerinput", None)
        if worker is not None:
            workers = int(worker["workercount"])
            self.settings = replace(self.settings, options=replace(self.settings.options, share=workers))
            if worker.get("smtp_shares"):
                self.share = slice(int(worker["workerid"].removeprefix("gw")), None, workers)
        config.stash[SETTINGS] = self.settings
        config.stash[KNOWN] = {}

    def pytest_report_header(self) -> str:
        """Say what is played against."""
        return f"smtp-conformance: {self.settings}"

    # ------------------------------------------------------------------ collection

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
        """Collect YAML files that hold cases; others are somebody else's."""
        if file_path.suffix != ".yaml":
            return None
        with file_path.open("rb") as file:
            if not _SUITE.search(file.read(_HEAD_OCTETS)):
                return None
        return SuiteFile.from_parent(parent, path=file_path)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out slow cases that nobody named."""
        if "slow" in str(config.getoption("markexpr", "")) or any("::" in word for word in config.args):
            return
        slow = [item for item in items if isinstance(item, CaseItem) and "slow" in item.case.tags]
        if slow:
            config.hook.pytest_deselected(items=slow)
            items[:] = [item for item in items if not (isinstance(item, CaseItem) and "slow" in item.case.tags)]

    # ------------------------------------------------------------------ play

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Play in the background while pytest asks item after item."""
        if self.config.getoption("collectonly") or self._is_controller:
            return (yield)
        mine = session.items if self.share is None else session.items[self.share]
        cases = [item.case for item in mine if isinstance(item, CaseItem)]
        known = self.config.stash[KNOWN]
        background = Background(self.settings, cases, known)
        self.config.stash[BACKGROUND] = background
        try:
            return (yield)
        finally:
            background.stop()
            self._note_lints(background.lints)

    @property
    def _is_controller(self) -> bool:
        """Whether workers of xdist do the work."""
        return not hasattr(self.config, "workerinput") and self.config.getoption("dist", "no") != "no"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let reports have the duration of the play, and skips the place of the case."""
        report = yield
        if isinstance(item, CaseItem) and item.result is not None:
            last = report.when == "call" or report.outcome != "passed"
            report.duration = item.result.duration if last and report.when != "teardown" else 0.0
            if report.skipped and isinstance(report.longrepr, tuple):
                report.longrepr = (str(item.path), item.case.line, report.longrepr[2])
        return report

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Show a warning as one."""
        if report.when == "call" and report.passed and ("verdict", "warn") in report.user_properties:
            return "warned", "w", ("WARN", {"yellow": True})
        return None

    # ------------------------------------------------------------------ lints, and the end

    def _note_lints(self, results: list[Result]) -> None:
        for result in results:
            known = self.lints.get(result.id)
            if result.verdict in ("fail", "warn") and (known is None or known.verdict != "fail"):
                self.lints[result.id] = result

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist that it plays its share of the items."""
        node.workerinput["smtp_shares"] = self.config.getoption("dist") == "load"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> Any:
        """Deal the items out in shares that each worker knows beforehand, so that it can play them at once."""
        if config.getoption("dist") != "load":
            return None
        from conformance.pytest_shares import Shares

        return Shares(config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take the lints of a worker."""
        events = getattr(node, "workeroutput", {}).get("smtp_lints", ())
        self._note_lints([result_of(event) for event in events])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand lints over; one that counts fails the session though it belongs to no item."""
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output["smtp_lints"] = [{**result.event(), "transcript": []} for result in self.lints.values()]
        elif session.exitstatus == pytest.ExitCode.OK and any(map(self.settings.counts, self.lints.values())):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the warnings, and what held not on every reply."""
        warned = terminalreporter.getreports("warned")
        if warned:
            terminalreporter.section("SMTP warnings", yellow=True)
            for report in warned:
                reason = dict(report.user_properties).get("reason", "")
                terminalreporter.write_line(f"WARN {report.nodeid} - {reason}")
        if self.lints:
            terminalreporter.section("SMTP replies", yellow=True)
            for result in sorted(self.lints.values(), key=lambda result: (result.verdict, result.id)):
                terminalreporter.write_line(
                    f"{result.verdict.upper()} {result.id} ({', '.join(result.at_issue)}, {result.level}): "
                    f"{visible(result.title)} - {visible(result.reason)}"
                )
