"""The terminal report: progress while running, then the story of everything that is not a pass."""

from __future__ import annotations

import sys

from conformance.stream import Event, Result

QUIET = ("pass", "n/a", "untested", "info")


class Terminal:
    """Prints results as they come."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._counts: dict[str, int] = {}
        self._told: list[Result] = []

    def event(self, event: Event) -> None:
        """Take an event of the stream."""
        if event["type"] == "note" and not self._quiet:
            print(f"note: {event['text']}", file=sys.stderr)

    def result(self, result: Result) -> None:
        """Take a result."""
        self._counts[result.verdict] = self._counts.get(result.verdict, 0) + 1
        if result.verdict not in QUIET:
            self._told.append(result)

    def finish(self, code: int, reason: str) -> None:
        """Tell the story and the exit reason."""
        for result in [] if self._quiet else sorted(self._told, key=lambda r: r.verdict):
            print(f"{result.verdict.upper():<13}{result.id}\n             {result.title}\n             {result.reason}")
            print(f"             {', '.join(result.requirement)} ({result.level})")
            if result.note:
                print(f"             {result.note}")
        print("  ".join(f"{count} {verdict}" for verdict, count in sorted(self._counts.items())))
        print(f"exit {code}: {reason}")
