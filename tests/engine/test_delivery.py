"""What ``delivered:`` finds in a mailbox, and what it says of what it does not find."""

from __future__ import annotations

import asyncio

import pytest

from conformance.case.load import load_text
from conformance.case.model import Delivered
from conformance.case.octets import Octets, Variable
from conformance.engine import virtual
from conformance.engine.delivery import Deliveries, judge_delivery
from conformance.engine.outcome import Stop
from conformance.observer import Message

NOW = 1_767_225_600.0
"""Thursday, 1 January 2026, 00:00 UTC."""

RECEIVED = (
    b"Received: from client.example ([192.0.2.1])\r\n"
    b" by mx.example with ESMTP id 1;\r\n Thu, 1 Jan 2026 00:00:01 +0000\r\n"
)
MESSAGE = b"Return-Path: <a@b.example>\r\n" + RECEIVED + b"From: <a@b.example>\r\nSubject: x\r\n\r\nText.\r\n"


class Mailbox:
    """An observer that always finds the same message."""

    def __init__(self, octets: bytes, verbatim: bool = True) -> None:
        parameters = b"MAIL RET=HDRS SIZE=10\nRCPT NOTIFY=NEVER" if verbatim else None
        commands = b"EHLO mx.example\nMAIL FROM:<a@b.example>\nRCPT TO:<r@x.example>\nDATA" if verbatim else None
        self.message = Message(octets, b"a@b.example", parameters=parameters, commands=commands, verbatim=verbatim)

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the message."""
        return [self.message]


def judged(wanted: str, octets: bytes = MESSAGE, verbatim: bool = True) -> str:
    """Return what ``delivered: {wanted}`` says of a message, "" where it is met."""
    text = (
        "title: t\nspec: RFC 5321\ncases:\n  - id: x\n    title: t\n    requirement: RFC5321-4.4-01\n"
        f"    dialogue:\n      - delivered: {{{wanted}}}\n"
    )
    step = load_text(text).cases[0].dialogue[0]
    assert isinstance(step, Delivered)
    values = {"token": b"t", "recipient": b"r@x.example", "client": b"client.example"}
    detail, met, _ = asyncio.run(judge_delivery(step, values, Mailbox(octets, verbatim), lambda: NOW))
    return "" if met else detail


def test_trace_is_what_stands_above_the_header_and_is_unfolded() -> None:
    """Fields on top are seen without their folding; what the client sent is not among them."""
    assert judged(r"trace: '/^Received: from .* by mx\.example .*; Thu/'") == ""
    assert "do not match" in judged("trace: '/^Subject:/'")


def test_regular_expressions_know_variables() -> None:
    """``$client`` stands for its value, literally."""
    assert judged(r"trace: '/from $client \(/'") == ""
    assert judged("matches: '/from $client /'") == ""
    assert "do not match" in judged(r"trace: '/from $client /'", MESSAGE.replace(b"client.example", b"clientXexample"))


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (MESSAGE, ""),
        (MESSAGE.replace(b"Thu,", b"Wed,"), "was no Wed"),
        (MESSAGE.replace(b"00:00:01", b"02:00:01"), "7201 s ahead"),
        (MESSAGE.replace(b"00:00:01 +0000", b"01:00:01 +0100"), ""),
        (MESSAGE.replace(b"Thu, 1 Jan 2026 00:00:01 +0000", b"now"), "no date"),
        (MESSAGE.replace(RECEIVED, b""), "no Received field"),
    ],
)
def test_dates_of_trace_fields(octets: bytes, problem: str) -> None:
    """The weekday fits the date, and the date is near to now whatever its zone."""
    assert problem in judged("dated: 10m", octets) and bool(problem) == bool(judged("dated: 10m", octets))


def test_bare_line_ends_are_seen_on_the_wire_only() -> None:
    """A mailbox on disk says nothing about line ends."""
    assert judged("crlf: true") == ""
    assert "a bare \\n" in judged("crlf: true", MESSAGE.replace(b"Text.\r\n", b"Te\nxt.\r\n"))
    with pytest.raises(Stop, match="can't tell line ends"):
        judged("crlf: true", verbatim=False)


def test_parameters_are_known_at_the_next_hop_only() -> None:
    """What followed the paths is looked at line by line; a mailbox does not know it."""
    assert judged("parameters: ['/^MAIL .*RET=HDRS(?: |$)/', '/^RCPT NOTIFY=NEVER$/']") == ""
    assert "do not match" in judged("parameters: '/ENVID=/'")
    assert judged(r"commands: '/\AEHLO mx\.example$/'") == ""
    assert "the commands do not match" in judged("commands: '/^HELO/'")
    with pytest.raises(Stop) as stop:
        judged("parameters: '/ENVID=/'", verbatim=False)
    assert stop.value.outcome == "untested"


class Slow:
    """An observer of mailboxes in which messages appear at a time of the loop; in others, never."""

    def __init__(self, **times: float) -> None:
        self.times = times

    def find(self, token: bytes, recipient: str) -> list[Message]:
        """Return the message if it is time."""
        at = self.times.get(recipient.partition("@")[0])
        there = at is not None and asyncio.get_running_loop().time() >= at
        return [Message(MESSAGE)] if there else []


def test_absence_tells_nothing_where_nothing_ever_arrives() -> None:
    """The observer may read the wrong mailbox: no server is convicted by that. Elsewhere it is."""

    async def main() -> None:
        deliveries, observer = Deliveries(), Slow(here=0.0)
        lost = Delivered(Octets((Variable("to"),)), within=5.0)
        none = Delivered(Octets((Variable("to"),)), within=5.0, count=0)

        async def look(step: Delivered, to: bytes) -> bool:
            return (await judge_delivery(step, {"to": to, "token": b"t"}, observer, deliveries=deliveries))[1]

        with pytest.raises(Stop, match=r"no message of this run has come to lost@x\.example in 5 s"):
            await look(lost, b"lost@x.example")
        assert await look(lost, b"here@x.example")
        assert not await look(lost, b"lost@x.example")
        assert await look(none, b"lost@x.example")
        with pytest.raises(Stop, match=r"lost@elsewhere\.example"):
            await look(lost, b"lost@elsewhere.example")

    virtual.run(main())


def test_waiting_for_a_second_message_is_no_slowness_of_the_first() -> None:
    """What counts is when the first one came."""

    async def main() -> float:
        deliveries = Deliveries()
        step = Delivered(Octets((Variable("to"),)), within=5.0, count=1, least=0)
        await judge_delivery(step, {"to": b"here@x.example", "token": b"t"}, Slow(here=0.0), deliveries=deliveries)
        return deliveries.slowest["x.example"]

    assert virtual.run(main()) == 0.0


def test_where_mail_is_slow_it_may_be_slower() -> None:
    """A message may take three times as long as the slowest that arrived."""

    async def main() -> tuple[bool, bool, float]:
        loop, deliveries = asyncio.get_running_loop(), Deliveries()
        observer = Slow(first=loop.time() + 9.0, second=loop.time() + 30.0)
        step = Delivered(Octets((Variable("to"),)), within=10.0)

        async def look(to: bytes) -> bool:
            return (await judge_delivery(step, {"to": to, "token": b"t"}, observer, deliveries=deliveries))[1]

        return await look(b"first@x.example"), await look(b"second@x.example"), deliveries.slowest["x.example"]

    first, second, slowest = virtual.run(main())
    assert first and second
    assert 20.0 < slowest < 22.0
