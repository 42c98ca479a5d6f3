"""Coverage by document and level, and the ledger: every requirement that the run is about, with its cases."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.report import documents
from conformance.report.entries import base_id
from conformance.report.html.case import anchor, shown
from conformance.report.summary import LEVELS, READING, STATES, WORDS, Coverage, Requirement, coverage, natural
from conformance.report.text import plural

BAR = 1000
"""The width of a bar in its own units."""

CALM = 4
"""More documents than this of which all is met are folded away."""

CASES_SHOWN = 4
"""So many cases of a requirement are linked, the others counted."""


def state_class(state: str) -> str:
    """Return the name of a state in the style sheet."""
    return f"st-{'na' if state == 'n/a' else state}"


def bar(counts: Mapping[str, int]) -> str:
    """Return counts as a bar; what it shows stands beside it in words."""
    total = sum(counts.values())
    if not total:
        return ""
    parts, at = [], 0
    for state in ("held", "warned", "broken", "open", "untested", "n/a"):
        if not counts.get(state):
            continue
        width = max(6, round(BAR * counts[state] / total))
        parts.append(f"<rect class={state_class(state)} x={at} width={width} height=8 />")
        at += width
    return f'<svg class=bar viewBox="0 0 {at} 8" preserveAspectRatio=none aria-hidden=true>{"".join(parts)}</svg>'


def in_order(entries: Iterable[Requirement]) -> list[Requirement]:
    """Return requirements by document (RFC 5321 first) and section."""
    return sorted(entries, key=lambda entry: (entry.document != "RFC5321", natural(entry.id)))


def words(counts: Mapping[str, int]) -> str:
    """Return counts in words: ``203 met, 4 broken``."""
    return ", ".join(f"<b class={state_class(s)}>{counts[s]:,}</b> {WORDS[s]}" for s in READING if counts.get(s))


def coverage_table(entries: Sequence[Requirement]) -> str:
    """Return the table of documents by level."""
    levels = _levels(entries)
    loud: list[str] = []
    calm: list[str] = []
    for document, parts in coverage(entries).items():
        states = {state for part in parts.values() for state in part.counts}
        row = _document_row(document, parts, levels)
        (calm if states <= {"held", "n/a"} and document != "RFC5321" else loud).append(row)
    if len(calm) <= CALM:
        loud, calm = [*loud, *calm], []
    head = "".join(f"<th scope=col>{level}" for level in levels)
    table = f"<table class=cov><thead><tr><th scope=col>Document{head}<tbody>{''.join(loud)}</table>"
    if not calm:
        return table
    return (
        f"{table}<details class=more><summary>{plural(len(calm), 'more document')}: whatever could be tested is met"
        f"</summary><table class=cov><tbody>{''.join(calm)}</table></details>"
    )


def _document_row(document: str, parts: Mapping[str, Coverage], levels: Sequence[str]) -> str:
    subject = documents.subject(document)
    about = f"<small>{shown(subject)}</small>" if subject else ""
    cells = "".join(_cell(level, parts.get(level)) for level in levels)
    return f'<tr><th scope=row><a href="#{anchor(document)}">{shown(documents.name(document))}</a>{about}{cells}'


def _levels(entries: Iterable[Requirement]) -> list[str]:
    found = {entry.level.partition(" ")[0] for entry in entries}
    return [level for level in LEVELS if level in found]


def _cell(level: str, entry: Coverage | None) -> str:
    if entry is None:
        return f'<td class=none data-l="{html.escape(level)}"><span>none</span>'
    return f'<td data-l="{html.escape(level)}">{bar(entry.counts)}<span>{words(entry.counts)}</span>'


def why_untested(entries: Sequence[Requirement]) -> str:
    """Return why requirements could not be tested, or nothing."""
    reasons: dict[str, int] = {}
    for levels in coverage(entries).values():
        for part in levels.values():
            for reason, count in part.why_untested:
                reasons[reason] = reasons.get(reason, 0) + count
    if not reasons:
        return ""
    items = "".join(
        f"<li><b>{count:,}</b> {shown(reason)}"
        for reason, count in sorted(reasons.items(), key=lambda i: (-i[1], i[0]))
    )
    return f"<p class=whyhead>Why requirements are untested:</p><ul class=whylist>{items}</ul>"


def ledger(entries: Sequence[Requirement]) -> Iterator[str]:
    """Yield each document with its requirements by section."""
    by_document: dict[str, list[Requirement]] = {}
    for entry in entries:
        by_document.setdefault(entry.document, []).append(entry)
    for document, found in by_document.items():
        counts = {state: sum(e.state == state for e in found) for state in STATES}
        subject = documents.subject(document)
        title = documents.name(document) + (f" · {subject}" if subject else "")
        yield (
            f'<details class=doc id="{shown(document)}"><summary><h3>{shown(title)}</h3> '
            f"<span class=sum>{words(counts)}</span></summary><table class=led><tbody>"
        )
        section = None
        for entry in found:
            if entry.section != section:
                section = entry.section
                yield f"<tr class=sec><th colspan=3 scope=rowgroup>{shown(documents.section(section))}"
            yield _row(entry)
        yield "</table></details>"


def _row(entry: Requirement) -> str:
    cases: dict[str, str] = {}
    for result in entry.results:
        cases.setdefault(base_id(result.id), result.id)
    links = " ".join(
        f'<a href="#{anchor(name)}">{shown(base.rpartition("/")[2] if base.count("/") > 1 else base)}</a>'
        for base, name in list(cases.items())[:CASES_SHOWN]
    )
    more = f" and {len(cases) - CASES_SHOWN} more" if len(cases) > CASES_SHOWN else ""
    worst = entry.results[0]
    why = f"<small>{shown(worst.reason)}</small>" if entry.state not in ("held",) and worst.reason else ""
    return (
        f'<tr id="{shown(entry.id)}"><td><code>{shown(entry.id.partition("-")[2])}</code> '
        f"<small>{shown(entry.level)}</small>"
        f"<td>{shown(entry.text)}<span class=cases>{links}{more}</span>"
        f"<td><b class={state_class(entry.state)}>{WORDS[entry.state]}</b>{why}"
    )
