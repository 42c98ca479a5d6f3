"""EHLO keywords: the grammar of an ehlo-line (RFC 5321 section 4.1.1.1), and what is known of each keyword.

``keywords.jsonl`` has one line a keyword: whether IANA lists it, the document that defines it, and the grammar of its
parameters, a regular expression over what follows "KEYWORD " ("" where nothing may follow). The registry of November
2026; since new keywords are registered all the time, an unknown one is a remark, never a failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("keywords.jsonl")

LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?: [!-~]+)*")
"""ehlo-line = ehlo-keyword *( SP ehlo-param )"""


@dataclass(frozen=True, slots=True)
class Keyword:
    """What is known of one EHLO keyword."""

    name: str
    status: str
    """registered, deprecated (registered, no longer to be used), draft or unregistered."""
    rfc: tuple[int, ...] = ()
    parameters: re.Pattern[str] | None = None
    """The grammar of the parameters, None where it is not known."""
    verbs: tuple[str, ...] = ()
    """The commands that the extension adds."""
    requires: tuple[str, ...] = ()
    """The keywords that have to be listed with it."""


@cache
def known() -> Mapping[str, Keyword]:
    """Return the known keywords by name, in upper case."""
    with _FILE.open(encoding="utf-8") as lines:
        return {keyword.name: keyword for keyword in (_keyword(json.loads(line)) for line in lines)}


def _keyword(values: dict[str, Any]) -> Keyword:
    grammar = values.get("parameters")
    return Keyword(
        values["keyword"],
        values["status"],
        tuple(values["rfc"]),
        None if grammar is None else re.compile(grammar),
        tuple(values.get("verbs", ())),
        tuple(values.get("requires", ())),
    )


def split(line: str) -> tuple[str, str]:
    """Return the keyword of an ehlo-line in upper case, and its parameters; white space around both is dropped."""
    name, _, parameters = line.strip().partition(" ")
    return name.upper(), parameters.strip()


def is_private(name: str) -> bool:
    """Whether a keyword is for private use: it begins with X (section 2.2.2)."""
    return name.startswith("X")
