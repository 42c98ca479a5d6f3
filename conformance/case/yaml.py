"""Strict YAML for suite and target files: YAML 1.2 scalars, no duplicate keys, no anchors, a place for each value.

YAML 1.1 bites exactly our values (``4.10`` would be a float, ``no`` a boolean, ``12:30`` 750), so nothing is typed but
plain ``true``, ``false``, ``null`` and decimal integers. Anchors are refused: they make small files large.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

MAX_FILE_OCTETS = 4 * 1024 * 1024
"""The largest YAML file that is read."""

MAX_DEPTH = 32
"""The deepest nesting that is read."""


class SourceError(Exception):
    """A file that the user wrote can't be used; says where (file, line, column), what, and what would be right."""

    def __init__(self, file: str, line: int, column: int, problem: str, source: str = "") -> None:
        self.file, self.line, self.column, self.problem, self.source = file, line, column, problem, source
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.problem}"
        if self.source:
            shown = "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in self.source)
            text += f"\n    {shown}\n    {' ' * (self.column - 1)}^"
        return text


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is being read, for error messages."""

    name: str
    lines: tuple[str, ...] = ()

    def error(self, line: int, column: int, problem: str) -> SourceError:
        """Return the error for a place (both from 1)."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return SourceError(self.name, line, column, problem, text)


Plain: TypeAlias = "str | int | bool | list[Node] | dict[str, Node] | None"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place. ``key`` is the place of its key when it stands in a mapping."""

    value: Plain
    source: Source
    line: int
    column: int
    text: str = ""
    key_line: int = 0
    key_column: int = 0

    def fail(self, problem: str) -> NoReturn:
        """Raise the error for this place."""
        raise self.source.error(self.line, self.column, problem)

    def fail_key(self, problem: str) -> NoReturn:
        """Raise the error for the place of this value's key."""
        raise self.source.error(self.key_line or self.line, self.key_column or self.column, problem)

    @property
    def kind(self) -> str:
        """What this is, in words for an error message."""
        value = self.value
        if isinstance(value, bool):
            return f"the truth value {self.text}"
        if isinstance(value, int):
            return f"the number {self.text}"
        if value is None:
            return "nothing"
        return {str: "a text", list: "a list", dict: "a mapping"}[type(value)]

    def mapping(self, what: str, known: Iterable[str] | None = None) -> dict[str, Node]:
        """Return the mapping; an unknown key is an error with a suggestion. Raises SourceError."""
        if not isinstance(self.value, dict):
            self.fail(f"{what} is a mapping, not {self.kind}")
        if known is not None:
            names = list(known)
            for key, node in self.value.items():
                if key not in names:
                    node.fail_key(f"{what} has no key {key!r}{suggest(key, names)}")
        return self.value

    def items(self, what: str) -> list[Node]:
        """Return the list. Raises SourceError for anything else."""
        if not isinstance(self.value, list):
            self.fail(f"{what} is a list, not {self.kind}")
        return self.value

    def one_or_many(self) -> list[Node]:
        """Return the list, or the single value as a list of one."""
        return self.value if isinstance(self.value, list) else [self]

    def string(self, what: str) -> str:
        """Return the text (numbers as they were written). Raises SourceError for anything else."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.text
        self.fail(f"{what} is a text, not {self.kind}{_quote_hint(self)}")

    def strings(self, what: str) -> tuple[str, ...]:
        """Return a text or a list of texts as a tuple. Raises SourceError."""
        return tuple(node.string(what) for node in self.one_or_many())

    def integer(self, what: str, minimum: int = 0) -> int:
        """Return the number. Raises SourceError when it is none or below the minimum."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fail(f"{what} is a whole number, not {self.kind}")
        if self.value < minimum:
            self.fail(f"{what} is at least {minimum}")
        return self.value

    def boolean(self, what: str) -> bool:
        """Return the truth value. Raises SourceError for anything else."""
        if not isinstance(self.value, bool):
            self.fail(f"{what} is true or false, not {self.kind}")
        return self.value

    def choice(self, what: str, choices: Iterable[str]) -> str:
        """Return the text, which is one of the choices. Raises SourceError with a suggestion."""
        text, names = self.string(what), list(choices)
        if text not in names:
            self.fail(f"{what} is one of {', '.join(names)}, not {text!r}{suggest(text, names)}")
        return text

    def seconds(self, what: str) -> float:
        """Return a duration such as ``2s``, ``200ms``, ``5m`` (a bare number is seconds). Raises SourceError."""
        try:
            return seconds(self.string(what))
        except ValueError:
            self.fail(f"{what} is a duration such as 2s, 200ms or 5m, not {self.text!r}")


_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)?\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def seconds(text: str) -> float:
    """Return a duration in seconds. Raises ValueError."""
    match = _DURATION.match(text.strip())
    if match is None:
        raise ValueError(text)
    return float(match[1]) * _UNITS[match[2]]


def suggest(word: str, names: Iterable[str]) -> str:
    """Return ``: did you mean X?``, or the list of names when it is short, for an error message."""
    known = list(names)
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if near:
        return f": did you mean {near[0]!r}?"
    return f": it may have {', '.join(known)}" if len(known) <= 24 else ""


def _quote_hint(node: Node) -> str:
    return ' (quote it: "' + node.text + '")' if node.text and not isinstance(node.value, dict | list) else ""


def load(text: str, name: str) -> Iterator[Node]:
    """Yield the documents of a YAML text. Raises SourceError for anything that is not strict YAML."""
    source = Source(name, tuple(text.splitlines()))
    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        loader = loader_class(text)
    except yaml.YAMLError as error:
        raise _yaml_error(source, error) from None
    try:
        while loader.check_node():
            yield _convert(loader.get_node(), source, set(), 0)
    except yaml.YAMLError as error:
        raise _yaml_error(source, error) from None
    finally:
        loader.dispose()


def load_file(path: Path, name: str | None = None) -> list[Node]:
    """Return the documents of a YAML file. Raises SourceError, also where the file can't be read."""
    shown = name or str(path)
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise SourceError(shown, 1, 1, f"can't be read: {error.strerror or error}") from None
    if len(octets) > MAX_FILE_OCTETS:
        raise SourceError(shown, 1, 1, f"larger than {MAX_FILE_OCTETS} octets")
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise SourceError(shown, line, 1, "not UTF-8") from None
    return list(load(text, shown))


_UNCLOSED = re.compile(r"(?=.*(?:did not find expected '|unexpected end)).*while (?:parsing a flow|scanning a quoted)")


def _yaml_error(source: Source, error: yaml.YAMLError) -> SourceError:
    if isinstance(error, yaml.reader.ReaderError):
        before = "\n".join(source.lines)[: error.position]
        code = error.character if isinstance(error.character, int) else ord(error.character)
        problem = f"the control character U+{code:04X} can't stand here: in double quotes write \\x{code:02x}"
        return source.error(before.count("\n") + 1, len(before) - before.rfind("\n"), problem)
    mark = getattr(error, "problem_mark", None)
    opened = getattr(error, "context_mark", None)
    if opened is not None and _UNCLOSED.search(f"{error.problem} {error.context}"):  # type: ignore[attr-defined]
        return source.error(opened.line + 1, opened.column + 1, "what opens here is not closed: a bracket or a quote")
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    text = source.lines[line - 1] if 0 < line <= len(source.lines) else ""
    if "\t" in text[: max(column, 1)] or "\\t" in problem or "'\\t'" in problem:
        problem = "a tab can't indent YAML: use spaces"
    elif "mapping values are not allowed" in problem:
        problem = "a second colon in one line: quote the text after the first, or start a new line"
    elif "node content" in problem:
        problem = "a value was expected: is a bracket or a quote before it not closed?"
    elif "start any token" in problem:
        problem = f"{problem}: quote the text"
    return source.error(line, column, problem)


def _convert(node: Any, source: Source, seen: set[int], depth: int) -> Node:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if id(node) in seen:
        raise source.error(line, column, "anchors and aliases are not used here: write the value out")
    seen.add(id(node))
    if depth > MAX_DEPTH:
        raise source.error(line, column, f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(node, yaml.ScalarNode):
        if not node.tag.startswith("tag:yaml.org,2002:") or (node.tag.endswith(":binary")):
            raise source.error(line, column, f"the tag {node.tag} is not used here")
        return Node(_scalar(node), source, line, column, node.value)
    if not node.tag.startswith(("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")):
        raise source.error(line, column, f"the tag {node.tag} is not used here")
    if isinstance(node, yaml.SequenceNode):
        return Node([_convert(item, source, seen, depth + 1) for item in node.value], source, line, column)
    values: dict[str, Node] = {}
    for key, value in node.value:
        at = key.start_mark.line + 1, key.start_mark.column + 1
        if not isinstance(key, yaml.ScalarNode):
            raise source.error(*at, "a key is a text")
        if key.value in values:
            raise source.error(*at, f"the key {key.value!r} stands here a second time")
        if key.value == "<<" and not key.style:
            raise source.error(*at, "merge keys are not used here: write the values out")
        item = _convert(value, source, seen, depth + 1)
        values[key.value] = Node(item.value, source, item.line, item.column, item.text, *at)
    return Node(values, source, line, column)


def _scalar(node: Any) -> str | int | bool | None:
    text: str = node.value
    if node.style:  # quoted or a block; libyaml says "" for a plain one, the Python parser None
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.match(text) else text
