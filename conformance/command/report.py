"""``report``: reports of stored result streams, under the same profile or another one, and the matrix of several."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from conformance.command.common import UsageError, tell
from conformance.engine.exit import FINDINGS, OK, decide
from conformance.stream import Event, Run, StreamError, read, write
from conformance.verdict import judge

REPORTS = ("html", "junit", "sarif", "markdown", "badge")


def main(given: argparse.Namespace) -> int:
    """Write the reports asked for, or tell the story on the terminal; return the exit code."""
    try:
        return _main(given)
    except (UsageError, StreamError) as error:
        return tell(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        return tell(f"{error.filename}: {error.strerror}")


def _main(given: argparse.Namespace) -> int:
    from conformance.report import FORMATS

    wanted = [(name, Path(getattr(given, name))) for name in REPORTS if getattr(given, name)]
    if len(given.streams) > 1 and (wanted or given.out or not given.matrix):
        raise UsageError("several streams make one thing: --matrix FILE; reports are made of one stream each")
    runs = [_run(Path(name), given) for name in given.streams]
    for name, path in wanted:
        FORMATS[name](runs[0], path)
    if given.out:
        write(runs[0], Path(given.out))
    if given.matrix:
        from conformance.report.matrix import Column, write_matrix

        columns = [Column(run, Path(name)) for run, name in zip(runs, given.streams, strict=True)]
        write_matrix(columns, Path(given.matrix))
    if not wanted and not given.out and not given.matrix:
        _tell_story(runs[0])
    return OK


def _run(path: Path, given: argparse.Namespace) -> Run:
    run = read(path)
    if given.profile:
        run = rejudged(run, given.profile)
    if given.published:
        from conformance.report.published import published

        run = published(run, _advisories(given.advisory))
    return run


def _advisories(given: list[str]) -> dict[str, str]:
    """Return which findings are public, by glob of case ids. Raises UsageError."""
    found = {}
    for text in given:
        case, separator, name = text.rpartition("=")
        if not separator or not case or not name:
            raise UsageError(f"--advisory {text}: it is CASE=ADVISORY, as in security/smuggling/*=CVE-2023-51764")
        found[case] = name
    return found


def _tell_story(run: Run) -> None:
    from conformance.report.terminal import Terminal

    terminal = Terminal(progress=False)
    terminal.event(run.header)
    for result in run.results:
        terminal.result(result)
    terminal.event(run.footer or {})
    footer = run.footer or {"exit": 2, "exit_reason": "the stream has no footer: the run was cut off"}
    terminal.finish(int(footer["exit"]), str(footer["exit_reason"]))


def rejudged(run: Run, name: str) -> Run:
    """Return a run as another profile judges it. Raises UsageError."""
    from conformance.profile import ProfileError, load

    try:
        profile = load(name)
    except ProfileError as error:
        raise UsageError(error) from None
    results = []
    for result in run.results:
        if (result.note or "").startswith("waived"):
            results.append(result)
            continue
        verdict, note = judge(result.outcome, result.level, result.at_issue, result.id, profile)
        results.append(replace(result, verdict=verdict, note=note))
    judged = Run({**run.header, "profile": name}, results, run.lints, run.notes)
    return replace(judged, footer=_footer(run, judged))


def _footer(run: Run, judged: Run) -> Event | None:
    """Return the footer with the counts, and the exit where the run came to its end, under the other profile."""
    if run.footer is None:
        return None
    footer = {**run.footer, "counts": dict(judged.counts)}
    if footer.get("exit") in (OK, FINDINGS):
        ending = decide(judged.results)
        footer |= {"exit": ending.code, "exit_reason": ending.reason}
    return footer
