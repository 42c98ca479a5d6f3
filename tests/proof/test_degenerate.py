"""No case passes, fails or warns for the wrong reason against a server that treats everything alike."""

from __future__ import annotations

import pytest

from conformance.reference.faults import catalogue
from tests.proof.exceptions import ACCEPTING, REFUSING, excused
from tests.proof.harness import TRIPPED, Played, all_cases, play_all, reference

CONFORMING = ("slow", "octet-by-octet", "verbose")
"""Odd, and in order: every case passes, and no lint is broken."""

TURNING_AWAY = ("refuses-mail-on-policy", "greylists-everything", "busy-for-ever")
"""Servers that refuse us, as any may: nothing can be told, so nothing may be held against them."""

REFUSALS = (*TURNING_AWAY, "refuses-everything", "refuses-mail", "closes-after-each-reply")


def against(name: str) -> dict[str, Played]:
    """Return how the cases go on a degenerate server; those it treats as the faultless one does are left out."""
    return {case: played for case, played in play_all(all_cases(), catalogue()[name]).items() if not played.same}


@pytest.mark.parametrize("name", CONFORMING)
def test_oddity_is_no_fault(name: str) -> None:
    """None fails because of slowness, segmentation or verbosity, and none becomes inconclusive."""
    wrong = {case: str(p) for case, p in against(name).items() if p.verdict != "pass" or p.lints}
    assert wrong == {}


@pytest.mark.parametrize("name", TURNING_AWAY)
def test_a_refusal_of_the_client_is_no_finding(name: str) -> None:
    """Refusals on policy grounds, greylisting and 421 lead to no finding."""
    wrong = {case: p.reason for case, p in against(name).items() if p.verdict in TRIPPED}
    assert excused(wrong, REFUSING) == {}


@pytest.mark.parametrize("name", REFUSALS)
def test_nothing_passes_because_everything_is_refused(name: str) -> None:
    """A case whose stimulus is refused like everything else does not pass: a premise or a control sees it."""
    wrong = {case: str(p) for case, p in against(name).items() if p.verdict == "pass"}
    assert excused(wrong, REFUSING) == {}


def test_nothing_passes_because_everything_is_accepted() -> None:
    """What must be refused does not pass where everything is accepted."""
    faultless = reference()[0]
    found = against("accepts-everything")
    wrong = {case: str(p) for case, p in found.items() if p.verdict == "pass" and faultless[case].refused}
    assert excused(wrong, ACCEPTING) == {}


def test_acceptance_is_no_fault_where_it_is_asked_for() -> None:
    """Where the faultless server accepts, the server that accepts everything is not found at fault."""
    faultless = reference()[0]
    found = against("accepts-everything")
    wrong = {case: p.reason for case, p in found.items() if p.verdict in TRIPPED and not faultless[case].refused}
    assert excused(wrong, ACCEPTING) == {}
