"""One case in HTML: its row, and below it requirement, transcript, remedy and origin.

The only place that writes a case: the page without scripts has its output as it is, the page with many results has it
compressed and inserts it when it is opened. Everything passes ``shown``, so nothing that a server sent becomes markup.
"""

from __future__ import annotations

import html
from urllib.parse import quote

from conformance.report import text
from conformance.report.entries import Entry, exchange, row_of
from conformance.report.html.transcript import Setups, octets, short, transcript
from conformance.report.summary import SEVERITIES, statement
from conformance.report.text import plural
from conformance.stream import Event, Result

EXAMPLES = 20
"""So many breaches of a lint are shown."""


def shown(value: object) -> str:
    """Return any value as text of the page: control characters visible, markup escaped."""
    return html.escape(text.visible(str(value)))


def anchor(name: str) -> str:
    """Return the fragment that leads to a case."""
    return html.escape(quote(text.visible(name), safe="/.-_~:@"))


def verdict_class(verdict: str) -> str:
    """Return the name of a verdict in the style sheet."""
    return "na" if verdict == "n/a" else verdict if verdict.isalpha() and verdict.isascii() else "other"


def badge(verdict: str) -> str:
    """Return a verdict as a word in its colour."""
    return f'<span class="v {verdict_class(verdict)}">{shown(verdict)}</span>'


def severity_badge(severity: str | None) -> str:
    """Return a severity as a word in its colour, or nothing."""
    return f'<span class="sev {severity}">{severity}</span>' if severity in SEVERITIES else ""


def reference(result: Result) -> str:
    """Return level and section, as they stand at the end of a row."""
    return (
        f"<span class=ref>{severity_badge(result.severity)}<span class=lv>{shown(result.level)}</span> "
        f"<span>{_place(result.spec)}</span></span>"
    )


def _place(spec: str) -> str:
    return shown(spec.replace(" section ", " \u00a7")).replace("\u00a7", "\u00a7&#8239;")


class CasePrinter:
    """Writes the cases of one page."""

    def __init__(self, setups: Setups, lints: dict[str, list[Event]], *, brief: bool = False) -> None:
        self._setups = setups
        self._lints = lints
        self._brief = brief  # what holds names its requirements, whose words stand in the ledger
        self._ids: set[str] = set()

    def _id(self, name: str) -> str:
        """Return the attribute that makes an element the target of links to a case, once for each id."""
        if name in self._ids:
            return ""
        self._ids.add(name)
        return f' id="{shown(name)}"'

    def entry(self, entry: Entry, *, reason: bool = True, opened: bool = False, evidence: bool = False) -> str:
        """Return an entry: one case, or one case with those of its rows that came to the same."""
        if len(entry.results) == 1:
            return self.case(entry.first, reason=reason, opened=opened, evidence=evidence)
        first = entry.first
        same = len({result.requirement for result in entry.results}) == 1
        reasons = {result.reason for result in entry.results}
        told = _why(first) if reason and len(reasons) == 1 else ""
        rows = "".join(
            self._row_of_table(result, told=not told, requirement=not same, opened=opened and not number)
            for number, result in enumerate(entry.results)
        )
        shared = (self._requirements(first) if same else "") + _meaning(first)
        public = " &middot; ".join(f"<span>{shown(name)}</span>" for name in (*first.cve, *first.cwe))
        about = _remedy(first) + _about(first) + (f"<p class=origin>{public}</p>" if public else "")
        return (
            f'<details class="case table"{" open" if opened else ""}><summary>{badge(first.verdict)}<span class=what>'
            f"<span class=title>{shown(entry.title)}</span> "
            f"<span class=n>{plural(len(entry.results), 'row')}</span>{told}"
            f"{_evidence(first) if evidence else ''}</span>{reference(first)}</summary>"
            f"<div class=body{self._id(entry.id)}>{shared}{rows}{about}</div></details>"
        )

    def _row_of_table(self, result: Result, *, told: bool, requirement: bool, opened: bool) -> str:
        why = f"<span class=why>{shown(result.reason)}</span>" if told and result.reason else ""
        return (
            f"<details class=case{' open' if opened else ''}><summary>{badge(result.verdict)}<span class=what>"
            f"<span class=title>{shown(row_of(result))}</span>{why}</span></summary>"
            f"{self.body(result, requirement=requirement, about=False)}</details>"
        )

    def case(self, result: Result, *, reason: bool = True, opened: bool = False, evidence: bool = False) -> str:
        """Return a case: a row that opens."""
        why = _why(result) if reason else ""
        return (
            f"<details class=case{' open' if opened else ''}><summary>{badge(result.verdict)}<span class=what>"
            f"<span class=title>{shown(result.title)}</span>{why}{_evidence(result) if evidence else ''}</span>"
            f"{reference(result)}</summary>{self.body(result)}</details>"
        )

    def body(self, result: Result, *, requirement: bool = True, about: bool = True) -> str:
        """Return what is below the row."""
        parts = [f"<div class=body{self._id(result.id)}>"]
        if requirement:
            parts.append(self._requirements(result))
        if result.note:
            parts.append(f"<p class=note>{shown(result.note)}</p>")
        if about:
            parts.append(_meaning(result))
        if result.transcript:
            parts.append(transcript(result, result.transcript, self._setups))
        for number, events in enumerate(result.earlier, 1):
            parts.append(
                f"<details class=earlier><summary>Attempt {number} of {len(result.earlier) + 1}, before this one"
                f"</summary>{transcript(result, events, self._setups)}</details>"
            )
        parts.append(self._examples(result))
        if about:
            parts += (_remedy(result), _about(result))
        parts.append(_origin(result))
        return "".join(parts) + "</div>"

    def _requirements(self, result: Result) -> str:
        brief = self._brief and result.verdict not in ("fail", "warn")
        return "".join(_requirement(name, result.level, brief=brief) for name in result.at_issue)

    def _examples(self, result: Result) -> str:
        events = self._lints.get(result.id, [])[:EXAMPLES]
        if not events:
            return ""
        rows = "".join(
            f'<tr><td><a href="#{anchor(str(event.get("case", "")))}">{shown(event.get("case", ""))}</a>'
            f"<td>{octets(str(event.get('octets', '')))}<td>{shown(event.get('detail', ''))}"
            for event in events
        )
        return (
            f"<details class=earlier><summary>Where: {plural(len(events), 'example')}</summary>"
            f"<table class=eg><tbody>{rows}</tbody></table></details>"
        )


def _why(result: Result) -> str:
    if not result.reason or result.verdict == "pass":
        return ""
    return f"<span class=why>{shown(result.reason)}</span>"


def _evidence(result: Result) -> str:
    """Return the two lines that decided, for a reader who opens nothing."""
    asked, decided = exchange(result)
    lines = [short(entry) for entry in (asked, decided) if entry is not None]
    return f"<span class=ex>{''.join(f'<code>{line}</code>' for line in lines)}</span>" if lines else ""


def _requirement(name: str, level: str, *, brief: bool) -> str:
    found = statement(name)
    words = f"<p>{shown(found[1])}</p>" if found and not brief else ""
    cite = f'<a href="#{anchor(name)}">{shown(name)}</a> \u00b7 {shown(found[0] if found else level)}'
    return f"<blockquote><cite>{cite}</cite>{words}</blockquote>"


def _remedy(result: Result) -> str:
    if not result.remedy:
        return ""
    remedies = "".join(f"<dt>{shown(product)}<dd>{shown(what)}" for product, what in result.remedy.items())
    return f"<h4>Remedy</h4><dl class=remedy>{remedies}</dl>"


def _meaning(result: Result) -> str:
    return f"<h4>What it means</h4><p>{shown(result.meaning)}</p>" if result.meaning else ""


def _about(result: Result) -> str:
    return f"<p class=about>{shown(result.about)}</p>" if result.about else ""


def _origin(result: Result) -> str:
    facts = [f'<a href="#{anchor(result.id)}" title="a link to this case">{shown(result.id)}</a>']
    if result.duration:
        facts.append(f"{result.duration:.3f} s")
    if result.attempts > 1:
        facts.append(f"played {result.attempts} times")
    if result.impact != "session":
        facts.append(f"impact {shown(result.impact)}")
    if result.outcome != result.verdict:
        facts.append(f"outcome {shown(result.outcome)}")
    facts += [f"<span>{shown(name)}</span>" for name in (*result.cwe, *result.cve)]
    if result.tags:
        facts.append(shown(", ".join(result.tags)))
    return f"<p class=origin>{' <span>&middot;</span> '.join(facts)}</p>"
