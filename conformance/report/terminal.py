"""The terminal report: progress while a run goes on, then the story of everything that is not a pass.

The story goes to standard output, progress and notes to standard error. Where these are no terminals, or ``NO_COLOR``
is set, it is plain text; everything that a server chose is escaped before it is printed.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TextIO

from conformance.report import summary
from conformance.report.account import Account, Paint
from conformance.report.text import plural, visible
from conformance.stream import Event, Result, Run

REDRAW_SECONDS = 0.08
"""The progress bar is drawn at most so often."""

BAR_WIDTH = 32
MOST_COLUMNS = 112
"""Lines are not longer, however wide the terminal is: long lines do not read well."""


class Terminal:
    """Takes a run as it happens and tells it."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        progress: bool = True,
        out: TextIO | None = None,
        error: TextIO | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._quiet = quiet
        self._out = out or sys.stdout
        self._error = error or sys.stderr
        env = os.environ if environment is None else environment
        self._paint = Paint(on=coloured(self._out, env))
        self._bar = (
            None if quiet or not _is_terminal(self._error, env) else Bar(self._error, coloured(self._error, env))
        )
        self._run = Run({})

    def event(self, event: Event) -> None:
        """Take an event of the stream."""
        kind = event.get("type")
        if kind == "header":
            self._run = Run(event)
            if self._bar is not None:
                for line in textwrap.wrap(opening(self._run), columns(self._out) or MOST_COLUMNS):
                    print(self._paint("dim", line), file=self._out, flush=True)
                self._bar.start(event.get("planned"))
        elif kind == "note":
            self._run.notes.append(str(event.get("text", "")))
            if not self._quiet:
                self._clear()
                print(f"note: {visible(str(event.get('text', '')))}", file=self._error)
        elif kind == "lint":
            self._run.lints.append(event)
        elif kind == "footer":
            self._run = replace(self._run, footer=event)

    def result(self, result: Result) -> None:
        """Take a result."""
        self._run.results.append(replace(result, transcript=(), earlier=()) if result.verdict == "pass" else result)
        if self._bar is not None and not result.id.startswith("lint/"):
            self._bar.advance(result.verdict)

    def finish(self, code: int, reason: str, written: Mapping[str, str] | None = None) -> None:
        """Tell the story, the files written (by kind) and, in the last line, the exit reason."""
        self._clear()
        width = columns(self._out)
        if not self._quiet:
            if self._bar is None:
                print(opening(self._run), file=self._out)
            for line in Account(self._run, self._paint, width).lines():
                print(line, file=self._out)
        for line in Account(self._run, self._paint, width).summary():
            print(line, file=self._out)
        for kind, path in (written or {}).items():
            print(f"{kind:<9} {visible(path)}", file=self._out)
        print(self._paint("bold", f"exit {code}: {visible(reason)}"), file=self._out, flush=True)

    def _clear(self) -> None:
        if self._bar is not None:
            self._bar.clear()


def opening(run: Run) -> str:
    """Return what is played against what, in one line."""
    header = run.header
    planned = header.get("planned")
    what = plural(planned, "case") if isinstance(planned, int) else "cases"
    profile, impact = visible(str(header.get("profile", ""))), visible(str(header.get("impact", "")))
    selection = visible(str(header.get("selection") or ""))
    chosen = f", {selection}" if selection and selection != "everything" else ""
    return f"{what} for {summary.target_name(run)}, profile {profile}, impact {impact}{chosen}"


def columns(stream: TextIO) -> int | None:
    """Return how wide lines may be, or None where they are not broken because nobody looks at a terminal."""
    if not _is_terminal(stream, {}):
        return None
    return max(40, min(shutil.get_terminal_size().columns, MOST_COLUMNS))


def _is_terminal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    try:
        return stream.isatty() and environment.get("TERM") != "dumb"
    except ValueError:
        return False


def coloured(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether a stream takes colours: a terminal, and https://no-color.org is respected."""
    return not environment.get("NO_COLOR") and _is_terminal(stream, environment)


class Bar:
    """A progress bar in one line of a terminal."""

    def __init__(self, stream: TextIO, colours: bool) -> None:
        self._stream = stream
        self._paint = Paint(on=colours)
        self._planned = 0
        self._done = 0
        self._counts: dict[str, int] = {}
        self._started = self._drawn = time.monotonic()
        self._full, self._empty = _signs(stream)

    def start(self, planned: object) -> None:
        """Begin."""
        self._planned = planned if isinstance(planned, int) else 0
        self._started = time.monotonic()
        self._draw()

    def advance(self, verdict: str) -> None:
        """Take one result."""
        self._done += 1
        self._counts[verdict] = self._counts.get(verdict, 0) + 1
        if time.monotonic() - self._drawn >= REDRAW_SECONDS:
            self._draw()

    def clear(self) -> None:
        """Take the bar away."""
        self._stream.write("\r\x1b[K")
        self._stream.flush()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        wide = shutil.get_terminal_size().columns
        size = min(BAR_WIDTH, wide // 3)
        filled = size * self._done // max(self._planned, self._done, 1)
        told = [f"{self._done}/{self._planned}"]
        told += [f"{self._counts[name]} {name}" for name in ("fail", "warn", "inconclusive") if self._counts.get(name)]
        told.append(f"{self._drawn - self._started:.0f} s")
        words = "  ".join(told)[: max(0, wide - size - 3)]
        bar = self._paint("pass", self._full * filled) + self._paint("dim", self._empty * (size - filled))
        self._stream.write(f"\r{bar}  {words}\x1b[K")
        self._stream.flush()


def _signs(stream: TextIO) -> tuple[str, str]:
    try:
        "\u2501".encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return "#", "-"
    return "\u2501", "\u2501"
