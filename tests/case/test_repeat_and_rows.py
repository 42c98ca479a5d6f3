"""``repeat`` and ``matches`` of the case language, and variables in the rows of a table."""

import pytest

from conformance.case.explain import show
from conformance.case.load import load_text
from conformance.case.model import Delivered, Repeat
from conformance.case.yaml import SourceError
from conformance.engine import virtual
from conformance.engine.outcome import Outcome
from conformance.reference.site import Site
from tests.proof.harness import play_case

SUITE = """
title: t
spec: RFC 5321 section 4.5.3.1.8
cases:
  - id: c
    title: t
    requirement: RFC5321-4.5.3.1.8-01
    start: mail
    impact: mail
    dialogue:
      - repeat:
          times: {times}
          steps:
            - C: RCPT TO:<$recipient_local+$count@$recipient_domain>
            - S: {{2xx: go}}
      - C: DATA
      - S: 354
      - C: $message.
      - S: 2xx
      - delivered: {{to: $recipient_local+3@$recipient_domain, matches: ['/{regex}/']}}
"""


def played(times: int, regex: str = r"^Subject: .*\n(.*\n)*\nA message") -> Outcome:
    """Play the suite against the reference server."""
    (case,) = load_text(SUITE.format(times=times, regex=regex)).cases
    outcome: Outcome = virtual.run(play_case(case))
    return outcome


def test_steps_are_repeated_with_a_count() -> None:
    """Each time sends another address; the third one gets the message."""
    outcome = played(3)
    assert outcome.outcome == "pass", outcome.reason
    assert sum(b"RCPT" in e.octets for e in outcome.transcript.entries) == 3


def test_a_judgement_in_a_repeat_decides_at_once() -> None:
    """The 101st recipient is refused with 452: temporary, so nothing is told."""
    assert Site().limits.recipients == 100
    assert played(101).outcome == "inconclusive"


def test_a_regular_expression_that_is_not_found_decides() -> None:
    """The message is shown."""
    outcome = played(3, r"^Subject: \d$")
    assert outcome.outcome == "unexpected"
    assert "does not match" in outcome.reason


def test_repeat_is_shown_once() -> None:
    """A hundred repeated steps are not a hundred lines."""
    (case,) = load_text(SUITE.format(times=100, regex="x")).cases
    assert isinstance(case.dialogue[0], Repeat)
    assert isinstance(case.dialogue[-1], Delivered)
    assert "100 times" in show(case)
    assert show(case).count("RCPT TO") == 1


@pytest.mark.parametrize("times", [0, 10_001])
def test_repeat_has_a_ceiling(times: int) -> None:
    """Not endless, and not never."""
    with pytest.raises(SourceError, match=r"times|at least"):
        load_text(SUITE.format(times=times, regex="x"))


@pytest.mark.parametrize(
    "last",
    ["S: {354: pass, 5xx: fail - no}", "delivered: {count: 0, met: pass, otherwise: fail - no}"],
)
def test_what_nothing_leads_to_is_a_mistake(last: str) -> None:
    """A look into the mailbox behind a judgement that ends the case in every way would never be made."""
    text = SUITE.format(times=1, regex="x").replace("S: 354", last)
    with pytest.raises(SourceError, match="nothing leads here"):
        load_text(text)


def test_rows_may_use_the_variables_of_the_target() -> None:
    """What a row uses, the target file must name."""
    text = """
title: t
spec: RFC 5321 section 3.3
cases:
  - id: c
    title: t
    requirement: RFC5321-3.3-08
    start: mail
    each: {path: {plain: $unknown, none: x}}
    dialogue: [{C: "RCPT TO:<$path>"}, {S: {5xx: pass}}]
"""
    plain, none = load_text(text).cases
    assert plain.needs.target == ("unknown",)
    assert none.needs.target == ()
    outcome: Outcome = virtual.run(play_case(plain))
    assert outcome.outcome == "pass"
    assert any(b"RCPT TO:<nobody@lab.test>" in entry.octets for entry in outcome.transcript.entries)
