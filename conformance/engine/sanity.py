"""The sanity dialogue: is this an SMTP server that talks to us? Played first, last, and after a case that ended badly.

A server that died under a case is the finding, not the fifty failures after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case.model import GO, Alternative, Case, Delivered, Expect, Send
from conformance.case.octets import Message, Octets, Variable
from conformance.case.pattern import parse
from conformance.engine.delivery import FIRST_SECONDS
from conformance.engine.outcome import Outcome
from conformance.engine.player import Play
from conformance.engine.setting import Setting
from conformance.engine.talk import Talk
from conformance.engine.wire import ConnectError

FOREIGN_GREETINGS = (
    (b"SSH-", "an SSH server"),
    (b"HTTP/", "an HTTP server"),
    (b"<html", "an HTTP server"),
    (b"<!doctype", "an HTTP server"),
    (b"* OK", "an IMAP server"),
    (b"+OK", "a POP3 server"),
    (b"\x15\x03", "a TLS server: use smtps:// or tls: implicit"),
    (b"RFB ", "a VNC server"),
    (b"-ERR", "a POP3 or Redis server"),
)


REFUSALS = (b"554", b"521")
"""Greetings that refuse every session (RFC 5321 section 3.1, RFC 7504 section 3)."""

KNOCK_SECONDS = 2.0
"""How long a server that did not greet may take to answer when spoken to."""


@dataclass(frozen=True, slots=True)
class Sanity:
    """What the sanity dialogue found: ``problem`` is empty where the server talks SMTP with us."""

    problem: str
    outcome: Outcome
    offers: frozenset[str] = frozenset()
    remark: str = ""
    """What went wrong though it talks: a server that refuses EHLO is no reason to ask nothing else of it."""
    refusal: int = 0
    """The code of a greeting that refuses the session for good (554, 521), else 0."""


def _case(start: str, *, transaction: bool, observed: bool = False) -> Case:
    steps: tuple[Send | Expect | Delivered, ...] = ()
    if transaction:
        accepted = Alternative(parse("2xx"), GO if observed else "pass", Octets(()))
        message = Message(Octets((b"The sanity check of smtp-conformance; it can be deleted.\n",)))
        steps = (Send(1, (Octets((message,)),)), Expect(1, (accepted,), premise=observed))
        if observed:
            steps += (Delivered(Octets((Variable("recipient"),)), within=FIRST_SECONDS, met="pass"),)
    return Case(
        id="sanity",
        title="The server greets, answers EHLO, and takes a message where that is allowed",
        requirement=(),
        level="MUST",
        spec="",
        dialogue=steps,
        start=start,
    )


async def check(setting: Setting, start: str = "ehlo", *, transaction: bool = False) -> Sanity:
    """Play the sanity dialogue and return what it found; ``start`` is ``secure`` where TLS (if offered) belongs to it.

    What is offered is then what is offered in clear and what is offered in TLS.
    """
    observed = setting.observer is not None
    play = Play(_case("data" if transaction else start, transaction=transaction, observed=observed), setting)
    outcome = await play.run()
    offers = play.sessions[1].offers if 1 in play.sessions else frozenset()
    if outcome.outcome == "pass":
        return Sanity("", outcome, offers)
    if not outcome.back_off and _talks(play):
        return Sanity("", outcome, offers, outcome.reason)
    problem = _problem(outcome, setting)
    if not outcome.refused and all(entry.kind != "S" for entry in outcome.transcript.entries):
        problem = await _knock(setting) or problem
    return Sanity(problem, outcome, offers, refusal=_refusal(play))


def _refusal(play: Play) -> int:
    first = next((entry.octets for entry in play.transcript.entries if entry.kind == "S"), b"")
    return int(first[:3]) if first[:3] in REFUSALS else 0


async def _knock(setting: Setting) -> str:
    """Return what a server that does not greet is, where it says so when spoken to; else nothing."""
    talk = Talk(setting)
    talk.timeout = min(talk.timeout, KNOCK_SECONDS)
    try:
        await talk.connect()
        await talk.say("QUIT")
    except ConnectError:
        return ""
    finally:
        talk.session.hang_up()
    other = foreign(talk.received)
    return f"{setting.target.label} is {other}, not an SMTP server" if other else ""


def _talks(play: Play) -> bool:
    """Return whether a 220 greeting and an answer to EHLO (any answer) came."""
    replies = [entry for entry in play.transcript.entries if entry.kind == "S" and entry.phase != "finally"]
    return len(replies) > 1 and replies[0].expected == "220" and bool(replies[0].met) and play.replies > 1


def _problem(outcome: Outcome, setting: Setting) -> str:
    label = setting.target.label
    if outcome.refused:
        return f"{label}: {outcome.reason}"
    sent = b"".join(entry.octets for entry in outcome.transcript.entries if entry.kind == "S")
    if (other := foreign(sent)) is not None:
        return f"{label} is {other}, not an SMTP server"
    if not sent:
        return f"{label} took the connection and said nothing: no SMTP greeting ({outcome.reason})"
    return f"{label}: {outcome.reason.removeprefix('set-up: ')}"


def foreign(sent: bytes) -> str | None:
    """Return what kind of server sent these octets first, in words, where it is a known one of another protocol."""
    for start, words in FOREIGN_GREETINGS:
        if sent[:64].lower().startswith(start.lower()) or b"\n" + start in sent[:2048]:
            return words
    return None
