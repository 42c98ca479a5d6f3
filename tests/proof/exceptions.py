"""Cases whose verdict on a degenerate server is right, though the rule of the test would doubt it; each with why."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

REFUSING: Mapping[str, str] = {
    "rfc5321/2.3.8-lines/*": "the line is no command, so that a refusal is in order, whatever its reason",
    "rfc5321/2.4-syntax-and-octets/empty-line": "a refusal is the answer to an empty line, whatever its reason",
    "rfc5321/2.4-syntax-and-octets/leading-space": "a refusal is the answer to such a line, whatever its reason",
    "rfc5321/2.4-syntax-and-octets/eight-bit-argument*": "a refusal is the answer to such a line, whatever its reason",
}
"""Verdicts on servers that refuse."""

ACCEPTING: Mapping[str, str] = {
    "rfc5321/2.3.8-lines/*": "either answer to such a line is in order: what counts is how many answers come",
}
"""Verdicts on the server that accepts everything."""


def excused(found: Mapping[str, str], exceptions: Mapping[str, str]) -> dict[str, str]:
    """Return what none of the exceptions names."""
    return {
        case: text
        for case, text in found.items()
        if not any(fnmatchcase(case.replace("[", "("), glob.replace("[", "(")) for glob in exceptions)
    }
