"""Markdown, fit for a comment on a pull request: the verdict, what it rests on, the findings with their evidence.

What a server sent stands in code or is escaped: it starts no heading, no link, and calls nobody by name.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from conformance.report import documents, summary
from conformance.report.entries import Entry, entries, row_of
from conformance.report.story import transcript
from conformance.report.text import plural, visible
from conformance.stream import Result, Run

MOST = 60_000
"""Characters; a comment may have 65,536."""

EVIDENCE_LINES = 40
"""Lines of a transcript that are shown."""

_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")
_CALLS = re.compile(r"(@|(?<=:)//|www(?=\\?\.)|#)")


def write(run: Run, file: Path) -> None:
    """Write the run as Markdown."""
    file.write_text(markdown(run), encoding="utf-8", newline="\n")


def markdown(run: Run) -> str:
    """Return the run as Markdown of at most ``MOST`` characters."""
    parts: list[str] = []
    length = 0
    left = 0
    for part, optional in _parts(run):
        if optional and length + len(part) > MOST:
            left += 1
            continue
        parts.append(part)
        length += len(part) + 1
    if left:
        parts.append(f"*{plural(left, 'more entry').replace('entrys', 'entries')}: see the HTML report.*\n")
    return "\n".join(parts)


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, without links, mentions or markup."""
    quoted = _SPECIAL.sub(r"\\\1", html.escape(visible(text), quote=False))
    return _CALLS.sub("\\1<!-- -->", quoted)


def code(text: str) -> str:
    """Return text as a code span."""
    shown = visible(text)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{shown}{space}{fence}" if shown.strip() else ""


def _parts(run: Run) -> Iterator[tuple[str, bool]]:
    """Yield the parts from top to bottom, and whether each can be left out."""
    yield f"### {escaped(summary.headline(run))}\n", False
    if problem := summary.truncated(run):
        yield f"**{escaped(problem)}**\n", False
    if told := " ".join(summary.details(run)):
        yield f"{escaped(told)}\n", False
    yield "\n".join(_coverage(run)) + "\n", False
    results = summary.ordered(run.results)
    found = summary.of_verdict(results, "fail", "warn", "error")
    severe = [r for r in found if r.severity in summary.SEVERITIES]
    severe.sort(key=lambda r: summary.SEVERITIES.index(r.severity or ""))
    for entry in entries([*severe, *(r for r in found if r not in severe)]):
        yield _finding(entry), True
    for verdict in ("inconclusive", "untested", "n/a"):
        if same := summary.of_verdict(results, verdict):
            yield _reasons(verdict, same), True
    yield _origin(run), False


def _coverage(run: Run) -> Iterator[str]:
    found = summary.coverage(summary.requirements(run))
    if not found:
        return
    yield "| document | MUST | SHOULD | MAY |\n|---|---|---|---|"
    for document in sorted(found, key=lambda name: (name != "RFC5321", summary.natural(name))):
        subject = documents.subject(document)
        name = escaped(documents.name(document)) + (f" {escaped(subject)}" if subject else "")
        cells = [
            summary.in_words(found[document][level].counts) if level in found[document] else ""
            for level in summary.LEVELS
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def _finding(entry: Entry) -> str:
    first = entry.first
    word = first.severity if first.severity in summary.SEVERITIES else first.verdict
    rows = f" ({plural(len(entry.results), 'row')})" if len(entry.results) > 1 else ""
    lines = [
        f"<details><summary><b>{html.escape(visible(word))}</b> {_inline(entry.title)}{rows}: {_inline(first.reason)}"
        "</summary>\n",
        *(f"- {code(name)} {escaped(_statement(name))}" for name in first.at_issue),
        "",
    ]
    if len(entry.results) > 1:
        lines += [f"Rows: {', '.join(code(row_of(row)) for row in entry.results)}\n"]
    if first.note:
        lines += [f"{escaped(first.note)}\n"]
    if first.meaning:
        lines += [f"{escaped(first.meaning)}\n"]
    lines += list(_evidence(first))
    if first.remedy:
        lines += [f"- **{escaped(product)}:** {code(what)}" for product, what in first.remedy.items()] + [""]
    facts = [code(entry.id), *map(escaped, (*first.cve, *first.cwe))]
    lines += [" ".join(facts), "\n</details>\n"]
    return "\n".join(lines)


def _inline(text: str) -> str:
    """Return text for an HTML summary, in which Markdown is not read but mentions are."""
    return re.sub(r"(@|(?<=:)//|www(?=\.)|#)", r"\1<!-- -->", html.escape(visible(text), quote=False))


def _statement(name: str) -> str:
    found = summary.statement(name)
    return f"({found[0]}) {found[1]}" if found else ""


def _evidence(result: Result) -> Iterator[str]:
    lines = [line[:400] for line in transcript(result.transcript)]
    if not lines:
        return
    if len(lines) > EVIDENCE_LINES:
        lines = [f"... {len(lines) - EVIDENCE_LINES} lines ...", *lines[-EVIDENCE_LINES:]]
    longest = max(len(run) for line in ["``", *lines] for run in re.findall(r"`+", line) or [""])
    fence = "`" * max(3, longest + 1)
    yield f"{fence}text"
    yield from lines
    yield f"{fence}\n"


def _reasons(verdict: str, results: list[Result]) -> str:
    lines = [f"<details><summary>{len(results):,} {html.escape(verdict)}</summary>\n"]
    lines += [f"- {len(same):,} × {escaped(reason)}" for reason, same in summary.by_reason(results)[:40]]
    return "\n".join([*lines, "\n</details>\n"])


def _origin(run: Run) -> str:
    header = run.header
    facts = [
        f"profile {header.get('profile', '')}",
        f"impact {header.get('impact', '')}",
        f"cases {str(header.get('case_set', '')).removeprefix('sha256:')[:12]}",
        f"smtp-conformance {header.get('version', '')}",
        str(header.get("started", "")),
    ]
    return f"<sub>{_inline(' · '.join(facts))}</sub>\n"
