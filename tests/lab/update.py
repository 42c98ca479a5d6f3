"""``run --update``: expectations as the results are. What was not expected gets an entry that nobody has read yet.

Such an entry has the suite's own reason, marked ``unread``; whoever reads it against the RFC writes a better sentence
and takes the mark away, or mends the case. What explains nothing any more is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from conformance.stream import Result
from tests.lab.expectation import FOLDER, KEYS, UNREAD, Comparison, Expectation, path_of
from tests.lab.servers import load

REASON_OCTETS = 150


def update(comparisons: Sequence[Comparison], old: Iterable[tuple[Expectation, str]]) -> list[str]:
    """Write what changes, given what explains nothing (entry and glob over targets); return the names of the files."""
    from tests.lab.expectation import read_file

    owners = {target: server.name for server in load().values() for target in server.targets}
    added: dict[str, list[tuple[str, Result]]] = {}
    for comparison in comparisons:
        for result, _ in comparison.unexpected:
            added.setdefault(owners[comparison.target], []).append((comparison.target, result))
    gone: dict[Expectation, set[str]] = {}
    for entry, glob in old:
        gone.setdefault(entry, set()).add(glob)
    changed = sorted({*added, *(entry.file for entry in gone)})
    for file in changed:
        kept = [left for entry in read_file(file) if (left := without(entry, gone)) is not None]
        write(file, [*kept, *entries(file, added.get(file, []))])
    return changed


def without(entry: Expectation, gone: Mapping[Expectation, set[str]]) -> Expectation | None:
    """Return an entry without the globs over targets for which it explains nothing; None where none is left."""
    if entry not in gone:
        return entry
    globs = [glob for glob in entry.targets.split() if glob not in gone[entry]]
    return replace(entry, targets=" ".join(globs)) if globs else None


def entries(server: str, results: Iterable[tuple[str, Result]]) -> list[Expectation]:
    """Return entries for results of a server's targets; the rows of one table share one."""
    kinds: dict[tuple[str, str], list[tuple[str, Result]]] = {}
    for target, result in results:
        kinds.setdefault((result.id.partition("[")[0], result.verdict), []).append((target, result))
    return [_entry(server, base, verdict, found) for (base, verdict), found in kinds.items()]


def _entry(server: str, base: str, verdict: str, found: Sequence[tuple[str, Result]]) -> Expectation:
    ids = {result.id for _, result in found}
    reasons = {result.reason.split(": the ")[0] for _, result in found}
    first = found[0][1]
    text = reasons.pop() if len(reasons) == 1 else f"it does not hold that {first.title.partition(' [')[0]}"
    if verdict == "fail":  # no more than that, before somebody has looked: it may be a flaw that is not public
        text = "not as the section has it"
    targets = {target for target, _ in found}
    return Expectation(
        server,
        ids.pop() if len(ids) == 1 else f"{base}[*",
        verdict,
        f"{UNREAD} {text[:REASON_OCTETS]}",
        first.spec or "docs/case-language.md",
        "" if targets == set(load()[server].targets) else " ".join(sorted(targets)),
    )


def write(file: str, expected: Iterable[Expectation]) -> None:
    """Write a file in its one form, sorted; the comment on top stays."""
    import yaml

    path = path_of(file)
    lines = path.read_text().splitlines() if path.exists() else [f"# What {file} answers that is not pass, and why."]
    comment = [line for line in lines[:1] if line.startswith("#")]
    blocks = []
    for entry in sorted(set(expected), key=lambda e: (e.case, e.verdict, e.targets, e.says)):
        values = {key: getattr(entry, key) for key in KEYS if getattr(entry, key)}
        blocks.append(yaml.safe_dump([values], sort_keys=False, allow_unicode=True, width=112))
    FOLDER.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in comment) + "\n".join(blocks))
