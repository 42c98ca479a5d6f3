"""A badge (SVG) that says in a few words how a run ended; it carries no script and asks nobody for anything."""

from __future__ import annotations

import html
from pathlib import Path

from conformance.report import summary
from conformance.report.text import plural
from conformance.stream import Run

LABEL = "SMTP conformance"

_GREEN, _YELLOW, _RED, _GREY = "#3c7a52", "#9a6c0f", "#a8321f", "#5d6670"

_WIDE = set("mwMW@%")
_NARROW = set("iljtfrI.,:;'|!()[] ")


def write(run: Run, file: Path) -> None:
    """Write the badge of a run."""
    file.write_text(svg(run), encoding="utf-8", newline="\n")


def words(run: Run) -> tuple[str, str]:
    """Return what the badge says, and its colour."""
    if run.footer is None or run.footer.get("interrupted"):
        return "incomplete run", _GREY
    fails = summary.of_verdict(run.results, "fail")
    if fails:
        if severe := summary.flaws(fails):
            return plural(severe, "security finding"), _RED
        musts = summary.broken_musts(run)
        return (f"{plural(len(musts), 'MUST')} broken" if musts else f"{plural(len(fails), 'check')} failed"), _RED
    if not summary.checks(run.results):
        return "not judged", _GREY
    if hidden := summary.withheld(run):
        return f"{plural(hidden, 'finding')} withheld", _YELLOW
    if warned := summary.of_verdict(run.results, "warn"):
        return plural(len(warned), "warning"), _YELLOW
    return f"{plural(len(summary.checks(run.results)), 'check')} passed", _GREEN


def svg(run: Run) -> str:
    """Return the badge as an SVG document."""
    said, colour = words(run)
    left, right = _width(LABEL) + 12, _width(said) + 12
    whole = left + right
    title = html.escape(f"{LABEL}: {said}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{title}">',
        f"<title>{title}</title>",
        f'<clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>',
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3a3f45"/>',
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>',
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">',
        _text(LABEL, 6),
        _text(said, left + 6),
        "</g></svg>\n",
    ]
    return "\n".join(parts)


def _text(text: str, x: int) -> str:
    return f'<text x="{x}" y="14" textLength="{_width(text)}">{html.escape(text)}</text>'


def _width(text: str) -> int:
    """Return about how wide a text is in Verdana 11, in pixels; ``textLength`` makes it so."""
    return round(sum(10 if c in _WIDE else 4.2 if c in _NARROW else 7 for c in text))
