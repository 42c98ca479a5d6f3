"""What cases send is what they say they send, and no more than they may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from conformance.case.model import Case, Send, flat
from tests.proof.harness import all_cases, reference

NO_MESSAGE = ("session",)
"""Impacts with which no message may be accepted."""

TRUE_END = b"\r\n.\r\n"


def test_session_cases_leave_no_message() -> None:
    """A case with ``impact: session`` makes the faultless server accept no message."""
    tapes = reference()[1]
    wrong = [case.id for case in all_cases() if case.impact in NO_MESSAGE and any(tapes[case.id].stored)]
    assert wrong == []


def test_messages_are_marked() -> None:
    """What a case leaves behind says what it is, so that its owner can delete it: a token or the tool's name."""
    tapes = reference()[1]
    wrong = [
        case.id
        for case in all_cases()
        for store in tapes[case.id].stored
        for message in store
        if b"smtp-conformance" not in message.octets.lower() and b"sc-" not in message.octets and not _shapeless(case)
    ]
    assert wrong == []


def _shapeless(case: Case) -> bool:
    """Whether a case is about a message without a header, which can't be marked."""
    return "unmarked" in case.tags


def _candidates() -> Iterator[tuple[Case, bytes]]:
    """Yield every false end of data with what surrounds it in its own write."""
    tapes = reference()[1]
    for case in all_cases():
        if case.control or not {"ending", "candidate"} & case.variables.keys():
            continue
        for call in tapes[case.id].calls:
            if call.name == "receive" and b"efore" in call.arguments[0]:
                yield case, call.arguments[0]


def test_false_ends_hold_no_true_end() -> None:
    """The write with an end-of-data candidate ends before any true end: otherwise the reply would prove nothing."""
    wrong = []
    for case, octets in _candidates():
        name = "ending" if "ending" in case.variables else "candidate"
        candidate = case.variables[name].fill({})
        if TRUE_END in b"\r\n" + candidate or TRUE_END in octets.partition(candidate)[0] + candidate:
            wrong.append(case.id)
    assert wrong == []


def test_no_two_cases_are_the_same() -> None:
    """Two rows with the same stimulus and the same judgement are one row too many."""
    seen: dict[str, list[str]] = defaultdict(list)
    for case in all_cases():
        if case.control:
            continue
        steps = [
            (step.session, [piece.parts for piece in step.pieces], step.chop) if isinstance(step, Send) else step
            for step in flat(case.dialogue)
        ]
        values = sorted((name, octets.parts) for name, octets in case.variables.items())
        key = repr((case.start, case.needs, _without_lines(repr(steps)), values))
        seen[key].append(case.id)
    assert [names for names in seen.values() if len(names) > 1] == []


def _without_lines(text: str) -> str:
    import re

    return re.sub(r"line=\d+", "", text)
