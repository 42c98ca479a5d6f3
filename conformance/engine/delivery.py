"""``delivered:``: what must be found in the recipient's mailbox, and what was.

Line ends compare as CRLF: mailboxes on disk store LF, and what a bare LF became can't be told there.
"""

from __future__ import annotations

import asyncio
import calendar
import email.utils
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.case.model import Delivered, HeaderField
from conformance.case.octets import regex_text
from conformance.engine.outcome import Stop
from conformance.observer import Message, Observer, ObserverError
from conformance.stream import escape

POLL_SECONDS = 0.05
"""The first pause between two looks into the mailbox; it grows to ``MAX_POLL_SECONDS``."""

MAX_POLL_SECONDS = 0.5

FIRST_SECONDS = 30.0
"""How long the first message of a run may take to arrive."""

SLOWER = 3.0
"""A message is believed to be lost when it has taken so many times longer than the slowest that arrived."""

MOST_SECONDS = 60.0

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass
class Deliveries:
    """How mail arrived in this run so far, by the recipients' domain: where nothing did, absence tells nothing."""

    slowest: dict[str, float] = field(default_factory=dict)
    """How long a message took to be found, at most, in seconds."""

    def patience(self, domain: str, within: float) -> float:
        """Return how long a message may take, in seconds."""
        return max(within, min(SLOWER * self.slowest.get(domain, 0.0), MOST_SECONDS))

    def arrived(self, domain: str, seconds: float) -> None:
        """Note that a message took so long."""
        self.slowest[domain] = max(seconds, self.slowest.get(domain, 0.0))


async def judge_delivery(
    step: Delivered,
    values: Mapping[str, bytes],
    observer: Observer,
    now: Callable[[], float] = time.time,
    deliveries: Deliveries | None = None,
) -> tuple[str, bool, list[Message]]:
    """Return what was found, in words, whether it is what the step wants, and the messages.

    Raises Stop where that says nothing about the server: the mailbox can't be read, or nothing at all has arrived there
    in this run.
    """
    recipient = step.to.fill(values).decode("utf-8", "replace")
    domain = recipient.rpartition("@")[2].lower()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    end = begin + (step.within if deliveries is None else deliveries.patience(domain, step.within))
    least, most = step.counts
    enough = most + 1 if least < most else max(most, 1)
    pause, came = POLL_SECONDS, False
    while True:
        try:
            messages = observer.find(values["token"], recipient)
        except ObserverError as error:
            raise Stop("inconclusive", f"the mailbox of {recipient} can't be read: {error}") from None
        if messages and not came and deliveries is not None:
            deliveries.arrived(domain, loop.time() - begin)
            came = True
        if len(messages) >= enough or loop.time() >= end:
            break
        await asyncio.sleep(min(pause, max(end - loop.time(), 0.001)))
        pause = min(pause * 1.5, MAX_POLL_SECONDS)
    if least and deliveries is not None and domain not in deliveries.slowest:
        waited = f"{loop.time() - begin:.0f} s: does observer: read the right mailbox?"
        raise Stop("inconclusive", f"no message of this run has come to {recipient} in {waited}")
    detail, met = judge_messages(step, values, messages, now())
    return detail, met, messages


def judge_messages(
    step: Delivered, values: Mapping[str, bytes], messages: Sequence[Message], now: float
) -> tuple[str, bool]:
    """Return what is to be said of the messages in a mailbox, and whether they are what the step wants."""
    least, most = step.counts
    recipient = step.to.fill(values).decode("utf-8", "replace")
    if not least <= len(messages) <= most:
        wanted = f"{most}" if least == most else f"{least} to {most}"
        return f"{len(messages)} messages in the mailbox of {recipient} within {step.within:g} s, not {wanted}", False
    for message in messages:
        problem = _problem(step, values, message) or _trace_problem(step, values, message, now)
        if problem:
            return problem, False
    return f"{len(messages)} message{'s' * (len(messages) != 1)} in the mailbox of {recipient}, as described", True


def crlf(octets: bytes) -> bytes:
    """Return octets with every LF and CRLF as CRLF."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _problem(step: Delivered, values: Mapping[str, bytes], message: Message) -> str | None:
    """Return what is wrong with a delivered message, or None."""
    octets = crlf(message.octets)
    header, _, body = octets.partition(b"\r\n\r\n")
    if step.body is not None:
        wanted = crlf(step.body.fill(values))
        if body.rstrip(b"\r\n") != wanted.rstrip(b"\r\n"):
            return f"the body is {_shown(body)}, not {_shown(wanted)}"
    for part in step.contains:
        if crlf(part.fill(values)) not in octets:
            return f"the message lacks {_shown(part.fill(values))}"
    for part in step.lacks:
        if crlf(part.fill(values)) in octets:
            return f"the message contains {_shown(part.fill(values))}"
    text = octets.replace(b"\r\n", b"\n").decode("latin-1")
    for regex in step.matches:
        if re.search(regex_text(regex, values), text, re.MULTILINE) is None:
            return f"the message does not match /{regex_text(regex, values)}/: {_shown(octets)}"
    problem = _path_problem(step, values, message) or _next_hop_problem(step, values, message)
    if problem:
        return problem
    fields = _fields(header)
    for wanted_field in step.header:
        problem = _field_problem(wanted_field, fields)
        if problem:
            return problem
    return None


def _path_problem(step: Delivered, values: Mapping[str, bytes], message: Message) -> str | None:
    """Return what is wrong with the reverse-path or the forward-path, or None."""
    for name, wanted, path in (
        ("reverse-path", step.sender, message.sender),
        ("forward-path", step.recipient, message.recipient),
    ):
        if wanted is None or path == wanted.fill(values):
            continue
        if path is None:
            raise Stop("untested", f"where the message was found nothing says what its {name} was")
        return f"the {name} is <{_shown(path)}>, not <{_shown(wanted.fill(values))}>"
    return None


def _next_hop_problem(step: Delivered, values: Mapping[str, bytes], message: Message) -> str | None:
    """Return what is wrong with what the server, as client, said to the next hop, or None."""
    for what, wanted, said in (
        ("parameters", step.parameters, message.parameters),
        ("commands", step.commands, message.commands),
    ):
        if wanted and said is None:
            raise Stop("untested", f"this observer does not know the {what} at the next hop: only a sink does")
        text = (said or b"").decode("latin-1")
        for regex in wanted:
            if re.search(regex_text(regex, values), text, re.MULTILINE) is None:
                return f"the {what} do not match /{regex_text(regex, values)}/: {_shown(text.encode('latin-1'))}"
    return None


def added(octets: bytes) -> str:
    """Return the fields above the From field, which is the first one of ``$header``: unfolded, each ending in LF."""
    text = octets.replace(b"\r\n", b"\n").decode("latin-1")
    header = text.partition("\n\n")[0] + "\n"
    start = re.search(r"^From:", header, re.MULTILINE | re.IGNORECASE)
    return re.sub(r"\n(?=[ \t])", "", header[: start.start()] if start else header)


def _trace_problem(step: Delivered, values: Mapping[str, bytes], message: Message, now: float) -> str | None:
    """Return what is wrong with the trace fields of a delivered message, or with its line ends, or None."""
    if step.crlf:
        if not message.verbatim:
            raise Stop("untested", "this observer can't tell line ends: mailboxes on disk store <LF>")
        found = re.search(rb"\r(?!\n)|(?<!\r)\n", message.octets)
        if found is not None:
            around = message.octets[max(0, found.start() - 40) : found.end() + 40]
            return f"a bare {escape(found[0])} is in {_shown(around)}"
    top = added(message.octets)
    for regex in step.trace:
        if re.search(regex_text(regex, values), top, re.MULTILINE) is None:
            return f"the fields on top do not match /{regex_text(regex, values)}/: {_shown(top.encode('latin-1'))}"
    return _date_problem(top, now, step.dated) if step.dated is not None else None


def _date_problem(top: str, now: float, within: float) -> str | None:
    """Return what is wrong with the date-times of Received fields (RFC 5322 section 3.3), or None."""
    dates = [field.rpartition(";")[2].strip() for field in top.splitlines() if field.lower().startswith("received:")]
    if not dates:
        return "no Received field is on top"
    for text in dates:
        date = email.utils.parsedate_tz(text)
        if date is None:
            return f"this is no date: {_shown(text.encode('latin-1'))}"
        day = text[:3].title()
        if "," in text and day != _DAYS[calendar.weekday(*date[:3])]:
            return f"{_shown(text.encode('latin-1'))} was no {day}"
        apart = email.utils.mktime_tz(date) - now
        if abs(apart) > within:
            return f"{_shown(text.encode('latin-1'))} is {abs(apart):.0f} s {'ahead' if apart > 0 else 'ago'}"
    return None


def _fields(header: bytes) -> list[tuple[str, str]]:
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", header)
    pairs = (line.partition(b":") for line in unfolded.split(b"\r\n"))
    return [(name.decode("latin-1").strip().lower(), value.decode("latin-1").strip()) for name, _, value in pairs]


def _field_problem(wanted: HeaderField, fields: list[tuple[str, str]]) -> str | None:
    values = [value for name, value in fields if name == wanted.name.lower()]
    if not wanted.present:
        return f"the field {wanted.name} is there: {_shown(values[0].encode('latin-1'))}" if values else None
    if not values:
        return f"the field {wanted.name} is missing"
    if wanted.regex is not None and not any(re.search(wanted.regex, value) for value in values):
        return f"the field {wanted.name} is {_shown(values[0].encode('latin-1'))}, which does not match"
    return None


def _shown(octets: bytes) -> str:
    text = escape(octets)
    return f'"{text}"' if len(text) <= 160 else f'"{text[:100]} [...] {text[-50:]}"'
