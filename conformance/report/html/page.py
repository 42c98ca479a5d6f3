"""The page: verdict, counts, coverage, findings, what is open, what was not played, what holds, the ledger, the legend.

Up to ``LIMIT`` results everything is in the page as it is, and scripts only filter. Beyond, what was not played and
what holds is carried compressed, and a script puts it where it belongs when a reader opens or searches it; the findings
stay readable without scripts.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from conformance.report import summary
from conformance.report.advice import Advice, advice, product_of
from conformance.report.entries import Entry, entries, folder_title, place, section_title
from conformance.report.html import ledger
from conformance.report.html.case import CasePrinter, anchor, badge, shown, verdict_class
from conformance.report.html.document import document, packed, packed_main, resource, script
from conformance.report.html.transcript import Setups, setup_table, steps
from conformance.report.text import plural
from conformance.stream import Event, Result, Run

LIMIT = 3000
"""So many results are in the page as they are, unless it is made to be published, and small."""

_OPEN_FINDINGS = 12
"""So many findings with a severity are shown opened."""


def write(run: Run, file: Path, *, limit: int = LIMIT) -> None:
    """Write the report of a run."""
    file.write_text(page(run, limit=limit), encoding="utf-8", newline="\n")


def page(run: Run, *, limit: int = LIMIT) -> str:
    """Return the report of a run as one HTML document; octets are the same for the same stream."""
    colour = {"good": "#3c7a52", "warned": "#b07d1a", "bad": "#b3382c"}.get(_mood(run), "#777777")
    return document(
        summary.headline(run).removesuffix("."),
        "".join(_Page(run, compact=len(run.results) > limit or bool(run.header.get("published"))).body()),
        style=resource("style.css"),
        code=script("script.js"),
        colour=colour,
        version=str(run.header.get("version", "")),
    )


def _mood(run: Run) -> str:
    if run.counts.get("fail"):
        return "bad"
    if not any(run.counts.get(verdict) for verdict in ("pass", "info", "warn")) or run.footer is None:
        return "unknown"
    return "warned" if run.counts.get("warn") or summary.withheld(run) else "good"


class _Page:
    def __init__(self, run: Run, *, compact: bool) -> None:
        self.run = run
        self.compact = compact
        self.results = summary.ordered(run.results)
        self.requirements = ledger.in_order(summary.requirements(run))
        self.setups = Setups(run.results)
        lints: dict[str, list[Event]] = {}
        for event in run.lints:
            lints.setdefault(str(event.get("id", "")), []).append(event)
        self.printer = CasePrinter(self.setups, lints, brief=bool(run.header.get("published")))
        self.packed: list[list[str]] = []

    def body(self) -> Iterator[str]:
        """Yield the page's parts from top to bottom."""
        yield from self._top()
        main = "".join(self._main())
        if self.run.header.get("published"):
            yield packed_main(main, groups=self.packed)
        else:
            yield f"<main>\n{main}</main>\n"
            if self.packed:
                yield packed(groups=self.packed)
        yield from self._foot()

    def _main(self) -> Iterator[str]:
        yield from self._advice()
        yield from self._coverage()
        yield resource("tools.html") + "\n"
        yield from self._findings()
        yield from self._open()
        yield from self._not_played()
        yield from self._held()
        yield "<p id=nothing hidden>Nothing matches.</p>\n"
        yield from self._ledger()
        yield from self._setups()
        yield resource("legend.html").replace("<!-- verdicts -->", "".join(_verdicts())) + "\n"

    # ------------------------------------------------------------------ top

    def _top(self) -> Iterator[str]:
        run = self.run
        mood = _mood(run)
        said = {"bad": "Does not conform", "warned": "Conforms, with warnings", "good": "Conforms, as far as tested"}
        if summary.withheld(run):
            said["warned"] = "Not all is shown"
        yield f"<header class={mood}><p class=over><b>{said.get(mood, 'Not judged')}</b> SMTP conformance report</p>\n"
        yield f"<h1>{shown(summary.headline(run))}</h1>\n"
        if problem := summary.truncated(run):
            yield f"<p class=cut>{shown(problem)}</p>\n"
        yield f"<p class=lede>{shown(' '.join(summary.details(run)))}</p>\n"
        yield f"<dl class=facts>{''.join(f'<div><dt>{name}<dd>{value}</div>' for name, value in _facts(run))}</dl>\n"
        counted = summary.counts(run)
        cells = "".join(
            f'<a class="count {verdict_class(verdict)}" href="#{_section_of(verdict)}"><b>{count:,}</b> '
            f"{shown(verdict)}</a>"
            for verdict, count in counted
        )
        yield f"<nav class=counts aria-label=Results>{cells}</nav></header>\n"

    def _advice(self) -> Iterator[str]:
        found = advice(self.results)
        if not found:
            return
        product = product_of(self.run, (one.remedy for one in found))
        greets = f" The server greets as {shown(product)}." if product else ""
        yield "<section id=advice><h2>What to do</h2>"
        intro = f"What should hold and does not, put together by what mends it; the worst first.{greets}"
        yield f"<p class=intro>{intro}</p><ol>"
        for one in found:
            first, *others = one.entries
            yield f"<li><p><span class='sev {shown(one.severity)}'>{shown(one.severity)}</span>"
            yield f'<a href="#{anchor(first.id)}">{shown(first.title)}</a>'
            if others:
                also = ", ".join(f'<a href="#{anchor(other.id)}">{shown(other.title)}</a>' for other in others)
                yield f"<small>Also: {also}</small>"
            yield f"</p><p>{_what_to_do(one, product)}</p></li>"
        yield "</ol></section>\n"

    def _coverage(self) -> Iterator[str]:
        if not self.requirements:
            return
        yield "<section id=coverage><h2>Coverage</h2>"
        yield (
            f"<p class=intro>{plural(len(self.requirements), 'requirement')} "
            f"{'is' if len(self.requirements) == 1 else 'are'} what the cases of this run are about. "
            "A requirement is met when every case of it that could be played holds. "
            "<a href=#ledger>Requirement by requirement</a></p>"
        )
        yield ledger.coverage_table(self.requirements)
        yield ledger.why_untested(self.requirements)
        yield "</section>\n"

    # ------------------------------------------------------------------ results

    def _findings(self) -> Iterator[str]:
        found = summary.of_verdict(self.results, "fail", "warn")
        yield "<section id=findings class=list><h2>Findings</h2>"
        if not found:
            yield "<p class=intro>There are none.</p></section>\n"
            return
        lints = [r for r in found if r.id.startswith("lint/")]
        severe = [r for r in found if r.severity in summary.SEVERITIES]
        severe.sort(key=lambda r: (summary.SEVERITIES.index(r.severity or ""), summary.ORDER[r.verdict]))
        others = [r for r in found if r not in lints and r not in severe]
        parts = (
            ("Security", "By severity, with what it means, the evidence, and what to set.", severe),
            ("Broken", "What the documents demand, and the server does not do.", _only(others, "fail")),
            (
                "In every reply",
                "Rules that hold for every reply of every dialogue; each case checks them beside its own question.",
                lints,
            ),
            (
                "Warnings",
                "A SHOULD that is not followed, or a deviation that the profile tolerates.",
                _only(others, "warn"),
            ),
        )
        for title, intro, results in parts:
            if results:
                yield f"<h3>{title}</h3><p class=intro>{intro}</p>"
                for number, entry in enumerate(entries(results)):
                    opened = results is severe and number < _OPEN_FINDINGS
                    yield self.printer.entry(entry, opened=opened, evidence=not opened)
        yield "</section>\n"

    def _open(self) -> Iterator[str]:
        found = summary.of_verdict(self.results, "error", "inconclusive")
        if found:
            yield "<section id=open class=list><h2>Open questions</h2>"
            yield "<p class=intro>Asked, and nothing can be told. Neither for the server nor against it.</p>"
            yield from self._by_reason(found)
            yield "</section>\n"

    def _not_played(self) -> Iterator[str]:
        found = summary.of_verdict(self.results, "untested", "n/a")
        if found:
            yield "<section id=not-played class=list><h2>Not played</h2>"
            yield "<p class=intro>Each reason once, with the cases that wait for it.</p>"
            for verdict in ("untested", "n/a"):
                yield from self._by_reason(_only(found, verdict), fold=True)
            yield "</section>\n"

    def _by_reason(self, results: Sequence[Result], *, fold: bool = False) -> Iterator[str]:
        for reason, same in summary.by_reason(results):
            group = entries(same)
            if not fold and len(group) == 1:
                yield self.printer.entry(group[0], evidence=True)
                continue
            head = (
                f"{badge(same[0].verdict)}<span class=what><span class=title>{shown(reason)}</span></span>"
                f"<span class=ref>{plural(len(same), 'case')}</span>"
            )
            yield self._group(head, group, reason=False)

    def _held(self) -> Iterator[str]:
        found = summary.of_verdict(self.results, "info", "pass")
        yield "<section id=held class=list><h2>What holds</h2>"
        if not found:
            yield "<p class=intro>Nothing was shown to hold.</p></section>\n"
            return
        yield "<p class=intro>By document and section, each case with its dialogue.</p>"
        ordered = sorted(found, key=lambda r: _reading_order(r.id))
        folders: dict[str, dict[str, list[Result]]] = {}
        for result in ordered:
            folder, section = place(result.id)
            folders.setdefault(folder, {}).setdefault(section, []).append(result)
        for folder, sections in folders.items():
            yield f"<h3>{shown(folder_title(folder))}</h3>"
            for section, results in sections.items():
                title = section_title(section) or "Rules for every reply"
                head = (
                    f"<span class=what><span class=title>{shown(title)}</span></span>"
                    f"<span class=ref>{_tally(results)}</span>"
                )
                yield self._group(head, entries(results))
        yield "</section>\n"

    def _group(self, head: str, group: Sequence[Entry], *, reason: bool = True) -> str:
        printed = [self.printer.entry(entry, reason=reason) for entry in group]
        if self.compact:
            self.packed.append(printed)
            return f"<details class=group data-p={len(self.packed) - 1}><summary>{head}</summary></details>"
        return f"<details class=group><summary>{head}</summary>{''.join(printed)}</details>"

    # ------------------------------------------------------------------ end

    def _ledger(self) -> Iterator[str]:
        if self.requirements:
            yield "<section id=ledger><h2>Requirement by requirement</h2>"
            yield (
                "<p class=intro>The statements are in our own words; the documents are the norm. Each is shown with "
                "the cases that test it and how it stands in this run.</p>"
            )
            yield from ledger.ledger(self.requirements)
            yield "</section>\n"

    def _setups(self) -> Iterator[str]:
        if not self.setups.entries:
            return
        yield "<section id=setups><h2>Set-ups</h2><p class=intro>How the cases above that hold came to their start. "
        yield "What differs from case to case stands with the case.</p>"
        for number, (events, count) in enumerate(zip(self.setups.entries, self.setups.counts, strict=True), 1):
            names = shown(" \u00b7 ".join(steps(events)))
            yield (
                f"<details class=setup><summary>{number}. {names} <small>{plural(count, 'case')}</small></summary>"
                f"<div id=setup-{number}>{setup_table(events)}</div></details>"
            )
        yield "</section>\n"

    def _foot(self) -> Iterator[str]:
        run = self.run
        yield "<footer>"
        if run.notes:
            yield f"<details><summary>{plural(len(run.notes), 'note')} of the run</summary><ul>"
            yield "".join(f"<li>{shown(note)}" for note in run.notes)
            yield "</ul></details>"
        yield (
            f"<p>This run ended with {shown(summary.exit_line(run))}. Made by smtp-conformance "
            f"{shown(run.header.get('version', ''))} from the result stream, which holds every octet; "
            "<code>smtp-conformance report RUN.jsonl --html FILE</code> makes it again.</p></footer>\n"
        )


def _what_to_do(one: Advice, product: str | None) -> str:
    if product is not None and product in one.remedy:
        return f"<b>{shown(product)}:</b> {shown(one.remedy[product])}"
    meaning = shown(one.meaning)
    if one.remedy and product is None:
        names = ", ".join(map(shown, one.remedy))
        return f"{meaning} What to set in {names} stands with the finding."
    return meaning


def _only(results: Iterable[Result], verdict: str) -> list[Result]:
    return [result for result in results if result.verdict == verdict]


def _reading_order(name: str) -> tuple[bool, bool, list[tuple[int, int, str]]]:
    folder = place(name)[0]
    return folder == "lint", not folder.startswith("rfc5321"), summary.natural(name)


def _tally(results: Sequence[Result]) -> str:
    parts = []
    for verdict in ("pass", "info"):
        if count := sum(result.verdict == verdict for result in results):
            parts.append(f"{count:,} {verdict}")
    return " \u00b7 ".join(parts)


def _section_of(verdict: str) -> str:
    return next((section.name for section in summary.SECTIONS if verdict in section.verdicts), "findings")


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    target = run.header.get("target") or {}
    yield "Target", shown(summary.target_name(run))
    role, tls = target.get("role"), target.get("tls")
    if role:
        yield "Role", shown(role) + (f", TLS {shown(tls)}" if tls and tls != "none" else "")
    if started := run.header.get("started"):
        yield "Date", shown(date(str(started)))
    if run.footer is not None and isinstance(run.footer.get("duration"), int | float):
        yield "Duration", f"{run.footer['duration']:.1f} s"
    yield "Profile", shown(run.header.get("profile", ""))
    yield "Impact", shown(run.header.get("impact", ""))
    if selection := run.header.get("selection"):
        yield "Selection", shown(selection)
    given = target.get("given")
    if isinstance(given, list) and given:
        yield "Known of the target", shown(", ".join(map(str, given)))
    yield "Case set", f"<code>{shown(str(run.header.get('case_set', '')).removeprefix('sha256:')[:16])}</code>"


def date(started: str) -> str:
    """Return a time stamp of the stream as people write it, or as it is."""
    try:
        moment = datetime.datetime.fromisoformat(started)
    except ValueError:
        return started
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _verdicts() -> Iterator[str]:
    for verdict, meaning in summary.MEANING.items():
        yield f"<dt>{badge(verdict)}<dd>{shown(meaning)}"
