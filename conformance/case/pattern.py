r"""Patterns: what a step of a dialogue expects of the server.

``250``  ``25x``  ``5xx``  ``250|251``  ``55x 5.1.x``  ``250 /queued as (?P<queue_id>\S+)/``  ``334 decoded /^<.*>$/``
``250 offers STARTTLS``  ``250 lacks STARTTLS``  ``close``  ``reset``  ``refused``  ``421|close``
``silence 2s``  ``unfinished 2s``  ``any``  ``established``  ``failed``

They match parsed replies and events, never raw text.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from conformance.case.yaml import seconds
from conformance.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class Closed:
    """The server ended the connection: with a FIN (or TLS close_notify), or with a RST; or it took none (``refused``).

    Or we did, for the reason in ``cut``: no pattern matches that.
    """

    reset: bool = False
    cut: str = ""
    refused: bool = False

    def __str__(self) -> str:
        return self.cut or ("refused" if self.refused else "reset" if self.reset else "close")


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing complete came within so many seconds; ``unfinished`` where part of a reply did."""

    seconds: float
    unfinished: bool = False

    def __str__(self) -> str:
        return f"{'an unfinished reply' if self.unfinished else 'silence'} for {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class TlsResult:
    """How a TLS handshake ended."""

    established: bool
    detail: str
    here: bool = False
    """Whether it failed for what this computer can't do, before the server was asked."""

    def __str__(self) -> str:
        return f"TLS {'established' if self.established else 'failed'}: {self.detail}"


CERTIFICATE_FACTS = (
    "expired",
    "not-yet-valid",
    "wrong-name",
    "self-signed",
    "short-key",
    "weak-signature",
    "none",
)
"""What may be said of a certificate; ``none``: no certificate was shown, as there is no TLS."""

Event = Reply | Closed | Silence | TlsResult

_CODE = r"[2-5x][0-9x][0-9x]"
_CODES = re.compile(rf"(?:{_CODE}|close|reset|refused|any)(?:\|(?:{_CODE}|close|reset|refused|any))*(?=\s|\Z)")
_ENHANCED = re.compile(r"\s+([245x]\.(?:[0-9]{1,3}|x)\.(?:[0-9]{1,3}|x))(?=\s|\Z)")
_KEYWORD = re.compile(r"\s+(offers|lacks)\s+([A-Za-z0-9][A-Za-z0-9=_-]*)(?:\s+([^/\s]\S*))?(?=\s|\Z)")
_REGEX = re.compile(r"\s+(decoded\s+)?/(.*)/\Z", re.DOTALL)
_SILENCE = re.compile(r"(silence|unfinished)\s+(\S+)\Z")


class PatternError(ValueError):
    """A pattern is written wrong; says what would be right."""


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern. ``source`` is as the case has it."""

    source: str
    codes: tuple[str, ...] = ()
    enhanced: str | None = None
    keyword: str | None = None
    keyword_offered: bool = True
    parameter: str | None = None
    regex: str | None = None
    decoded: bool = False
    """Whether the regular expression is for what the text says in base64."""
    silence: float | None = None
    unfinished: bool = False
    """Whether the silence is one in the middle of a reply."""
    tls: bool | None = None

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(self.regex or "", re.MULTILINE)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The variables that a match binds."""
        return tuple(self._regex.groupindex) if self.regex is not None else ()

    def match(self, event: Event) -> dict[str, bytes] | None:
        """Return the variables bound (perhaps none) when the event matches, else None."""
        if isinstance(event, Silence):
            long_enough = self.silence is not None and event.seconds >= self.silence
            return {} if long_enough and event.unfinished is self.unfinished else None
        if isinstance(event, Closed):
            if event.cut:
                return None
            ways = ("close", *["reset"] * event.reset, *["refused"] * event.refused)
            return {} if any(way in self.codes for way in ways) else None
        if isinstance(event, TlsResult):
            return {} if self.tls is event.established else None
        return self._match_reply(event)

    def _match_reply(self, reply: Reply) -> dict[str, bytes] | None:
        if not self.codes or not ("any" in self.codes or self._match_code(reply.code)):
            return None
        if self.enhanced is not None and not _enhanced_matches(self.enhanced, reply.enhanced):
            return None
        if self.keyword is not None and not self._match_keyword(reply):
            return None
        if self.regex is None:
            return {}
        text = _decoded(reply.message) if self.decoded else reply.message
        found = self._regex.search(text) if text is not None else None
        if found is None:
            return None
        return {name: (value or "").encode("latin-1") for name, value in found.groupdict().items()}

    def _match_code(self, code: int) -> bool:
        text = f"{code:03d}"
        return any(all(p in ("x", c) for p, c in zip(want, text, strict=True)) for want in self.codes if len(want) == 3)

    def _match_keyword(self, reply: Reply) -> bool:
        wanted = (self.keyword or "").upper()
        for text in reply.texts[1:]:
            word, _, parameters = text.decode("latin-1").strip().partition(" ")
            if word.upper() == wanted and (self.parameter is None or self._has_parameter(parameters)):
                return self.keyword_offered
        return not self.keyword_offered

    def _has_parameter(self, parameters: str) -> bool:
        return (self.parameter or "").upper() in parameters.upper().split()

    @property
    def expects_close(self) -> bool:
        """Whether the end of the connection matches."""
        return any(way in self.codes for way in ("close", "reset", "refused"))


def _decoded(text: str) -> str | None:
    """Return what base64 text says, None where it is none."""
    try:
        return base64.b64decode(text.encode("latin-1"), validate=True).decode("latin-1")
    except ValueError:
        return None


def _enhanced_matches(wanted: str, got: str | None) -> bool:
    if got is None:
        return False
    return all(w in ("x", g) for w, g in zip(wanted.split("."), got.split("."), strict=True))


@lru_cache(maxsize=4096)
def parse(text: str) -> Pattern:
    """Return the pattern that a text describes. Raises PatternError."""
    source = text.strip()
    if source in ("established", "failed"):
        return Pattern(source, tls=source == "established")
    if source.startswith(("silence", "unfinished")):
        match = _SILENCE.match(source)
        try:
            return Pattern(source, silence=seconds(match[2] if match else ""), unfinished=source[0] == "u")
        except ValueError:
            raise PatternError(f"{source!r}: silence and unfinished need a duration, as in 'silence 2s'") from None
    codes = _CODES.match(source)
    if codes is None:
        raise PatternError(
            f"{source!r} is no pattern: 250, 25x, 5xx, 250|251, 55x 5.1.x, 250 /regex/, 250 offers KEYWORD, "
            "close, reset, silence 2s, unfinished 2s, any"
        )
    rest = source[codes.end() :]
    enhanced = _ENHANCED.match(rest)
    rest = rest[enhanced.end() :] if enhanced else rest
    keyword = _KEYWORD.match(rest)
    rest = rest[keyword.end() :] if keyword else rest
    regex = _REGEX.match(rest)
    if rest.strip() and regex is None:
        raise PatternError(f"{source!r}: what does {rest.strip()!r} mean? A regular expression stands between slashes")
    if regex is not None:
        try:
            re.compile(regex[2])
        except re.error as error:
            raise PatternError(f"{source!r}: the regular expression is wrong: {error}") from None
    return Pattern(
        source,
        codes=tuple(codes[0].split("|")),
        enhanced=enhanced[1] if enhanced else None,
        keyword=keyword[2] if keyword else None,
        keyword_offered=keyword is None or keyword[1] == "offers",
        parameter=keyword[3] if keyword else None,
        regex=regex[2] if regex else None,
        decoded=bool(regex and regex[1]),
    )
