"""The catalogue: where the cases are, and which of them a selection means."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from conformance.case.load import Suite, load_suite
from conformance.case.model import Case
from conformance.case.yaml import SourceError


def cases_folder() -> Path:
    """Return the folder of the product's own cases: in the wheel beside the code, in a checkout beside the package."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "cases"
    return inside if inside.is_dir() else package.parent / "cases"


def suite_files(paths: Iterable[Path] = ()) -> list[tuple[Path, str]]:
    """Return suite files with their names below the folder they were found in; without paths, the product's own."""
    found: dict[Path, str] = {}
    for path in paths or (cases_folder(),):
        resolved = path.resolve()
        if resolved.is_dir():
            root = _root(resolved)
            for file in sorted(resolved.rglob("*.yaml")):
                found[file] = file.relative_to(root).as_posix()
        else:
            found[resolved] = resolved.relative_to(_root(resolved.parent)).as_posix()
    return list(found.items())


def _root(folder: Path) -> Path:
    """Return the cases folder that a folder belongs to, so that ids don't depend on which part of it was named."""
    for parent in (folder, *folder.parents):
        if parent.name == "cases":
            return parent
    return folder


@dataclass(frozen=True)
class Catalogue:
    """Every suite, and the cases in their order."""

    suites: tuple[Suite, ...]
    errors: tuple[SourceError, ...] = ()

    @property
    def cases(self) -> list[Case]:
        """Every case."""
        return [case for suite in self.suites for case in suite.cases]

    @property
    def hash(self) -> str:
        """A hash that changes when any case changes."""
        digest = hashlib.sha256()
        for case in self.cases:
            digest.update(f"{case.id} {case.hash}\n".encode())
        return f"sha256:{digest.hexdigest()[:16]}"


def load_catalogue(paths: Sequence[Path] = ()) -> Catalogue:
    """Return the catalogue of the files or folders; mistakes are collected, one a file, not raised."""
    suites, errors = [], []
    for file, name in suite_files(paths):
        try:
            suites.append(load_suite(file, name))
        except SourceError as error:
            errors.append(error)
    broken = {error.file for error in errors}
    problems = list(errors)
    known = {case.id for suite in suites for case in suite.cases}
    bases = {case.base_id for suite in suites for case in suite.cases}
    for suite in suites:
        wanted = dict.fromkeys((name, case.line) for case in suite.cases for name in case.after)  # once for all rows
        for name, line in wanted:
            owner = _file_of(name)
            elsewhere = owner in broken or (paths and (cases_folder() / owner).is_file())
            if name not in known and name not in bases and not elsewhere:
                problems.append(SourceError(suite.file, line, 1, f"after: no case is named {name!r}"))
    return Catalogue(tuple(suites), tuple(problems))


def _file_of(name: str) -> str:
    """Return the name of the suite file that a full case id names."""
    return f"{name.partition('[')[0].rpartition('/')[0]}.yaml"


class SelectionError(ValueError):
    """A selection can't be read; says what would be right."""


_TOKENS = re.compile(r"\s*(\(|\)|[^\s()]+)")


def expression(text: str) -> Callable[[str], bool]:
    """Return the test of a ``-k`` expression: words that occur in the id, ``and``, ``or``, ``not``, parentheses.

    Raises SelectionError.
    """
    tokens: list[str] = _TOKENS.findall(text)
    if not tokens:
        raise SelectionError("-k '': an expression has at least one word")
    position = 0

    def peek() -> str | None:
        return tokens[position] if position < len(tokens) else None

    def take() -> str:
        nonlocal position
        if position >= len(tokens):
            raise SelectionError(f"-k {text!r}: the expression ends too early")
        position += 1
        return tokens[position - 1]

    def either() -> Callable[[str], bool]:
        left = both()
        while peek() == "or":
            take()
            left = _or(left, both())
        return left

    def both() -> Callable[[str], bool]:
        left = single()
        while peek() == "and":
            take()
            left = _and(left, single())
        return left

    def single() -> Callable[[str], bool]:
        word = take()
        if word == "not":
            return _not(single())
        if word == "(":
            inner = either()
            if take() != ")":
                raise SelectionError(f"-k {text!r}: a parenthesis is not closed")
            return inner
        if word in (")", "and", "or"):
            raise SelectionError(f"-k {text!r}: {word!r} stands where a word was expected")
        return _contains(word.lower())

    test = either()
    if position < len(tokens):
        raise SelectionError(f"-k {text!r}: what does {tokens[position]!r} mean there? (and, or, not, parentheses)")
    return test


def _or(a: Callable[[str], bool], b: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: a(text) or b(text)


def _and(a: Callable[[str], bool], b: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: a(text) and b(text)


def _not(a: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: not a(text)


def _contains(word: str) -> Callable[[str], bool]:
    return lambda text: word in text


@dataclass(frozen=True)
class Selection:
    """What a user asked for."""

    expression: str | None = None
    tags: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"-k {self.expression}"] if self.expression else []
        for option, values in (("-m", self.tags), ("--spec", self.specs), ("--level", self.levels), ("", self.ids)):
            parts += [f"{option} {value}".strip() for value in values]
        return " ".join(parts)

    def matches(self) -> Callable[[Case], bool]:
        """Return the test for a case. Raises SelectionError."""
        word = expression(self.expression) if self.expression else None
        specs = [_spec(text) for text in self.specs]

        def test(case: Case) -> bool:
            text = f"{case.id} {case.title} {' '.join(case.tags)} {' '.join(case.requirement)}".lower()
            return (
                (word is None or word(text))
                and (not self.tags or all(_tagged(case, tag) for tag in self.tags))
                and (not specs or any(_in_spec(case, *spec) for spec in specs))
                and (not self.levels or case.level.split()[0].lower() in self.levels)
                and (not self.ids or any(_named(case, name) for name in self.ids))
            )

        return test


def _tagged(case: Case, tag: str) -> bool:
    if tag.startswith("not "):
        return not _tagged(case, tag[4:].strip())
    return tag in case.tags or case.file.split("/")[0] == tag


def _named(case: Case, name: str) -> bool:
    return name in (case.id, case.base_id) or fnmatchcase(case.id, name) or case.id.startswith(name.rstrip("/") + "/")


def _spec(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"RFC\s*(\d+)(?:[-#](\d[\d.]*))?", text.strip(), re.IGNORECASE)
    if match is None:
        raise SelectionError(f"--spec {text}: a document and perhaps a section, as in RFC5321 or RFC5321-4.5.2")
    return match[1], match[2] or ""


def _in_spec(case: Case, rfc: str, section: str) -> bool:
    for name in case.requirement:
        match = re.match(r"RFC(\d+)-([\d.]+)-", name)
        if match and match[1] == rfc and (not section or f"{match[2]}.".startswith(f"{section}.")):
            return True
    return False


def select(cases: Sequence[Case], selection: Selection, *, slow: bool = True) -> list[Case]:
    """Return the selected cases, and those that they come after. Raises SelectionError."""
    test = selection.matches()
    chosen = {case.id for case in cases if test(case) and (slow or "slow" not in case.tags)}
    return with_earlier(cases, chosen)


def with_earlier(cases: Sequence[Case], chosen: set[str]) -> list[Case]:
    """Return the cases with the chosen ids, and those that they come after, in their order."""
    wanted = set(chosen)
    by_name: dict[str, list[Case]] = {}
    for case in cases:
        by_name.setdefault(case.id, []).append(case)
        if case.base_id != case.id:
            by_name.setdefault(case.base_id, []).append(case)
    queue = [case for case in cases if case.id in wanted]
    while queue:
        for name in queue.pop().after:
            for case in by_name.get(name, ()):
                if case.id not in wanted:
                    wanted.add(case.id)
                    queue.append(case)
    return [case for case in cases if case.id in wanted]
