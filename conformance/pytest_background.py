"""The engine behind pytest items: it plays all selected cases at once in a thread, and items ask for their results."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import pytest

from conformance.case.catalog import with_earlier
from conformance.case.model import IMPACTS, Case
from conformance.engine.entry import observer_of, play_all
from conformance.engine.exit import counts, fail_on
from conformance.engine.run import Options
from conformance.observer import ObserverError
from conformance.profile import ProfileError, load
from conformance.stream import Event, Result
from conformance.target import Target, TargetError, from_argument

EMBEDDED = "embedded"

ENDING_SECONDS = 30.0
"""How long the end of a run may take when every case has its result."""


@dataclass(frozen=True)
class Settings:
    """What is played against, and how."""

    target: Target | None
    options: Options

    def counts(self, result: Result) -> bool:
        """Return whether a result fails a test."""
        return counts(result, self.options.fail_on)

    def __str__(self) -> str:
        name = f"{self.target.label} (role {self.target.role})" if self.target else "the embedded reference server"
        return f"{name}, impact {self.options.impact}, profile {self.options.profile_name}"


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of the options and the ini file. Raises pytest.UsageError that says what would be right."""

    def value(name: str) -> str | None:
        given = config.getoption(f"smtp_{name}") or config.getini(f"smtp_{name}")
        return str(given) if given else None

    try:
        argument = value("target") or EMBEDDED
        target = None if argument == EMBEDDED else from_argument(argument)
        if target is not None:
            observer_of(target)
        impact = value("impact") or ("mail" if target is None or target.on_loopback else "session")
        if impact not in IMPACTS:
            raise ValueError(f"--smtp-impact {impact}: it is one of {', '.join(IMPACTS)}")
        jobs = value("jobs")
        if jobs is not None and not (jobs.isdecimal() and int(jobs)):
            raise ValueError(f"--smtp-jobs {jobs}: it is a number, at least 1")
        profile = value("profile") or "interop"
        options = Options(
            profile=load(profile),
            profile_name=profile,
            impact=impact,
            jobs=int(jobs) if jobs else None,
            fail_on=fail_on(value("fail_on")),
        )
    except (TargetError, ObserverError, ProfileError, ValueError) as error:
        raise pytest.UsageError(f"smtp-conformance: {error}") from None
    return Settings(target, options)


class Lost(Exception):
    """There will be no result: the target is gone, or the run was stopped. ``code`` is the exit code that says so."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


@dataclass
class Background:
    """One run in a thread of its own."""

    settings: Settings
    cases: Iterable[Case]
    known: Mapping[str, Case]
    """Every collected case by id: those that others come after are played too."""
    lints: list[Result] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan = with_earlier(list(self.known.values()), {case.id for case in self.cases})
        self._results: dict[str, Future[Result]] = {case.id: Future() for case in plan}
        self._later: list[Background] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Lost] | None = None
        self._thread = threading.Thread(target=self._main, args=(plan,), name="smtp-conformance", daemon=True)
        if plan:
            self._thread.start()

    def result(self, case: Case) -> Result:
        """Return the result of a case when it is there. Raises Lost."""
        if case.id not in self._results:
            later = Background(self.settings, [case], self.known, self.lints)
            self._later.append(later)
            self._results |= later._results
        return self._results[case.id].result()

    def stop(self) -> None:
        """End the run: at once where results are missing, in order where all are there (the last sanity dialogue)."""
        for later in self._later:
            later.stop()
        if self._thread.ident is None:
            return
        if all(future.done() for future in self._results.values()):
            self._thread.join(ENDING_SECONDS)
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # where the loop has ended by itself
                self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _main(self, plan: list[Case]) -> None:
        ending = Lost("the run was stopped", 2)
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                ending = runner.run(self._play(plan))
        except asyncio.CancelledError:
            pass
        except Exception as error:
            ending = Lost(f"an error in the suite: {error!r}", 3)
        for future in self._results.values():
            if not future.done():
                future.set_exception(ending)

    async def _play(self, plan: list[Case]) -> Lost:
        self._task = asyncio.current_task()
        exit_ = await play_all(plan, self.settings.target, self.settings.options, _ignore, self._take)
        return Lost(exit_.reason, exit_.code)

    def _take(self, result: Result) -> None:
        if result.id in self._results:
            self._results[result.id].set_result(result)
        else:
            self.lints.append(result)


def _ignore(event: Event) -> None:
    """Take an event that only files need."""


def shared(settings: Settings, workers: int) -> Settings:
    """Return the settings of one of several workers: the target sees no more sessions than from one."""
    return replace(settings, options=replace(settings.options, share=workers))
