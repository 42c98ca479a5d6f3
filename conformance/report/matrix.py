"""The matrix: requirements by server, from the result streams of several runs; one page that asks nobody for anything.

Each cell says how a requirement stands on a server, and leads to the case that decided it in that server's report,
which lies beside the stream: ``postfix/run.jsonl`` and ``postfix/run.html``, or ``report.html`` or ``index.html``.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from conformance.report import documents, summary
from conformance.report.html.case import anchor, shown
from conformance.report.html.document import document, packed_main, resource, script
from conformance.report.html.ledger import in_order, state_class
from conformance.report.text import plural
from conformance.stream import Run

SIGNS = {"held": "\u2713", "broken": "\u2717", "warned": "!", "open": "?", "untested": "\u00b7", "n/a": "\u2013"}
"""How the states are shown."""

LEGEND = {
    "held": "met",
    "broken": "broken",
    "warned": "not followed, or a deviation that the profile tolerates",
    "open": "asked, nothing can be told",
    "untested": "not asked",
    "n/a": "does not apply",
}

TOLD = ("broken", "warned", "open")
"""States whose reason is told where a reader points at the cell."""

REASON = 160
"""Characters of a reason that is told there."""


@dataclass(frozen=True)
class Column:
    """A server: its run, and where the run's stream lies."""

    run: Run
    stream: Path

    @cached_property
    def name(self) -> str:
        """What the server is called."""
        return summary.target_name(self.run)

    @cached_property
    def requirements(self) -> dict[str, summary.Requirement]:
        """How each requirement stands, by id."""
        return {entry.id: entry for entry in summary.requirements(self.run)}

    def link(self, page: Path) -> str:
        """Return the address of the server's report as the page at ``page`` has it, or nothing where there is none."""
        stem = self.stream.name.removesuffix(".gz").removesuffix(".jsonl")
        for name in (f"{stem}.html", "report.html", "index.html"):
            report = self.stream.with_name(name)
            if report.is_file() and report.resolve() != page.resolve():
                return quote(os.path.relpath(report.resolve(), page.resolve().parent).replace(os.sep, "/"))
        return ""


def write_matrix(columns: Sequence[Column], file: Path) -> None:
    """Write the matrix of several runs."""
    file.write_text(matrix(columns, file), encoding="utf-8", newline="\n")


def matrix(columns: Sequence[Column], file: Path) -> str:
    """Return the matrix of several runs as a page that lies at ``file``."""
    return document(
        f"SMTP conformance of {plural(len(columns), 'server')}",
        "".join(_Matrix(columns, file).body()),
        style=resource("matrix.css"),
        code=script("matrix.js"),
        colour="#2b5c8f",
        version=str(columns[0].run.header.get("version", "")) if columns else "",
    )


class _Matrix:
    def __init__(self, columns: Sequence[Column], file: Path) -> None:
        self.columns = columns
        self.links = [column.link(file) for column in columns]
        every = {name: entry for column in columns for name, entry in column.requirements.items()}
        self.rows = in_order(every.values())

    def body(self) -> Iterator[str]:
        """Yield the page's parts from top to bottom."""
        yield "<header><p class=over>SMTP conformance</p>"
        yield f"<h1>{plural(len(self.columns), 'server')}, {plural(len(self.rows), 'requirement')}</h1>\n"
        yield f"<p class=lede>{self._sentence()}</p></header>\n"
        main = "".join(self._main())
        published = bool(self.columns) and all(column.run.header.get("published") for column in self.columns)
        yield packed_main(main) if published else f"<main>\n{main}</main>\n"
        yield (
            "<footer><p>Statements are in our own words; the documents are the norm. A sign leads to the case that "
            "decided it, in the report of the server, with every octet.</p></footer>\n"
        )

    def _main(self) -> Iterator[str]:
        yield from self._totals()
        yield resource("matrix.html").replace("<!-- documents -->", "".join(self._documents())) + "\n"
        withheld = any(summary.withheld(column.run) for column in self.columns)
        blank = " <span>blank: no case of it is published</span>" if withheld else ""
        yield f"<p class=legend>{' '.join(_legend())}{blank}</p>\n"
        yield from self._table()
        yield "<p id=nothing hidden>Nothing matches.</p>\n"

    def states(self, name: str) -> list[str]:
        """Return the states of a requirement on the servers where it was judged."""
        found = [column.requirements[name].state for column in self.columns if name in column.requirements]
        return [state for state in found if state in ("held", "warned", "broken")]

    def _sentence(self) -> str:
        states = [self.states(row.id) for row in self.rows]
        everywhere = sum(bool(found) and set(found) == {"held"} for found in states)
        broken = sum("broken" in found for found in states)
        differ = sum(len(set(found)) > 1 for found in states)
        return (
            f"{everywhere:,} are met by every server that was asked, {broken:,} are broken by at least one, "
            f"and on {differ:,} the servers differ."
        )

    def _totals(self) -> Iterator[str]:
        levels = [level for level in summary.LEVELS if any(summary.group_of(r.level) == level for r in self.rows)]
        head = "".join(f"<th scope=col>{level}" for level in levels)
        yield f"<section id=servers><h2>Servers</h2><table class=sum><thead><tr><th scope=col>Server{head}"
        yield "<th scope=col>Security<tbody>"
        for column, link in zip(self.columns, self.links, strict=True):
            name = f'<a href="{html.escape(link)}">{shown(column.name)}</a>' if link else shown(column.name)
            cells = "".join(_total(level, _tally(column, level)) for level in levels)
            yield f"<tr><th scope=row>{name}{cells}{_total('Security', _security(column.run))}"
        yield "</table></section>\n"

    def _documents(self) -> Iterator[str]:
        for name in dict.fromkeys(row.document for row in self.rows):
            subject = documents.subject(name)
            yield f'<option value="{shown(name)}">{shown(f"{documents.name(name)} {subject}".strip())}'

    def _table(self) -> Iterator[str]:
        heads = "".join(
            f'<th scope=col><a href="{html.escape(link)}">{shown(column.name)}</a>'
            if link
            else f"<th scope=col><span>{shown(column.name)}</span>"
            for column, link in zip(self.columns, self.links, strict=True)
        )
        yield f"<div class=wide><table class=m><thead><tr><th scope=col>Requirement{heads}</thead>\n"
        place: tuple[str, str] | None = None
        for row in self.rows:
            if (row.document, row.section) != place:
                if place is None or place[0] != row.document:
                    subject = documents.subject(row.document)
                    title = documents.name(row.document) + (f" \u00b7 {subject}" if subject else "")
                    yield f'<tbody class=doc data-d="{shown(row.document)}"><tr><th colspan={len(self.columns) + 1}>'
                    yield f"<h2>{shown(title)}</h2>"
                place = (row.document, row.section)
                yield f'<tbody data-d="{shown(row.document)}"><tr class=sec><th colspan={len(self.columns) + 1}>'
                yield f"{shown(documents.section(row.section))}\n"
            yield from self._row(row)
        yield "</table></div>\n"

    def _row(self, row: summary.Requirement) -> Iterator[str]:
        differ = " data-x" if len(set(self.states(row.id))) > 1 else ""
        yield f'<tr id="{shown(row.id)}" data-l={html.escape(summary.group_of(row.level))}{differ}><th scope=row>'
        yield f"{shown(row.text)} <small>{shown(row.id.partition('-')[2])} {shown(row.level)}</small>"
        for column, link in zip(self.columns, self.links, strict=True):
            yield _cell(column.requirements.get(row.id), link)
        yield "\n"


def _cell(entry: summary.Requirement | None, link: str) -> str:
    if entry is None:
        return "<td>"
    sign, worst = SIGNS[entry.state], entry.results[0]
    told = f' title="{shown(worst.reason[:REASON])}"' if entry.state in TOLD and worst.reason else ""
    inside = f'<a href="{html.escape(link)}#{anchor(worst.id)}"{told}>{sign}</a>' if link else f"<b{told}>{sign}</b>"
    return f"<td class={state_class(entry.state)}>{inside}"


def _total(name: str, told: str) -> str:
    return f'<td data-l="{html.escape(name)}">{told}' if told else "<td class=none>&ndash;"


def _tally(column: Column, level: str) -> str:
    counts: dict[str, int] = {}
    for entry in column.requirements.values():
        if summary.group_of(entry.level) == level:
            counts[entry.state] = counts.get(entry.state, 0) + 1
    parts = [
        f"<b class={state_class(state)}>{counts[state]:,}</b> {summary.WORDS[state]}"
        for state in ("held", "broken", "warned")
        if counts.get(state)
    ]
    return ", ".join(parts)


def _security(run: Run) -> str:
    found = [r.severity for r in summary.of_verdict(run.results, "fail", "warn") if r.severity]
    parts = [f"{found.count(name):,} {name}" for name in summary.SEVERITIES if name in found]
    if hidden := summary.withheld(run):
        parts.append(f"{hidden:,} withheld")
    return ", ".join(parts)


def _legend() -> Iterator[str]:
    for state, meaning in LEGEND.items():
        yield f"<span><b class={state_class(state)}>{SIGNS[state]}</b> {meaning}</span>"
