"""What security needed of the case language: repeat over values, ranges of counts, ``met``, named remedies, SEC ids."""

import pytest

from conformance.case.explain import show
from conformance.case.load import load_text
from conformance.case.yaml import SourceError
from conformance.engine import virtual
from conformance.engine.outcome import Outcome
from conformance.requirement.registry import all_requirements, find, suggest
from tests.proof.harness import play_case

SUITE = """
title: t
spec: RFC 5321 section 7.9
remedies:
  relay: {{Postfix: "mynetworks = 127.0.0.0/8"}}
defaults: {{remedy: relay}}
cases:
  - id: c
    title: t
    requirement: SEC-RELAY-PLAIN
    start: {start}
    impact: mail
    dialogue:
{steps}
"""


def suite(steps: str, start: str = "mail") -> str:
    """A suite of one case with these steps."""
    return SUITE.format(steps="\n".join(f"      - {line}" for line in steps.strip().splitlines()), start=start)


def played(steps: str, start: str = "mail") -> Outcome:
    """Play the steps against the reference server."""
    (case,) = load_text(suite(steps, start)).cases
    outcome: Outcome = virtual.run(play_case(case))
    return outcome


EACH = (
    '{repeat: {each: {path: [$unknown, $foreign]}, steps: [{C: "RCPT TO:<$path>"}, {S: {55x: go, 2xx: fail - $path}}]}}'
)


def test_steps_are_repeated_for_each_value() -> None:
    """Every value is sent, in the same session."""
    outcome = played(EACH)
    assert outcome.outcome == "pass", outcome.reason
    sent = b"".join(entry.octets for entry in outcome.transcript.entries if entry.kind == "C")
    assert b"<nobody@lab.test>" in sent
    assert b"<someone@elsewhere.test>" in sent


def test_values_say_what_the_target_must_name() -> None:
    """As the variables of a step do."""
    (case,) = load_text(suite(EACH)).cases
    assert {"unknown", "foreign"} <= set(case.needs.target)
    assert "for $path = $unknown, $foreign" in show(case)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("{repeat: {steps: [{S: 250}]}}", "repeat is said as"),
        ("{repeat: {times: 2, each: {a: [b]}, steps: [{S: 250}]}}", "repeat is said as"),
        ("{repeat: {each: {a: [b], c: [d]}, steps: [{S: 250}]}}", "one name"),
        ("{repeat: {each: {token: [b]}, steps: [{S: 250}]}}", "no new name"),
        ("{repeat: {each: {a: []}, steps: [{S: 250}]}}", "at least one"),
        ("{delivered: {count: 2..1}}", "from the smaller to the larger"),
        ("{delivered: {met: fail}}", "fail needs a reason"),
        ("{S: {250: leave}}", "there is no repeat here"),
        ("{S: {250: next}}", "there is no repeat here"),
        ("{repeat: {times: 2, steps: [{delivered: {otherwise: leave}}]}}", "there is no repeat here"),
    ],
)
def test_mistakes_are_named(steps: str, words: str) -> None:
    """Each says what would be right."""
    with pytest.raises(SourceError, match=words):
        load_text(suite(steps))


MESSAGE = '{C: {raw: "${message}.\\r\\n"}}\n{S: 2xx}\n'


@pytest.mark.parametrize(
    ("count", "outcome"), [("0..1", "pass"), ("1", "pass"), ("0..2", "pass"), ("2..3", "unexpected")]
)
def test_a_count_may_be_a_range(count: str, outcome: str) -> None:
    """From at least to at most."""
    assert played(f"{MESSAGE}{{delivered: {{count: {count}, within: 1s}}}}", "data").outcome == outcome


def test_a_message_that_arrives_may_be_what_is_wrong() -> None:
    """``met`` decides where ``otherwise`` does not."""
    outcome = played(f"{MESSAGE}{{delivered: {{met: fail - it arrived, otherwise: pass}}}}", "data")
    assert (outcome.outcome, outcome.reason.partition(":")[0]) == ("fail", "it arrived")


def test_remedies_have_names() -> None:
    """A name that is not there is a mistake, with a suggestion."""
    (case,) = load_text(suite("{S: {any: pass}}")).cases
    assert case.remedy == {"Postfix": "mynetworks = 127.0.0.0/8"}
    with pytest.raises(SourceError, match=r"no remedy is named 'relai'.*relay"):
        load_text(suite("{S: {any: pass}}").replace("remedy: relay", "remedy: relai"))


def test_security_statements_are_requirements() -> None:
    """They have a source instead of a section, and stand behind those of the RFCs."""
    found = find("SEC-RELAY-PLAIN")
    assert found is not None
    assert (found.rfc, found.section, found.document) == (0, "relay", "SEC")
    assert found.source
    assert found.id in [entry.id for entry in all_requirements()]
    assert "SEC-RELAY-PLAIN" in suggest("SEC-RELAY-PLANE")
    assert all(entry.source for entry in all_requirements() if entry.id.startswith("SEC-"))


def test_a_repeat_is_left() -> None:
    """``leave`` goes on behind the ``repeat``; what comes there decides."""
    steps = """
{repeat: {times: 50, steps: [{C: "RCPT TO:<$unknown>"}, {S: {5xx: leave}}]}}
{C: NOOP}
{S: {250: info - after one}}
"""
    outcome = played(steps)
    assert (outcome.outcome, outcome.reason) == ("info", "after one")
    assert [entry.octets[:4] for entry in outcome.transcript.entries if entry.phase == "" and entry.kind == "C"] == [
        b"RCPT",
        b"NOOP",
    ]


def test_a_round_is_skipped() -> None:
    """``next`` goes on with the next round of the ``repeat``."""
    steps = """
{repeat: {each: {to: [$recipient, $unknown]}, steps: [C: "RCPT TO:<$to>", S: {25x: next, 5xx: go}, C: NOOP, S: 250]}}
{C: RSET}
{S: {250: pass}}
"""
    outcome = played(steps)
    assert outcome.outcome == "pass"
    assert [entry.octets[:4] for entry in outcome.transcript.entries if entry.phase == "" and entry.kind == "C"] == [
        b"RCPT",
        b"RCPT",
        b"NOOP",
        b"RSET",
    ]
