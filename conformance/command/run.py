"""``run`` and ``audit``: play cases against a target and write reports."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from conformance.case.model import Case
from conformance.command.common import UsageError, catalogue_of, selected, selection_of, target_of, tell
from conformance.engine.entry import observer_of, play_all
from conformance.engine.exit import INTERRUPTED, NOTHING_PLAYED, Exit, fail_on
from conformance.engine.run import Options
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
    from conformance.profile import ProfileError, load

    catalogue = catalogue_of(given)
    selection = selection_of(given)
    if given.command == "audit" and given.target is None:
        raise UsageError("audit needs a target: smtp-conformance audit mx.example.org")
    cases = selected(catalogue, selection)
    if not cases:
        print(f"smtp-conformance: no case matches {selection} (smtp-conformance list shows all)", file=sys.stderr)
        return NOTHING_PLAYED
    try:
        profile = load(given.profile)
        counting = fail_on(given.fail_on)
    except (ProfileError, ValueError) as error:
        raise UsageError(error) from None
    options = Options(
        profile=profile,
        profile_name=given.profile,
        impact=given.impact or "session",
        jobs=given.jobs,
        fail_on=counting,
        selection=str(selection),
        case_set=catalogue.hash,
    )
    target = None if given.target is None else target_of(given)
    try:
        observer_of(target or Target())
    except ObserverError as error:
        raise UsageError(error) from None
    if target is not None and given.impact is None:
        careful = given.command == "audit" or not target.on_loopback
        options = replace(options, impact="session" if careful else "mail")
    return _play(given, cases, target, options)


def _play(given: argparse.Namespace, cases: Sequence[Case], target: Target | None, options: Options) -> int:
    from conformance.report.terminal import Terminal

    for option in ("out", *REPORTS):
        path = getattr(given, option)
        if path and not Path(path).resolve().parent.is_dir():
            raise UsageError(f"--{option} {path}: there is no folder {Path(path).resolve().parent}")
    terminal = Terminal(quiet=given.quiet)
    events: list[Event] = []
    with Path(given.out).open("w", encoding="utf-8") if given.out else nullcontext() as file:
        writer = Writer(file) if file else None
        keep = any(getattr(given, name) for name in REPORTS)

        def emit(event: Event) -> None:
            if writer is not None:
                writer.write(event)
            if keep:
                events.append(event)
            terminal.event(event)

        ending = _run(cases, target or given.role, options, emit, terminal.result)
    if keep:
        write_reports(given, events)
    terminal.finish(ending.code, ending.reason)
    return ending.code


def write_reports(given: argparse.Namespace, events: Sequence[Event]) -> None:
    """Write the reports that the arguments ask for."""
    from conformance.report import FORMATS

    stream = collect(events)
    for name in REPORTS:
        path = getattr(given, name)
        if path:
            FORMATS[name](stream, Path(path))


def _run(
    cases: Sequence[Case],
    target: Target | str | None,
    options: Options,
    emit: Callable[[Event], None],
    on_result: Callable[[Result], None],
) -> Exit:
    try:
        return asyncio.run(play_all(cases, target, options, emit, on_result))
    except KeyboardInterrupt:
        return Exit(INTERRUPTED, "interrupted: what was done is written")
