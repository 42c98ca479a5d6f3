"""Octet templates: what a client sends, with variables in it.

A text is a template: ``$name`` and ``${name}`` stand for variables; a ``$`` before no known name stays a ``$``. A
mapping says more: ``raw``, ``hex``, ``base64``, ``fill``/``times``; a list joins its parts. Substitution happens once,
on octets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

_VARIABLE = re.compile(r"\$(?:\{([a-z][a-z0-9_]*)\}|([a-z][a-z0-9_]*))")

MAX_SENT_OCTETS = 64 * 1024 * 1024
"""The most that one step may send."""


@dataclass(frozen=True, slots=True)
class Variable:
    """The value of a variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Base64:
    """The base64 encoding of some octets (RFC 4648 section 4)."""

    of: Octets


@dataclass(frozen=True, slots=True)
class Fill:
    """Some octets repeated."""

    of: Octets
    times: int | Variable
    minus: Octets | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it goes over the wire: header, blank line, text with CRLF, dot-stuffed, and the final dot."""

    text: Octets


Part: TypeAlias = "bytes | Variable | Base64 | Fill | Message"


@dataclass(frozen=True, slots=True)
class Octets:
    """A template: literal octets and what is filled in at play."""

    parts: tuple[Part, ...]

    def variables(self) -> Iterable[str]:
        """Yield the names of the variables used."""
        for part in self.parts:
            if isinstance(part, Variable):
                yield part.name
            elif isinstance(part, Base64):
                yield from part.of.variables()
            elif isinstance(part, Fill):
                yield from part.of.variables()
                if part.minus is not None:
                    yield from part.minus.variables()
                if isinstance(part.times, Variable):
                    yield part.times.name
            elif isinstance(part, Message):
                yield "header"
                yield from part.text.variables()

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """Return the octets. Raises KeyError for a variable without value, ValueError for a wrong number."""
        return b"".join(_fill(part, values) for part in self.parts)


EMPTY = Octets(())


def regex_text(regex: Octets, values: Mapping[str, bytes] | None = None) -> str:
    """Return a regular expression with its variables as the octets they stand for, each octet a character.

    Without values it has a letter in their place. Raises KeyError for a variable without value.
    """
    return "".join(
        part.decode()
        if isinstance(part, bytes)
        else re.escape(_fill(part, values).decode("latin-1"))
        if values
        else "x"
        for part in regex.parts
    )


def _fill(part: Part, values: Mapping[str, bytes]) -> bytes:
    if isinstance(part, bytes):
        return part
    if isinstance(part, Variable):
        return values[part.name]
    if isinstance(part, Base64):
        return base64.b64encode(part.of.fill(values))
    if isinstance(part, Message):
        return wire_message(values["header"], part.text.fill(values))
    times = part.times if isinstance(part.times, int) else int(values[part.times.name])
    unit = part.of.fill(values)
    if part.minus is not None:
        times -= len(part.minus.fill(values))
    if times < 0 or times * len(unit) > MAX_SENT_OCTETS:
        raise ValueError(f"fill: {times} times {len(unit)} octets")
    return unit * times


def wire_message(header: bytes, text: bytes) -> bytes:
    """Return header, blank line and text as message data: CRLF line ends, dot-stuffed, with the final dot."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    stuffed = [b"." + line if line.startswith(b".") else line for line in lines]
    return header + b"\r\n" + b"".join(line + b"\r\n" for line in stuffed) + b".\r\n"


class TemplateError(ValueError):
    """A template is written wrong; says what would be right."""


def template(text: str, known: Iterable[str]) -> Octets:
    """Return the template of a text. Raises TemplateError for a name that is nearly a known one."""
    names = set(known)
    parts: list[Part] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        name = match[1] or match[2]
        if name not in names:
            _refuse_typo(name, bool(match[1]), names)
            continue
        if match.start() > end:
            parts.append(text[end : match.start()].encode())
        parts.append(Variable(name))
        end = match.end()
    if end < len(text):
        parts.append(text[end:].encode())
    return Octets(tuple(parts))


def _refuse_typo(name: str, braced: bool, names: set[str]) -> None:
    import difflib

    near = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    if near:
        raise TemplateError(f"no variable is named ${name}: did you mean ${near[0]}? (a literal dollar: raw or hex)")
    if braced:
        raise TemplateError(f"no variable is named ${{{name}}}")
