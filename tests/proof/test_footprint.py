"""What the proof spares itself would have come to what it says."""

from __future__ import annotations

from conformance.case.model import Case
from conformance.engine import virtual
from conformance.reference.faults import Fault
from conformance.verdict import by_level
from tests.proof.harness import all_cases, deviations, play_all, play_case

STEP = 311
"""Of each fault every so manieth case is looked at, beginning with another one for each fault."""


def played(case: Case, fault: Fault) -> tuple[str, set[str]]:
    """Return verdict and lints of a case that is played against a server with a fault."""
    outcome = virtual.run(play_case(case, (fault,)))
    return by_level(outcome.outcome, case.level), {finding.breach.lint.id for finding in outcome.findings}


def test_what_is_not_played_would_come_to_the_same() -> None:
    """Where the proof says without a play what a fault makes of a case, a play says so too."""
    cases, wrong, spared = all_cases(), [], 0
    for number, fault in enumerate(deviations()):
        chosen = cases[number % STEP :: STEP]
        for name, found in play_all(chosen, fault).items():
            case = next(case for case in chosen if case.id == name)
            if not found.same or found.verdict == "inconclusive":  # what a control bars was not asked
                continue
            spared += 1
            verdict, lints = played(case, fault)
            if verdict not in (found.verdict, "n/a") or lints != set(found.lints):
                wrong.append(f"{fault.name} and {name}: {found} was said, {verdict} {lints} came of it")
    assert wrong == []
    assert spared > len(deviations())
