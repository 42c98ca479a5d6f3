"""``coverage``: the ledger of requirements, for the terminal and as a page."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.command.common import UsageError, catalogue_of, tell
from conformance.engine.exit import OK

if TYPE_CHECKING:
    from conformance.case.model import Case
    from conformance.requirement.ledger import Entry
    from conformance.stream import Run


def main(given: argparse.Namespace) -> int:
    """Print which requirements are tested; return the exit code."""
    from conformance.requirement.ledger import OPEN, ledger

    try:
        document, section = _document(given.document)
        runs = [_run(name) for name in given.runs]
        cases = catalogue_of(given).cases
        entries = ledger(cases, faults=bool(given.html))
    except UsageError as error:
        return tell(error)
    chosen = [entry for entry in entries if _within(entry, document, section)]
    if not chosen:
        return tell(f"the registry has nothing of {given.document} (smtp-conformance coverage lists its documents)")
    if given.html:
        from conformance.requirement.page import page

        try:
            Path(given.html).write_text(page(chosen, runs, _titles(cases)), encoding="utf-8")
        except OSError as error:
            return tell(f"--html {given.html}: {error.strerror}")
        print(f"wrote {given.html}")
    if given.open:
        chosen = [entry for entry in chosen if entry.state == OPEN]
    print("\n".join(_list(chosen) if given.open or section else _sections(chosen) if document else _documents(chosen)))
    return OK


def _titles(cases: Sequence[Case]) -> dict[str, str]:
    """Return the titles of cases (without their rows), lints and faults, by id."""
    from conformance.reference.faults import catalogue
    from conformance.smtp.lint import ALL

    found = {case.base_id: case.title.removesuffix(f" [{case.row}]") for case in reversed(cases) if not case.control}
    found |= {rule.id: rule.title for rule in ALL}
    return found | {fault.name: fault.title for fault in catalogue().values()}


def _document(text: str | None) -> tuple[str, str]:
    """Return the name of a document and perhaps a section, empty for all. Raises UsageError."""
    if text is None:
        return "", ""
    match = re.fullmatch(r"(?:(?:RFC)?\s*(\d+)|SEC)(?:[-#]([A-Za-z0-9.-]+))?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"{text}: a document and perhaps a section, as in RFC5321 or RFC5321-4.5.2, or SEC-relay")
    return f"RFC{match[1]}" if match[1] else "SEC", match[2] or ""


def _within(entry: Entry, document: str, section: str) -> bool:
    own = entry.requirement
    return (not document or own.document == document) and (not section or f"{own.section}.".startswith(f"{section}."))


def _run(path: str) -> Run:
    from conformance.stream import StreamError, read

    try:
        return read(Path(path))
    except StreamError as error:
        raise UsageError(error) from None
    except OSError as error:
        raise UsageError(f"--run {path}: {error.strerror}") from None


def _row(name: str, entries: Sequence[Entry]) -> str:
    from conformance.requirement.ledger import counts

    found = counts(entries)
    return f"{name:<58}{len(entries):>12}" + "".join(f"{count or '-':>10}" for count in found.values())


def _head(name: str) -> str:
    return f"{name:<58}{'requirements':>12}{'tested':>10}{'excluded':>10}{'open':>10}"


def _documents(entries: Sequence[Entry]) -> Iterator[str]:
    from conformance.report.documents import name, subject

    yield _head("document")
    documents: dict[str, list[Entry]] = {}
    for entry in entries:
        documents.setdefault(entry.requirement.document, []).append(entry)
    for document, own in documents.items():
        yield _row(f"{name(document)}  {subject(document)}", own)
    yield _row("all", entries)
    yield "\nsmtp-conformance coverage RFC5321 lists its sections, RFC5321-4.5.2 the requirements, --open what is to do"


def _sections(entries: Sequence[Entry]) -> Iterator[str]:
    from conformance.requirement.ledger import by_section

    yield _head("section")
    for section, own in by_section(entries).items():
        yield _row(f"{own[0].requirement.document}  {section}", own)
    yield _row("all", entries)


def _list(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        own = entry.requirement
        yield f"{own.id}  {own.level}  {own.subject}, {own.observable}: {entry.state}"
        yield textwrap.fill(own.statement, 110, initial_indent="    ", subsequent_indent="    ")
        for name in (*entry.cases, *entry.lints, *(f"says the same: {other}" for other in entry.by)):
            yield f"      {name}"
        if not entry.cases and entry.reason:
            yield f"      excluded: {entry.reason}"
    yield f"\n{len(entries)} requirements"
