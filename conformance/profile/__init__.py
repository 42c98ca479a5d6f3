"""Profiles: which deviations count, as data. A verdict under another profile needs no new run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


class ProfileError(Exception):
    """A profile can't be used; says what would be right."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry: for a requirement or a case (globs), another verdict than ``fail``, with the reason."""

    reason: str
    verdict: str = "warn"
    requirement: str = ""
    case: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of rules."""

    name: str
    title: str
    rules: tuple[Rule, ...] = ()

    def adjust(self, verdict: str, requirement_ids: Sequence[str], case_id: str) -> tuple[str, str | None]:
        """Return the verdict under this profile and the reason, or None where nothing changed."""
        for rule in self.rules:
            by_case = bool(rule.case) and fnmatchcase(case_id, rule.case)
            by_requirement = bool(rule.requirement) and any(fnmatchcase(n, rule.requirement) for n in requirement_ids)
            if verdict == "fail" and (by_case or by_requirement):
                return rule.verdict, f"{self.name}: {rule.reason}"
        return verdict, None


def load(name: str) -> Profile:
    """Return a profile by its name (interop, strict) or from a JSON file. Raises ProfileError."""
    file = Path(__file__).with_name(f"{name}.json")
    if not file.is_file():
        file = Path(name)
    if not file.is_file():
        raise ProfileError(f"no profile is named {name!r}: interop, strict, or a JSON file")
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return Profile(values["name"], values["title"], tuple(Rule(**rule) for rule in values["rules"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        shape = '{"name": ..., "title": ..., "rules": [{"requirement": ..., "verdict": "warn", "reason": ...}]}'
        raise ProfileError(f"{file} is no profile ({error}): it is JSON such as {shape}") from None
