"""Octet templates: what a client sends, with variables in it.

A text is a template: ``$name`` and ``${name}`` stand for variables; a ``$`` before no known name stays a ``$``. A
mapping says more: ``raw``, ``hex``, ``base64``, ``fill``, ``bdat``, ``sasl``; a list joins its parts. Substitution
happens once, on octets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from conformance.smtp import sasl

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
    """Some octets repeated: so many times, or as often as they fit into so many octets.

    What is left over there stands in front, filled with the first octet: no line is cut, and no line end.
    """

    of: Octets
    times: int | Variable | None = None
    octets: int | Variable | None = None
    minus: Octets | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A BDAT command with its octets (RFC 3030 section 2)."""

    of: Octets
    last: bool


@dataclass(frozen=True, slots=True)
class Sasl:
    """What a SASL client says, in base64: the first message, or the answer to a challenge."""

    mechanism: str
    challenge: Octets | None
    user: Octets
    password: Octets
    nonce: Octets


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it goes over the wire: header, blank line, text with CRLF, dot-stuffed, and the final dot."""

    text: Octets


Part: TypeAlias = "bytes | Variable | Base64 | Fill | Chunk | Sasl | Message"


class TooMuchError(ValueError):
    """A step would send more than the suite ever does."""


@dataclass(frozen=True, slots=True)
class Octets:
    """A template: literal octets and what is filled in at play."""

    parts: tuple[Part, ...]

    def variables(self) -> Iterable[str]:
        """Yield the names of the variables used."""
        for part in self.parts:
            yield from _variables(part)

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """Return the octets. Raises KeyError for a variable without value, ValueError for a wrong number."""
        return b"".join(_fill(part, values) for part in self.parts)

    def shown(self, values: Mapping[str, bytes]) -> bytes | None:
        """Return the octets with stars for what proves that a password is known; None where there is no such part."""
        if not any(_proves(part) for part in self.parts):
            return None
        return b"".join(b"********" if _proves(part) else _fill(part, values) for part in self.parts)


EMPTY = Octets(())


def _proves(part: Part) -> bool:
    return isinstance(part, Sasl) or (isinstance(part, Base64) and "password" in part.of.variables())


def _variables(part: Part) -> Iterable[str]:
    if isinstance(part, Variable):
        yield part.name
    elif isinstance(part, Base64 | Chunk):
        yield from part.of.variables()
    elif isinstance(part, Fill):
        yield from part.of.variables()
        if part.minus is not None:
            yield from part.minus.variables()
        yield from (number.name for number in (part.times, part.octets) if isinstance(number, Variable))
    elif isinstance(part, Sasl):
        for octets in (part.challenge, part.user, part.password, part.nonce):
            yield from octets.variables() if octets is not None else ()
    elif isinstance(part, Message):
        yield "header"
        yield from part.text.variables()


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
    if isinstance(part, Chunk):
        octets = part.of.fill(values)
        return b"BDAT %d%s\r\n%b" % (len(octets), b" LAST" if part.last else b"", octets)
    if isinstance(part, Sasl):
        challenge = part.challenge.fill(values) if part.challenge is not None else None
        credentials = sasl.Credentials(part.user.fill(values), part.password.fill(values), part.nonce.fill(values))
        return sasl.response(part.mechanism, challenge, credentials)
    return _repeated(part, values)


def _repeated(part: Fill, values: Mapping[str, bytes]) -> bytes:
    unit = part.of.fill(values)
    less = len(part.minus.fill(values)) if part.minus is not None else 0
    if part.octets is None:
        times, left = _number(part.times, values) - less, 0
    else:
        times, left = divmod(_number(part.octets, values) - less, len(unit))
    if times < 0:
        raise ValueError(f"fill: {times} times {len(unit)} octets")
    total = times * len(unit) + left
    if total > MAX_SENT_OCTETS:
        raise TooMuchError(f"{total} octets would be sent, and {MAX_SENT_OCTETS} are the most that the suite sends")
    return unit[:1] * left + unit * times


def _number(given: int | Variable | None, values: Mapping[str, bytes]) -> int:
    return int(values[given.name]) if isinstance(given, Variable) else given or 0


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
