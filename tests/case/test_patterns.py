"""Patterns: what they match, columns in them, and rows that say where they start."""

from __future__ import annotations

import pytest

from conformance.case.load import load_text
from conformance.case.model import Expect
from conformance.case.pattern import PatternError, Silence, parse
from conformance.case.yaml import SourceError
from conformance.engine import virtual
from tests.proof.harness import play_case

TABLE = """
title: t
spec: RFC 5321 section 4.1.4
cases:
  - id: c
    title: t
    requirement: RFC5321-4.1.4-13
    each:
      "start, line, code, keyword":
        first: [greeting, NOOP, 250, SIZE]
        second: [mail, DATA, 503, DSN]
    dialogue:
      - C: $line
      - S: {$code: go}
      - C: EHLO $client
      - S: {250 offers $keyword: pass}
"""


def test_silence_and_an_unfinished_reply_are_told_apart() -> None:
    """Nothing at all is silence; a reply without a last line is unfinished."""
    assert parse("silence 2s").match(Silence(2.0)) == {}
    assert parse("silence 2s").match(Silence(2.0, unfinished=True)) is None
    assert parse("unfinished 2s").match(Silence(2.0, unfinished=True)) == {}
    assert parse("unfinished 2s").match(Silence(2.0)) is None
    with pytest.raises(PatternError, match="need a duration"):
        parse("unfinished")


def test_columns_stand_in_patterns() -> None:
    """Each row has its own patterns and its own start."""
    first, second = load_text(TABLE).cases
    assert [case.start for case in (first, second)] == ["greeting", "mail"]
    patterns = [[str(step) for step in case.dialogue if isinstance(step, Expect)] for case in (first, second)]
    assert patterns == [["250", "250 offers SIZE"], ["503", "250 offers DSN"]]
    for case in (first, second):
        outcome = virtual.run(play_case(case))
        assert outcome.outcome == "pass", outcome.reason


def test_a_dollar_in_a_regular_expression_is_the_end() -> None:
    """A column is not put into it."""
    text = TABLE.replace("250 offers $keyword", "250 /$keyword/")
    assert [str(case.dialogue[-1]) for case in load_text(text).cases] == ["250 /$keyword/"] * 2


def test_a_name_that_is_no_column_is_no_pattern() -> None:
    """It is shown as it stands in the file."""
    with pytest.raises(SourceError, match=r"\$verdict"):
        load_text(TABLE.replace("{$code: go}", "{$verdict: go}"))
