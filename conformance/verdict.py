"""From what happened to what it means: the one function that every report and the exit code call.

The engine stores an *outcome*: what the dialogue said (``pass``, ``fail`` ...), or ``unexpected`` when a judgement
matched nothing. The *verdict* follows from the outcome, the level of the requirement, the profile and the waivers.
Because it is computed here and nowhere else, two reports of one run can't disagree, and another profile can be applied
to an old run.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

JUDGED = ("pass", "fail", "warn", "info")
NOT_JUDGED = ("n/a", "untested", "inconclusive", "error")
VERDICTS = JUDGED + NOT_JUDGED
OUTCOMES = (*VERDICTS, "unexpected")

BY_LEVEL = {"MUST": "fail", "MUST NOT": "fail", "SHOULD": "warn", "SHOULD NOT": "warn", "MAY": "info"}


class Adjusting(Protocol):
    """What a profile does to a verdict (``conformance.profile.Profile``)."""

    def adjust(self, verdict: str, requirement_ids: Sequence[str], case_id: str) -> tuple[str, str | None]:
        """Return the verdict under this profile and a remark for the reader, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Waiver:
    """A deviation that the owner of the target accepts, until a day."""

    reason: str
    requirement: str | None = None
    case: str | None = None
    expires: datetime.date | None = None

    def covers(self, requirement_ids: Sequence[str], case_id: str, today: datetime.date) -> bool:
        """Return whether this waiver holds today for the case or for one of its requirements."""
        if self.expires is not None and today > self.expires:
            return False
        if self.case is not None:
            return self.case in (case_id, case_id.partition("[")[0]) or fnmatchcase(case_id, self.case)
        return any(fnmatchcase(name, self.requirement or "") for name in requirement_ids)


def by_level(outcome: str, level: str) -> str:
    """Return the verdict that the level gives to an outcome: ``unexpected`` breaks a MUST, warns of a SHOULD."""
    return BY_LEVEL.get(level, "fail") if outcome == "unexpected" else outcome


def judge(
    outcome: str,
    level: str,
    requirement_ids: Sequence[str],
    case_id: str,
    profile: Adjusting | None = None,
    waivers: Iterable[Waiver] = (),
    today: datetime.date | None = None,
) -> tuple[str, str | None]:
    """Return the verdict and a remark (why a profile or a waiver changed it), or None where nothing did."""
    verdict, remark = by_level(outcome, level), None
    if verdict in ("fail", "warn"):
        if profile is not None:
            verdict, remark = profile.adjust(verdict, requirement_ids, case_id)
        day = today or datetime.date.today()
        for waiver in waivers:
            if verdict in ("fail", "warn") and waiver.covers(requirement_ids, case_id, day):
                until = f" until {waiver.expires}" if waiver.expires else ""
                return "info", f"waived{until}: {waiver.reason}"
    return verdict, remark
