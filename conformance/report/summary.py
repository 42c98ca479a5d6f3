"""What a run comes to, in words and numbers: the same for every report, so that no two differ.

The headline counts *requirements*, not cases: a MUST that fifty rows break is one MUST. A requirement is broken when
any of its cases fails, deviates when one warns, and holds when what was played of it passed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.report.text import plural, visible
from conformance.stream import Result, Run

MEANING = {
    "fail": "A MUST is broken, or the server is open to a known attack. Played twice before it is reported.",
    "warn": "A SHOULD is not followed, or a deviation that nearly every server shares and the profile tolerates.",
    "error": "The suite itself went wrong. Says nothing about the server; please report it.",
    "inconclusive": "Something else came before the question could be put: a refusal on policy grounds, "
    "a busy server, an answer that did not repeat.",
    "untested": "Not played: the target file or the allowed impact withholds something. The reason names the option "
    "that would allow it.",
    "n/a": "Does not apply: the extension is not offered, or the server has another role.",
    "info": "Worth knowing, and allowed: a MAY, or a deviation that the owner accepts.",
    "pass": "Asked, and answered as the requirement wants.",
}
"""Every verdict with a sentence, in the order in which reports show them."""

ORDER = {verdict: rank for rank, verdict in enumerate(MEANING)}
SEVERITIES = ("critical", "high", "medium", "low")
LEVELS = ("MUST", "SHOULD", "MAY")

_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the list of cases."""

    name: str
    title: str
    verdicts: tuple[str, ...]


SECTIONS = (
    Section("findings", "Findings", ("fail", "warn")),
    Section("open", "Open questions", ("error", "inconclusive")),
    Section("not-played", "Not played", ("untested", "n/a")),
    Section("held", "Held", ("info", "pass")),
)


def target_name(run: Run) -> str:
    """Return what the target is called."""
    target = run.header.get("target") or {}
    name = target.get("name") or f"{target.get('host', '?')}:{target.get('port', '?')}"
    return visible(str(name))


def group_of(level: str) -> str:
    """Return MUST for MUST NOT, SHOULD for SHOULD NOT."""
    return level.partition(" ")[0] or "MUST"


def statement(name: str) -> tuple[str, str] | None:
    """Return level and text of a requirement, or None where the registry does not know it."""
    try:
        from conformance.requirement.registry import find

        found = find(name)
    except (ImportError, OSError, ValueError, TypeError):
        return None
    return (found.level, found.statement) if found else None


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts section 4.5 before 4.10."""
    parts = _NUMBER.split(name)
    return [(0, int(part), "") if part.isdecimal() and len(part) < 16 else (1, 0, part) for part in parts]


def ordered(results: Iterable[Result]) -> list[Result]:
    """Return results as a reader wants them: worst verdict, severity and level first, then by id."""
    return sorted(
        results,
        key=lambda r: (
            ORDER.get(r.verdict, len(ORDER)),
            SEVERITIES.index(r.severity) if r.severity in SEVERITIES else len(SEVERITIES),
            LEVELS.index(group_of(r.level)) if group_of(r.level) in LEVELS else len(LEVELS),
            r.id.startswith("lint/"),
            natural(r.id),
        ),
    )


def of_verdict(results: Sequence[Result], *verdicts: str) -> list[Result]:
    """Return the results with one of these verdicts."""
    return [result for result in results if result.verdict in verdicts]


def checks(results: Iterable[Result]) -> list[Result]:
    """Return what was judged; a rule for every reply counts where it was broken."""
    judged = of_verdict(list(results), "pass", "info", "warn", "fail")
    return [result for result in judged if not result.id.startswith("lint/") or result.verdict in ("warn", "fail")]


def by_reason(results: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    """Return results grouped by their reason, the most frequent first."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.reason, []).append(result)
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))


# ---------------------------------------------------------------------- requirements and coverage

STATES = ("broken", "warned", "held", "open", "untested", "n/a")
"""What can be said of a requirement, the first that is true of one of its cases."""

WORDS = {
    "broken": "broken",
    "warned": "deviating",
    "held": "met",
    "open": "open",
    "untested": "untested",
    "n/a": "not applicable",
}
"""The states, as reports call them."""

READING = ("held", "broken", "warned", "open", "untested", "n/a")
"""The states in the order in which they are told."""

_STATE_OF = {
    "fail": "broken",
    "warn": "warned",
    "pass": "held",
    "info": "held",
    "error": "open",
    "inconclusive": "open",
    "untested": "untested",
    "n/a": "n/a",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement as this run found it; ``results`` are those of its cases, worst first."""

    id: str
    level: str
    text: str
    state: str
    results: tuple[Result, ...]

    @property
    def document(self) -> str:
        """The document of the requirement: RFC5321 of RFC5321-4.5.2-01."""
        return self.id.partition("-")[0]

    @property
    def section(self) -> str:
        """The section of the document: 4.5.2 of RFC5321-4.5.2-01, STARTTLS of SEC-STARTTLS-INJECTION."""
        document, _, rest = self.id.partition("-")
        return rest.partition("-")[0] if document == "SEC" else rest.rpartition("-")[0]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the requirements of one document and one level (MUST, SHOULD, MAY) stand."""

    document: str
    level: str
    entries: tuple[Requirement, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many requirements are in each state, in the order of ``STATES``."""
        counter = Counter(entry.state for entry in self.entries)
        return {state: counter[state] for state in STATES if counter[state]}

    @property
    def why_untested(self) -> list[tuple[str, int]]:
        """Why requirements could not be tested, with how many each reason holds back, the most frequent first."""
        reasons = Counter(
            next(r.reason for r in entry.results if r.verdict == "untested")
            for entry in self.entries
            if entry.state == "untested"
        )
        return sorted(reasons.items(), key=lambda item: (-item[1], item[0]))


def requirements(run: Run) -> list[Requirement]:
    """Return every requirement that the run's cases cite, with its state, by id."""
    cited: dict[str, list[Result]] = {}
    for result in run.results:
        for name in dict.fromkeys(result.requirement):
            cited.setdefault(name, []).append(result)
    found = []
    for name in sorted(cited, key=natural):
        known = statement(name)
        results = sorted(cited[name], key=lambda r: (STATES.index(state_of(r, name)), natural(r.id)))
        level, text = known or (results[0].level, "")
        found.append(Requirement(name, level, text, state_of(results[0], name), tuple(results)))
    return found


def in_words(found: Mapping[str, int]) -> str:
    """Return counts of states in words: ``203 met, 4 broken``."""
    return ", ".join(f"{found[state]:,} {WORDS[state]}" for state in READING if found.get(state))


def state_of(result: Result, requirement: str) -> str:
    """Return what a result says of one of its requirements.

    A rule for every reply that was broken leaves those met that it does not name as broken. Where it can't tell them
    apart, it breaks its first requirement, the general one, and what that means for the others is open.
    """
    found = result.id.startswith("lint/") and result.verdict in ("fail", "warn")
    if found and requirement not in (result.broken or result.requirement[:1]):
        return _STATE_OF["pass"] if result.broken else "open"
    return _STATE_OF.get(result.verdict, "open")


def coverage(entries: Iterable[Requirement]) -> dict[str, dict[str, Coverage]]:
    """Return the coverage by document and level, in the order of ``entries``."""
    groups: dict[str, dict[str, list[Requirement]]] = {}
    for entry in entries:
        groups.setdefault(entry.document, {}).setdefault(group_of(entry.level), []).append(entry)
    return {
        document: {level: Coverage(document, level, tuple(levels[level])) for level in sorted(levels, key=_level_rank)}
        for document, levels in groups.items()
    }


def _level_rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


# ---------------------------------------------------------------------- sentences


def truncated(run: Run) -> str | None:
    """Return why the run is not complete, or None."""
    planned = run.header.get("planned")
    of = f" of {planned} planned" if isinstance(planned, int) else ""
    played = sum(1 for result in run.results if not result.id.startswith("lint/"))
    if run.footer is None:
        return f"The stream ends without its footer: {played}{of} cases are here, the rest is unknown."
    if run.footer.get("interrupted"):
        return f"The run was interrupted after {played}{of} cases. What is here was measured; the rest was not."
    return None


def flaws(results: Iterable[Result]) -> int:
    """Return how many cases with a severity are among results; the rows of a table are one."""
    return len({result.id.partition("[")[0] for result in results if result.severity})


def broken_musts(run: Run) -> set[str]:
    """Return the MUSTs of documents that are broken; what only security practice asks is counted as a finding."""
    return {
        entry.id
        for entry in requirements(run)
        if entry.state == "broken" and group_of(entry.level) == "MUST" and entry.document != "SEC"
    }


def withheld(run: Run) -> int:
    """Return how many security findings were taken out of a published run."""
    number = run.header.get("withheld")
    return number if isinstance(number, int) and number > 0 else 0


def headline(run: Run) -> str:
    """Return the verdict of the whole run as one sentence."""
    name = target_name(run)
    fails = of_verdict(run.results, "fail")
    judged = checks(run.results)
    if fails:
        severe, musts = flaws(fails), broken_musts(run)
        others = [r for r in fails if r.severity is None and musts.isdisjoint(r.at_issue)]
        parts = [f"has {plural(severe, 'security finding')}"] if severe else []
        parts += [f"breaks {plural(len(musts), 'MUST')}"] if musts else []
        if others:
            other = "other check" if parts else "check"
            parts.append(f"fails {plural(len(others), other)}")
        return f"{name} {_and(parts)}."
    if not judged:
        return f"Nothing could be judged on {name}."
    if hidden := withheld(run):
        are = "is" if hidden == 1 else "are"
        return f"{name} has {plural(hidden, 'security finding')} that {are} withheld; no other check fails."
    if warned := of_verdict(run.results, "warn"):
        return f"{name} breaks no MUST that was tested, with {plural(len(warned), 'warning')}."
    return f"Nothing was found against {name} in {plural(len(judged), 'check')}."


def details(run: Run) -> Iterator[str]:
    """Yield the sentences that belong below the headline."""
    results = run.results
    for verdict, what in (("fail", "findings"), ("warn", "warnings")):
        if named := _by_severity(of_verdict(results, verdict)):
            yield f"Security {what}: {_and(named)}."
    fails, warned = of_verdict(results, "fail"), of_verdict(results, "warn")
    judged = checks(results)
    if fails or warned:
        held = len(of_verdict(judged, "pass", "info"))
        parts = [f"{held:,} hold{'s' if held == 1 else ''}"]
        parts += [f"{len(warned):,} warn{'s' if len(warned) == 1 else ''}"] if warned else []
        parts += [f"{len(fails):,} fail{'s' if len(fails) == 1 else ''}"] if fails else []
        yield f"Of {plural(len(judged), 'check')} {_and(parts)}."
    if tolerated := [r for r in warned if r.note and group_of(r.level) == "MUST"]:
        profile = visible(str(run.header.get("profile", "")))
        is_one = len(tolerated) == 1
        yield (
            f"{plural(len(tolerated), 'deviation')} from {'a MUST is' if is_one else 'MUSTs are'} "
            f"tolerated by the profile {profile}."
        )
    if hidden := withheld(run):
        are = "is" if hidden == 1 else "are"
        yield f"{plural(hidden, 'security finding')} without a public advisory {are} withheld."
    if untested := of_verdict(results, "untested"):
        yield f"{plural(len(untested), 'case')} could not be played with what is known of the target."
    if vague := of_verdict(results, "inconclusive"):
        yield f"{plural(len(vague), 'case')} came to no conclusion."
    if errors := of_verdict(results, "error"):
        yield f"{plural(len(errors), 'case')} could not be played because the suite went wrong."


def _by_severity(results: Sequence[Result]) -> list[str]:
    """Return how many flaws have which severity: a table has that of its worst row."""
    worst: dict[str, int] = {}
    for result in results:
        if result.severity in SEVERITIES:
            name, rank = result.id.partition("[")[0], SEVERITIES.index(result.severity)
            worst[name] = min(rank, worst.get(name, rank))
    found = Counter(worst.values())
    return [f"{found[rank]:,} {name}" for rank, name in enumerate(SEVERITIES) if found[rank]]


def _and(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def counts(run: Run) -> list[tuple[str, int]]:
    """Return every verdict that occurs with its number, worst first."""
    return [(verdict, run.counts[verdict]) for verdict in MEANING if run.counts.get(verdict)]


def exit_line(run: Run) -> str:
    """Return how the run ended: exit code and reason."""
    if run.footer is None:
        return "the stream has no footer: the run was cut off"
    return f"exit {run.footer.get('exit', '?')}: {visible(str(run.footer.get('exit_reason', '')))}"
