"""The zoo's judge: who is convicted, who is cleared, and what counts as a false alarm."""

from conformance.stream import Result
from tests.lab.zoo.judge import alarms, problems_of
from tests.lab.zoo.pairs import NOT_CURED, PAIRS, Animal, Pair

BAD = Animal("aiosmtpd", "1.4.5")
GOOD = Animal("aiosmtpd", "1.4.6")
CASE = "security/starttls/injected-command[noop]"
PAIR = Pair("an advisory", BAD, GOOD, (CASE,))


def result(verdict: str, case: str = CASE, severity: str | None = "high") -> Result:
    """Return a result as a run stores it."""
    return Result(case, "a title", outcome=verdict, verdict=verdict, reason="as it is", severity=severity)


def test_the_bad_one_is_convicted_and_the_good_one_cleared() -> None:
    """One fails, the other passes: nothing is wrong."""
    assert problems_of(PAIR, {CASE: result("fail")}, {CASE: result("pass")}) == []


def test_both_convicted_is_wrong_and_so_is_both_cleared() -> None:
    """A judge who says the same of both knows no difference."""
    both = problems_of(PAIR, {CASE: result("fail")}, {CASE: result("fail")})
    assert any(f"aiosmtpd-1.4.6: {CASE} is not pass" in problem for problem in both)
    none = problems_of(PAIR, {CASE: result("pass")}, {CASE: result("pass")})
    assert none == [f"aiosmtpd-1.4.5: {CASE} is not fail or warn or info, it is pass: as it is"]


def test_what_was_not_played_clears_nobody() -> None:
    """A case that is missing has not passed."""
    assert problems_of(PAIR, {CASE: result("fail")}, {}) == [
        f"aiosmtpd-1.4.6: {CASE} is not pass, it is was not played"
    ]


def test_a_finding_that_nothing_explains_is_a_false_alarm() -> None:
    """The good one has a finding that neither the lab nor the list of what was not cured knows."""
    other = result("fail", "security/relay/foreign-recipient[stranger]")
    assert alarms(GOOD, {other.id: other}) == [
        f"aiosmtpd-1.4.6: nothing explains {other.id}: fail (high): as it is",
    ]


def test_what_an_older_version_is_known_for_is_none() -> None:
    """A version may be good for one pair and not yet cured of something else."""
    assert alarms(BAD, {CASE: result("fail")}) == []
    assert alarms(GOOD, {CASE: result("fail")}) != []


def test_what_the_lab_expects_of_the_product_is_none() -> None:
    """Somebody has read what the lab's server of the same product does."""
    known = result("warn", "security/cross-protocol/http-post", "medium")
    assert alarms(GOOD, {known.id: known}) == []


def test_low_findings_are_not_counted() -> None:
    """They are advice."""
    low = result("warn", "security/relay/foreign-recipient[stranger]", "low")
    assert alarms(GOOD, {low.id: low}) == []


def test_only_good_ones_of_some_pair_have_known_flaws() -> None:
    """An entry for a version that nobody plays would be forgotten."""
    good = {f"{pair.good.product.lower()}-{pair.good.version}" for pair in PAIRS}
    assert set(NOT_CURED) <= good
