"""``report``: reports of a stored result stream, under the same profile or another one."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from conformance.command.common import UsageError, tell
from conformance.engine.exit import OK
from conformance.stream import Run, StreamError, read
from conformance.verdict import judge

REPORTS = ("html", "junit", "sarif", "markdown", "badge")


def main(given: argparse.Namespace) -> int:
    """Write the reports asked for, or tell the story on the terminal; return the exit code."""
    from conformance.report import FORMATS

    try:
        run = read(Path(given.stream))
        if given.profile:
            run = rejudged(run, given.profile)
        wanted = [(name, getattr(given, name)) for name in REPORTS if getattr(given, name)]
        for name, path in wanted:
            FORMATS[name](run, Path(path))
    except (UsageError, StreamError) as error:
        return tell(error)
    except OSError as error:
        return tell(f"{error.filename}: {error.strerror}")
    if not wanted:
        from conformance.report.terminal import Terminal

        terminal = Terminal(progress=False)
        terminal.event(run.header)
        for result in run.results:
            terminal.result(result)
        terminal.event(run.footer or {})
        footer = run.footer or {"exit": 2, "exit_reason": "the stream has no footer: the run was cut off"}
        terminal.finish(int(footer["exit"]), str(footer["exit_reason"]))
    return OK


def rejudged(run: Run, name: str) -> Run:
    """Return a run as another profile judges it. Raises UsageError."""
    from conformance.profile import ProfileError, load

    try:
        profile = load(name)
    except ProfileError as error:
        raise UsageError(error) from None
    results = []
    for result in run.results:
        verdict, note = judge(result.outcome, result.level, result.requirement, result.id, profile)
        results.append(replace(result, verdict=verdict, note=note))
    return Run({**run.header, "profile": name}, results, run.lints, run.notes, run.footer)
