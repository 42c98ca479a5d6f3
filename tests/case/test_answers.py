"""Answers with a name: one judgement for several dialogues."""

import pytest

from conformance.case.explain import show
from conformance.case.load import load_text
from conformance.case.yaml import SourceError

SUITE = """
title: t
spec: RFC 5321 section 3.8
answers:
  greets: {220: go, silence 10s: fail - greets nobody, any|close: inconclusive - turns this client away}
cases:
  - id: c
    title: t
    requirement: RFC5321-3.8-01
    start2: connect
    dialogue:
      - C: NOOP
      - S: [250, {silence 1s: go}]
      - S2: greets
"""
SAID = "{220: go, silence 10s: fail - greets nobody, any|close: inconclusive - turns this client away}"


def test_a_name_stands_for_its_judgement() -> None:
    """The case is the one that says it in full, to its hash."""
    (named,) = load_text(SUITE).cases
    (full,) = load_text(SUITE.replace("S2: greets", f"S2: {SAID}")).cases
    assert show(named) == show(full)
    assert named.hash == full.hash


def test_a_name_may_stand_in_a_list() -> None:
    """And in a ``repeat``."""
    text = SUITE.replace("- S2: greets", "- repeat: {times: 2, steps: [C: NOOP, S: [greets, greets]]}")
    (case,) = load_text(text).cases
    assert show(case).count("greets nobody") == 2


@pytest.mark.parametrize("name", ["any", "close", "silence 1s", "250", "Greets"])
def test_a_name_is_no_pattern(name: str) -> None:
    """Or nobody could tell a premise from it."""
    with pytest.raises(SourceError, match="is no name for an answer"):
        load_text(SUITE.replace("greets:", f"{name}:", 1))


def test_a_name_that_is_not_there_is_a_pattern_that_is_wrong() -> None:
    """As every other text that is none."""
    with pytest.raises(SourceError, match="'welcomes' is no pattern"):
        load_text(SUITE.replace("S2: greets", "S2: welcomes"))


def test_a_level_forbids_what_it_forbids_elsewhere() -> None:
    """The mistake is told where the answer stands."""
    with pytest.raises(SourceError, match="a SHOULD can't fail") as caught:
        load_text(SUITE.replace("RFC5321-3.8-01", "RFC5321-3.8-04"))
    assert caught.value.line == 5
