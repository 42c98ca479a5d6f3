"""What ``explain`` says of a case."""

from __future__ import annotations

from conformance.case.english import explain
from conformance.case.load import load_text

SUITE = """
title: Recipients
spec: RFC 5321 section 3.3
cases:
  - id: unknown
    title: RCPT for a mailbox that does not exist is refused
    requirement: RFC5321-3.3-08
    start: mail
    each: {path: {unknown: $unknown, empty: "", detail: $unknown_local+x@$unknown_domain}}
    control: {with: {path: $recipient}, S: 25x}
    dialogue:
      - C: RCPT TO:<$path>
      - S: {55x: pass, 4xx|close: warn - puts it off, any: fail - takes mail for nobody}

  - id: arrives
    title: A message arrives
    requirement: RFC5321-2.1-01
    start: data
    dialogue:
      - C: {message: "Text.\\n"}
      - S: 250
      - delivered: {contains: Text., trace: '/^Received:\\s/', otherwise: fail - it is lost}
"""


def said(name: str) -> str:
    """Return what is said of a case, in one line."""
    cases = [case for case in load_text(SUITE, "suite.yaml").cases if case.base_id.endswith(name)]
    return " ".join(explain(cases).split())


def test_rows_are_told_together() -> None:
    """The dialogue is told once, then the value of each row, and the control."""
    text = said("unknown")
    assert text.count("RCPT TO:<$path>") == 1
    assert "On 55x the case passes; on 4xx or when the connection closes it is a warning (puts it off);" in text
    assert "on any other reply it fails (takes mail for nobody)." in text
    assert "unknown $path = $unknown empty $path = detail $path = $unknown_local+x@$unknown_domain" in text
    assert "as a control, the same with $path = $recipient gets 25x." in text


def test_what_arrives() -> None:
    """What is looked for in the mailbox is told, with what it means where it is not there."""
    text = said("arrives")
    assert "The server answers 250. Within 10 s there is one message for $recipient: it contains “Text.”;" in text
    assert (
        r"the fields on top of it match /^Received:\s/; otherwise it fails (it is lost). Then the case passes." in text
    )
