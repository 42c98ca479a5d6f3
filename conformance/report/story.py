"""A result as plain text: what was asked, what came of it, every octet. For places that have no page to link to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.report.text import lines, visible, without_runs
from conformance.stream import Event, Result

MOST_LINES = 200
"""Lines of one transcript; of a longer one the start and the end are shown."""


def story(result: Result) -> Iterator[str]:
    """Yield the lines of the story of a result."""
    from conformance.requirement.registry import find

    yield f"{result.verdict}: {visible(result.reason)}"
    yield f"{visible(result.id)}: {visible(result.title)}"
    if result.note:
        yield visible(result.note)
    for name in result.at_issue:
        entry = find(name)
        yield visible(f"{name} ({entry.level if entry else result.level}): {entry.statement if entry else ''}")
    if result.transcript:
        yield ""
        yield from transcript(result.transcript)


def transcript(events: Sequence[Event]) -> Iterator[str]:
    """Yield a transcript as lines: time in seconds, who, octets escaped; ``>`` stands before what decided."""
    every = [line for event in events for line in _event(event)]
    if len(every) > MOST_LINES:
        half = MOST_LINES // 2
        every[half:-half] = [f"     ... {len(every) - 2 * half} lines ..."]
    yield from every


def _event(event: Event) -> Iterator[str]:
    mark = ">" if event.get("decides") or event.get("met") is False else " "
    seconds = event.get("t")
    time = f"{seconds if isinstance(seconds, int | float) else 0.0:8.3f}"
    number = event.get("session", 1)
    who = f"{event.get('from', '')}{'' if number == 1 else number}"
    if "octets" in event:
        for index, line in enumerate(lines(without_runs(str(event["octets"])))):
            yield f"{mark}{time if not index else ' ' * len(time)}  {who}: {visible(line)}"
    else:
        detail = str(event.get("detail", ""))
        yield f"{mark}{time}  {visible(str(event.get('event', '')))} {visible(detail)}".rstrip()
    if event.get("expected") and event.get("met") is False:
        yield f"{' ' * (len(time) + 3)}(expected {visible(str(event['expected']))})"
