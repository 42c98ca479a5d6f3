"""``run`` and ``audit``: play cases against a target and write reports."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO

from conformance import baseline
from conformance.baseline import Known
from conformance.case.model import Case
from conformance.command.common import UsageError, catalogue_of, selected, selection_of, target_of, tell
from conformance.engine.entry import observer_of, play_all
from conformance.engine.exit import FINDINGS, INTERRUPTED, NOTHING_PLAYED, OK, UNREACHABLE, USAGE, Exit, counts, fail_on
from conformance.engine.run import Options, gate
from conformance.exchanger import LookupProblem, mail_exchangers, resolver
from conformance.observer import ObserverError
from conformance.stream import Event, Result, Writer, collect
from conformance.target import Target

REPORTS = ("html", "junit", "sarif", "markdown", "badge")


def main(given: argparse.Namespace) -> int:
    """Play and report; return the exit code."""
    try:
        return _main(given)
    except UsageError as error:
        return tell(error)


def _main(given: argparse.Namespace) -> int:
    catalogue = catalogue_of(given)
    selection = selection_of(given)
    cases = selected(catalogue, selection)
    if not cases:
        print(f"smtp-conformance: no case matches {selection} (smtp-conformance list shows all)", file=sys.stderr)
        return NOTHING_PLAYED
    target = _target(given)
    options = replace(_options(given), selection=str(selection), case_set=catalogue.hash)
    if target is not None and given.impact is None:
        careful = given.command == "audit" or not target.on_loopback
        options = replace(options, impact="session" if careful else "mail")
    return _play(given, cases, target, options)


def _target(given: argparse.Namespace) -> Target | None:
    """Return the target, or None for the embedded server. Raises UsageError."""
    if given.command == "audit":
        if given.target is None:
            raise UsageError("audit needs a target: smtp-conformance audit mx.example.org")
        given.target = chosen_exchanger(given.target, given.resolver)
    if given.target is None:
        return None
    target = target_of(given)
    try:
        observer_of(target)
    except ObserverError as error:
        raise UsageError(error) from None
    return target


def _options(given: argparse.Namespace) -> Options:
    """Return the options of the arguments. Raises UsageError."""
    from conformance.profile import ProfileError, load

    try:
        profile = load(given.profile)
        counting = fail_on(given.fail_on)
    except (ProfileError, ValueError) as error:
        raise UsageError(error) from None
    return Options(
        profile=profile,
        profile_name=given.profile,
        impact=given.impact or "session",
        jobs=given.jobs,
        fail_on=counting,
        baseline=_baseline(given),
    )


def _baseline(given: argparse.Namespace) -> tuple[Known, ...]:
    """Return the known deviations. Raises UsageError."""
    if given.baseline is None:
        if given.baseline_update:
            raise UsageError("--baseline-update needs --baseline FILE, the file to write")
        return ()
    path = Path(given.baseline)
    if given.baseline_update and not path.exists():
        return ()
    try:
        return baseline.read(path)
    except baseline.BaselineError as error:
        raise UsageError(error) from None


def chosen_exchanger(target: str, server: str | None) -> str:
    """Return the host to audit: a bare domain with mail exchangers is asked about, never gone past unasked.

    Raises UsageError.
    """
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", target) or target.replace(".", "").isdigit():
        return target
    if Path(target).exists():
        return target
    try:
        found = mail_exchangers(target, resolver(server))
    except LookupProblem as error:
        print(f"smtp-conformance: {error}; going on with {target} itself", file=sys.stderr)
        return target
    if not found or any(name.lower() == target.lower() for _, name in found):
        return target
    print(f"The mail of {target} goes to:")
    for preference, name in found:
        print(f"  {preference:>5} {name}")
    best = found[0][1]
    if sys.stdin is not None and sys.stdin.isatty():
        if input(f"Audit {best}? [y/N] ").strip().lower() in ("y", "yes"):
            return best
        raise UsageError("nothing was done")
    raise UsageError(f"name the host: smtp-conformance audit {best} (or {target}:25, to audit {target} itself)")


def _announce(cases: Sequence[Case], target: Target, options: Options) -> None:
    """Say what the run will cost the target at most."""
    played = [case for case in cases if gate(case, target, options.impact, None) is None]
    connections = sum(case.connections for case in played)
    messages = sum(case.impact != "session" for case in played)
    mail = f"up to {messages} messages to {target.recipient}" if messages else "no message is sent"
    print(f"{target.label}: up to {connections} connections, {mail} (impact {options.impact})", file=sys.stderr)


def _play(given: argparse.Namespace, cases: Sequence[Case], target: Target | None, options: Options) -> int:
    from conformance.report.terminal import Terminal

    for option in ("out", *REPORTS):
        path = getattr(given, option)
        if path and not Path(path).resolve().parent.is_dir():
            raise UsageError(f"--{option} {path}: there is no folder {Path(path).resolve().parent}")
    if target is not None and not given.quiet:
        _announce(cases, target, options)
    terminal = Terminal(quiet=given.quiet)
    events: list[Event] = []
    results: list[Result] = []
    keep = any(getattr(given, name) for name in REPORTS)
    with _opened(given.out) as file:
        writer = Writer(file) if file else None

        def emit(event: Event) -> None:
            if writer is not None:
                writer.write(event)
            if keep:
                events.append(event)
            terminal.event(event)

        def take(result: Result) -> None:
            terminal.result(result)
            results.append(replace(result, transcript=(), earlier=()))

        ending = _run(cases, target or given.role, options, emit, take)
    written = not keep or write_reports(given, events)
    if given.baseline_update and ending.code in (OK, FINDINGS):
        ending = _update(Path(given.baseline), options, results)
    if ending.code == UNREACHABLE and target is not None and not given.quiet:
        print(f"smtp-conformance doctor {given.target} looks closer", file=sys.stderr)
    files = {name: getattr(given, name) for name in ("out", *REPORTS) if getattr(given, name)}
    terminal.finish(ending.code, ending.reason, files if written else {})
    return ending.code if written else USAGE


def _opened(path: str | None) -> AbstractContextManager[IO[str] | None]:
    """Return the file of the result stream, or nothing. Raises UsageError."""
    if path is None:
        return nullcontext()
    try:
        return Path(path).open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {path}: {error.strerror}") from None


def write_reports(given: argparse.Namespace, events: Sequence[Event]) -> bool:
    """Write the reports that the arguments ask for; return whether all could be written."""
    from conformance.report import FORMATS

    stream = collect(events)
    written = True
    for name in REPORTS:
        path = getattr(given, name)
        if path:
            try:
                FORMATS[name](stream, Path(path))
            except OSError as error:
                tell(f"--{name} {path}: {error.strerror}")
                written = False
    return written


def _update(path: Path, options: Options, results: Sequence[Result]) -> Exit:
    """Write the baseline anew and return what was done. Raises UsageError."""
    before = options.baseline
    found = [result for result in results if counts(result, options.fail_on)]
    after = baseline.updated(before, results, found, datetime.date.today())
    try:
        path.write_text(baseline.text(after), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--baseline {path}: {error.strerror}") from None
    names = {entry.case for entry in before}
    new = sum(entry.case not in names for entry in after)
    gone = len(before) + new - len(after)
    return Exit(OK, f"{path}: {len(after)} known deviations ({new} new, {gone} gone)")


def _run(
    cases: Sequence[Case],
    target: Target | str | None,
    options: Options,
    emit: Callable[[Event], None],
    on_result: Callable[[Result], None],
) -> Exit:
    """Play; SIGINT and SIGTERM end the run in order.

    A shell has its jobs in the background ignore SIGINT, and that stays so; SIGTERM ends these, too.
    """
    before = signal.getsignal(signal.SIGTERM)

    async def play() -> Exit:
        loop, playing = asyncio.get_running_loop(), asyncio.current_task()
        assert playing is not None
        end = playing.cancel

        def ended(number: int, frame: object) -> None:
            loop.call_soon_threadsafe(end)

        signal.signal(signal.SIGTERM, ended)
        return await play_all(cases, target, options, emit, on_result)

    try:
        return asyncio.run(play())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return Exit(INTERRUPTED, "interrupted: what was done is written")
    except ObserverError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"the result stream can't be written: {error.strerror}") from None
    finally:
        signal.signal(signal.SIGTERM, before)
