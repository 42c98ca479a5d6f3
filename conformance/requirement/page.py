"""The ledger as a page: self-contained, readable without scripts, each requirement with its cases and faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from conformance.report.documents import name as spelled
from conformance.report.documents import subject
from conformance.requirement.ledger import STATES, TESTED, Entry, by_section, counts, words
from conformance.stream import Run

_WORST = ("fail", "warn", "info", "pass", "inconclusive", "untested", "n/a", "error")

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--faint:#888;--tested:#1a7f37;--open:#b35900;--bad:#c0182b}
@media(prefers-color-scheme:dark){:root{--tested:#4ac26b;--open:#f0883e;--bad:#ff7b72}}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem}
table{border-collapse:collapse;width:100%}th,td{padding:.2rem .6rem;text-align:left;vertical-align:top}
tr{border-bottom:1px solid var(--line)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
code{font:.86em ui-monospace,monospace;overflow-wrap:anywhere}
.r{border-top:1px solid var(--line);padding:.5rem 0}.r p{margin:.1rem 0}.r small,.faint{color:var(--faint)}
.tested{color:var(--tested)}.open,.warn{color:var(--open)}.fail,.error{color:var(--bad)}.pass{color:var(--tested)}
.excluded{color:var(--faint)}h2{margin-top:2.5rem}h3{margin:1.5rem 0 .3rem}a{color:inherit}
summary{cursor:pointer}.wide{overflow-x:auto}
@media print{body{max-width:none}.r{break-inside:avoid}}
"""


def page(entries: Sequence[Entry], runs: Sequence[Run] = (), titles: Mapping[str, str] | None = None) -> str:
    """Return the page; ``runs`` give each requirement a state on each of their targets, ``titles`` say what names mean.

    The titles are those of cases, lints and faults, by id.
    """
    named = titles or {}
    states = [(str(run.header.get("target", {}).get("name", "?")), _verdicts(run)) for run in runs]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Ledger of requirements</title>',
            f"<style>{_STYLE}</style></head><body><h1>Ledger of requirements</h1>",
            "<p>Every normative statement that the suite knows: the cases that test it and the faults of the",
            "reference server that break it, or the reason why none does. Statements are in our own words; the RFC is",
            "the norm.</p>",
            *_overview(entries),
            *(line for name in _documents(entries) for line in _document(name, entries, states, named)),
            "</body></html>\n",
        ]
    )


def _documents(entries: Sequence[Entry]) -> list[str]:
    return list(dict.fromkeys(entry.requirement.document for entry in entries))


def _of(document: str, entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.requirement.document == document]


def _verdicts(run: Run) -> Mapping[str, str]:
    """Return the worst verdict of a run for each requirement."""
    found: dict[str, str] = {}
    for result in run.results:
        for name in result.requirement:
            known = found.get(name)
            if known is None or _WORST.index(result.verdict) < _WORST.index(known):
                found[name] = result.verdict
    return found


def _overview(entries: Sequence[Entry]) -> Iterator[str]:
    yield '<div class="wide"><table><thead><tr><th>Document</th><th class="n">requirements</th>'
    yield "".join(f'<th class="n">{state}</th>' for state in STATES) + "</tr></thead><tbody>"
    for document in _documents(entries):
        own = _of(document, entries)
        name = f'<a href="#{document}">{spelled(document)}</a> {escape(subject(document))}'
        yield f'<tr><td>{name}</td><td class="n">{len(own)}</td>{_numbers(own)}</tr>'
    yield f'<tr><td>All</td><td class="n">{len(entries)}</td>{_numbers(entries)}</tr></tbody></table></div>'


def _numbers(entries: Sequence[Entry]) -> str:
    return "".join(f'<td class="n {state}">{count or ""}</td>' for state, count in counts(entries).items())


def _document(
    document: str, entries: Sequence[Entry], states: Sequence[tuple[str, Mapping[str, str]]], titles: Mapping[str, str]
) -> Iterator[str]:
    yield f'<h2 id="{document}">{spelled(document)} {escape(subject(document))}</h2>'
    for section, own in by_section(_of(document, entries)).items():
        yield f'<h3 id="{document}-{escape(section)}">{escape(_section(section, document))}</h3>'
        for entry in own:
            yield from _entry(entry, states, titles)
    if document.startswith("RFC"):
        yield from _words(int(document[3:]))


def _section(section: str, document: str) -> str:
    if not document.startswith("RFC"):
        return section.replace("-", " ").capitalize()
    if section.startswith("App"):
        return f"Appendix {section[3:]}"
    return f"Section {section}" if section[:1].isalnum() and section != "derived" else "Derived"


def _entry(entry: Entry, states: Sequence[tuple[str, Mapping[str, str]]], titles: Mapping[str, str]) -> Iterator[str]:
    own = entry.requirement
    yield f'<div class="r" id="{escape(own.id)}"><p><a href="#{escape(own.id)}"><code>{escape(own.id)}</code></a>'
    yield f'<b>{own.level}</b> <span class="{entry.state}">{entry.state}</span>'
    yield f"<small>{escape(own.subject)}, {escape(own.observable)}</small></p><p>{escape(own.statement)}</p>"
    if own.source:
        yield f"<p><small>From: {escape(own.place)}</small></p>"
    if own.caution:
        yield f"<p><small>Note: {escape(own.caution)}</small></p>"
    if entry.state != TESTED and entry.reason:
        yield f'<p class="faint">Not tested: {escape(entry.reason.rstrip("."))}.</p>'
    yield from _names("Cases", (*entry.cases, *entry.lints), titles)
    if entry.by:
        links = [f'<a href="#{escape(name)}"><code>{escape(name)}</code></a>' for name in entry.by]
        yield f"<p>Says the same: {', '.join(links)}</p>"
    yield from _names("Faults", entry.faults, titles)
    found = [(name, verdicts[own.id]) for name, verdicts in states if own.id in verdicts]
    if found:
        shown = ", ".join(
            f'{escape(name)} <span class="{escape(verdict)}">{escape(verdict)}</span>' for name, verdict in found
        )
        yield f"<p>{shown}</p>"
    yield "</div>"


def _names(what: str, names: Sequence[str], titles: Mapping[str, str]) -> Iterator[str]:
    if names:
        codes = [f'<code title="{escape(titles.get(name, ""))}">{escape(name)}</code>' for name in names]
        yield f"<p>{what}: {', '.join(codes)}</p>"


def _words(rfc: int) -> Iterator[str]:
    """Yield the words of RFC 2119 that have no requirement, with the reasons."""
    every = words(rfc)
    without = [word for word in every if word.reason]
    if not every:
        return
    yield f"<p>Of the {len(every)} words of RFC 2119 in this document {len(every) - len(without)} stand behind the"
    yield "requirements above." + ("</p>" if not without else f"</p><details><summary>{len(without)} do not</summary>")
    if without:
        yield '<div class="wide"><table><tbody>'
        for word in without:
            yield f'<tr><td class="n">{word.no}</td><td>{word.word}</td><td>{escape(word.section)}</td>'
            yield f"<td>{escape(word.reason)}</td></tr>"
        yield "</tbody></table></div></details>"
