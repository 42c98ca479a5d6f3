"""The smuggling cases isolate their stimulus, and acquit the three ways to be secure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance.case.model import Case, Send, flat
from conformance.reference.actions import Close
from conformance.reference.change import checked, on_input
from conformance.reference.faults import Fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import State
from tests.proof.harness import all_cases, play_all

TRUE_END = b"\r\n.\r\n"
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0|[\x0b\x0c\x80-\xff]").search

CASES = [case for case in all_cases() if case.file == "security/smuggling.yaml"]


def writes(case: Case) -> list[bytes]:
    """Everything that a case writes, one write an entry."""
    values = dict.fromkeys(("token", "sender", "recipient"), b"x") | {"header": b"Subject: x\r\n"}
    values |= {name: value.fill(values) for name, value in case.variables.items()}
    return [piece.fill(values) for step in flat(case.dialogue) if isinstance(step, Send) for piece in step.pieces]


@pytest.mark.parametrize("case", [c for c in CASES if not c.control], ids=lambda case: case.id)
def test_true_end_is_never_sent_with_a_candidate(case: Case) -> None:
    """No true end comes before the write that is meant to end the data; with ``impact: session`` none comes at all."""
    sent = writes(case)
    ends = [number for number, octets in enumerate(sent) if octets.endswith(TRUE_END)]
    assert TRUE_END not in b"\r\n" + b"".join(sent[: ends[0]] if ends else sent)
    assert bool(ends) is (case.impact != "session")


def refuse_at_the_end(rules: Rules) -> Rules:
    """Keep the data until its true end, and refuse it there."""

    def check(session: Session, message: bytes) -> Reply | None:
        return reply(554, "5.6.0", "Bare CR or LF") if BARE(message) else None

    return checked(rules, check)


def refuse_and_close(rules: Rules) -> Rules:
    """Refuse at the first octet that should not be there, and close."""

    def change(session: Session, octets: bytes) -> bytes:
        if session.state is not State.TEXT or not BARE(octets):
            return octets
        session.put("END-OF-DATA", reply(451, "4.6.0", "Bare line feed"))
        session.out.append(Close())
        session.state = State.CLOSED
        return b""

    return on_input(rules, change)


def refuse_and_swallow(rules: Rules) -> Rules:
    """Refuse at the first octet that should not be there, and go on reading data up to its true end."""

    def change(session: Session, octets: bytes) -> bytes:
        if session.state is State.TEXT and BARE(octets) and "refused" not in session.memory:
            session.memory["refused"] = True
            session.put("END-OF-DATA", reply(554, "5.6.0", "Bare line feed"))
        return octets

    return on_input(rules, change)


def no_loop_check(rules: Rules) -> Rules:
    """Look for no loops: the scan must not depend on the refusal."""
    return replace(rules, checks=tuple(check for check in rules.checks if check.__name__ != "loop"))


@pytest.mark.parametrize("change", [refuse_at_the_end, refuse_and_close, refuse_and_swallow, no_loop_check])
def test_secure_servers_are_acquitted(change: Callable[[Rules], Rules]) -> None:
    """To keep the candidate, to refuse at the true end, to refuse and close: all pass."""
    secure = Fault(change.__name__, change.__doc__ or "", (), change, "tests")
    results = play_all(CASES, secure)
    assert {name: (r.verdict, r.reason) for name, r in results.items() if r.verdict != "pass"} == {}
