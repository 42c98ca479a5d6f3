"""Faults of DATA: where mail data ends, what answers its end, and what is left of it (RFC 5321 section 4.1.1.4)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference.actions import Action, Close, Wait
from conformance.reference.change import (
    allowed,
    answer,
    checked,
    closing,
    data_ends,
    goes,
    handled,
    message,
    on_actions,
    on_input,
    on_reply,
    on_store,
)
from conformance.reference.faults import fault
from conformance.reference.faults._seen import CHASQUID, OPENSMTPD
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Stored
from conformance.reference.table import State

_POSTFIX_OLD = "Postfix 3.7, default settings (CVE-2023-51764)"

# Other octets that end the data

fault(
    "data-ends-at-lf-dot-lf",
    title="Lines of mail data end with LF, so that LF.LF, LF.CRLF and CRLF.LF end the data",
    breaks=("RFC5321-4.1.1.4-05", "RFC5321-4.1.1.4-06", "RFC5321-4.1.1.4-07", "RFC5321-4.1.1.4-08"),
    seen_in=(OPENSMTPD, _POSTFIX_OLD),
)(lambda rules: data_ends(rules, rb"(\n)\.\r?\n"))

fault(
    "data-ends-at-lf-dot-crlf",
    title="LF.CRLF ends the data",
    breaks=("RFC5321-4.1.1.4-05", "RFC5321-4.1.1.4-07"),
)(lambda rules: data_ends(rules, rb"(\n)\.\r\n"))

fault(
    "data-ends-at-crlf-dot-lf",
    title="CRLF.LF ends the data",
    breaks=("RFC5321-4.1.1.4-05", "RFC5321-4.1.1.4-08"),
)(lambda rules: data_ends(rules, rb"(\r\n)\.\n"))

fault(
    "data-ends-at-cr-dot-cr",
    title="A bare CR is a line end in mail data, so that CR.CR, CR.CRLF and CRLF.CR end the data",
    breaks=("RFC5321-4.1.1.4-09", "RFC5321-4.1.1.4-10", "RFC5321-4.1.1.4-11"),
)(lambda rules: data_ends(rules, rb"(\r\n?)\.\r"))

fault(
    "data-ends-at-crcrlf",
    title="CRs in front of CRLF are dropped, so that CRCRLF.CRCRLF ends the data",
    breaks=("RFC5321-4.1.1.4-10",),
    seen_in=(_POSTFIX_OLD,),
)(lambda rules: data_ends(rules, rb"(\r+\n)\.\r+\n"))

fault(
    "data-ends-beside-nul",
    title="NULs are dropped, so that a dot with NULs around it ends the data",
    breaks=("RFC5321-4.1.1.4-10",),
    seen_in=(OPENSMTPD,),
)(lambda rules: data_ends(rules, rb"(\r\n)\0*\.\0*\r\n"))

# Lines of text that end the data

fault(
    "data-ends-at-dot-and-space",
    title="White space around the dot is ignored, so that such a line ends the data",
    breaks=("RFC5321-4.1.1.4-12",),
    also_trips=("rfc5321/4.5.2-transparency/leading-dot[[]space-dot]",),
)(lambda rules: data_ends(rules, rb"(\r\n)[ \t]*\.[ \t]*\r\n"))

fault(
    "data-ends-at-two-dots",
    title="Transparency is undone before the end is looked for, so that a line of two dots ends the data",
    breaks=("RFC5321-4.1.1.4-12", "RFC5321-4.5.2-01"),
    also_trips=(
        "rfc5321/2.3.10-relay/*",
        "rfc5321/4.1.1.4-data/octet-by-octet",
    ),
)(lambda rules: data_ends(rules, rb"(\r\n)\.\.\r\n"))

fault(
    "data-ends-at-any-dot",
    title="Every line that begins with a dot ends the data",
    also_trips=("rfc5321/2.3.10-relay/*", "rfc5321/D-scenarios/*"),
    breaks=("RFC5321-4.1.1.4-10", "RFC5321-4.1.1.4-11", "RFC5321-4.1.1.4-12", "RFC5321-4.5.2-01", "RFC5321-4.5.2-04"),
)(lambda rules: data_ends(rules, rb"(\r\n)\.[^\r\n]*\r\n"))

fault(
    "data-ends-at-letter-and-dot",
    title="A line of one character and a dot ends the data",
    breaks=("RFC5321-4.1.1.4-12",),
)(lambda rules: data_ends(rules, rb"(\r\n[!-~])(?<!\.)\.\r\n"))

fault(
    "data-ends-at-command",
    title="A line of text that looks like a command or a reply ends the data",
    breaks=("RFC5321-2.3.10-01", "RFC5321-4.1.1.4-18", "RFC5321-3.3-24"),
    # The data ends at a candidate that looks like a command.
    also_trips=("security/smuggling/scan*",),
)(lambda rules: data_ends(rules, rb"(\r\n)(?=(?:QUIT|RSET|NOOP|DATA|STARTTLS|MAIL FROM:.*|[2-5]\d\d .*)\r\n)"))

# The end where TCP cuts it


def _in_one_segment(octets: bytearray, start: int) -> tuple[int, int] | None:
    """Look at what came last only; ``start`` is four octets before it."""
    end = octets.find(b"\r\n.\r\n", start + 4 if start else 0)
    return None if end < 0 else (end + 2, end + 5)


fault(
    "data-end-in-one-segment",
    title="The end of the data is found only where its octets come in one segment",
    breaks=("RFC5321-4.1.1.4-11", "RFC5321-4.5.2-03"),
)(lambda rules: replace(rules, find_end=_in_one_segment))


def _not_at_once(octets: bytearray, start: int) -> tuple[int, int] | None:
    end = octets.find(b"\r\n.\r\n", max(start, 1))
    return None if end < 0 else (end + 2, end + 5)


fault(
    "data-end-not-at-once",
    title="A dot right behind the 354 reply is not seen as the end",
    breaks=("RFC5321-4.1.1.4-13",),
)(lambda rules: replace(rules, find_end=_not_at_once))

fault(
    "data-end-not-at-once-until-timeout",
    title="A dot right behind the 354 reply is not seen as the end, until the session is idle for too long",
    breaks=("RFC5321-4.1.1.4-13", "RFC5321-4.5.3.2.7-01", "RFC5321-4.5.3.2.7-03", "RFC1123-5.3.2-01"),
)(lambda rules: replace(rules, find_end=_not_at_once, idle_timeout=40.0))

# The reply

fault(
    "data-answered-354-again",
    title="The end of the data gets 354 again",
    breaks=("RFC5321-4.3.2-12", "RFC5321-4.1.1.4-14"),
    # No message gets through.
    also_trips=("*",),
)(lambda rules: answer(rules, "END-OF-DATA", 250, reply(354, "", "Still here")))


@fault(
    "data-answered-late",
    title="The end of the data is answered after a minute and a half",
    breaks=("RFC5321-6.1-07",),
)
def _late(rules: Rules) -> Rules:
    def wait(session: Session, event: str, given: Reply) -> list[Action]:
        return [Wait(90.0), session.rules.render(given)]

    return on_reply(rules, wait, "END-OF-DATA")


# The buffers


def _then_mail(rules: Rules) -> Rules:
    """Let MAIL start over in an open transaction."""
    states = (State.MAIL, State.RCPT)
    for state in states:
        rules = goes(rules, state, "MAIL", 2, State.MAIL)
    return allowed(rules, "MAIL", states)


fault(
    "data-keeps-buffers",
    title="The envelope of a message is still in force after its end",
    breaks=("RFC5321-4.1.1-06", "RFC5321-4.1.1.4-16"),
)(lambda rules: _then_mail(goes(rules, State.TEXT, "END-OF-DATA", 2, State.RCPT)))

fault(
    "data-refused-keeps-buffers",
    title="The envelope of a refused message is still in force",
    breaks=("RFC5321-4.1.1.4-16",),
    seen_in=(CHASQUID,),
)(lambda rules: _then_mail(goes(rules, State.TEXT, "END-OF-DATA", 5, State.RCPT)))


@fault(
    "data-once-a-session",
    title="A session takes one message, and refuses MAIL after it with 503",
    breaks=("RFC5321-2.1-04", "RFC5321-4.1.4-17", "RFC2920-3.1-02"),
    # By MAIL the case sees that the message has ended.
    also_trips=("rfc3030-chunking/2-bdat/any-case",),
)
def _once(rules: Rules) -> Rules:
    first = rules.commands["MAIL"].handler

    def note(session: Session, kept: Stored) -> Stored:
        session.memory["sent"] = True
        return kept

    def mail(session: Session, argument: str) -> Reply | None:
        return reply(503, "5.5.1", "One message a session") if "sent" in session.memory else first(session, argument)

    return on_store(handled(rules, "MAIL", mail), note)


# The end of the text

fault(
    "text-line-added",
    title="An empty line is added at the end of the text",
    breaks=("RFC5321-2.3.10-01", "RFC5321-4.1.1.4-03"),
)(lambda rules: message(rules, lambda octets: octets + b"\r\n"))

fault(
    "text-empty-lines-lost",
    title="Empty lines at the end of the text are lost",
    breaks=("RFC5321-2.3.10-01", "RFC5321-4.5.2-06"),
)(lambda rules: message(rules, lambda octets: re.sub(rb"(?:\r\n)+\Z", b"\r\n", octets)))

# Replies too many, and none

fault(
    "data-answered-twice",
    title="A message is answered twice",
    breaks=("RFC5321-4.1.1.4-14", "RFC5321-4.5.2-03"),
    # Each later reply is taken for that of another command.
    also_trips=("*",),
    roles=("mx", "submission", "relay"),
)(lambda rules: on_reply(rules, lambda s, event, given: [s.rules.render(given)] * 2, "END-OF-DATA"))

fault(
    "data-answered-by-closing",
    title="After a message the connection ends without a reply",
    breaks=("RFC5321-4.1.1.4-14", "RFC5321-4.5.2-03"),
    # No message is answered.
    also_trips=("*",),
)(lambda rules: closing(rules, "END-OF-DATA", silent=True))

# Text that looks like commands


@fault(
    "text-quit-closes",
    title="QUIT in the text ends the session",
    breaks=("RFC5321-4.1.1.4-18", "RFC5321-3.3-24"),
)
def _quit(rules: Rules) -> Rules:
    def note(session: Session, octets: bytes) -> bytes:
        session.memory["quit"] = b"\r\nQUIT\r\n" in octets
        return octets

    def act(session: Session, actions: list[Action]) -> list[Action]:
        if session.state is not State.TEXT or not session.memory.get("quit"):
            return actions
        session.state = State.CLOSED
        return [Close()]

    return on_actions(on_input(rules, note, State.TEXT), act)


def _command(session: Session, message: bytes) -> Reply | None:
    found = re.search(rb"\r\n(?:QUIT|RSET|NOOP|DATA|STARTTLS)\r\n", message)
    return reply(554, "5.6.0", "Commands in the text") if found else None


fault(
    "text-command-refused",
    title="A message with a line that looks like a command is refused",
    breaks=("RFC5321-4.1.1.4-18", "RFC5321-3.3-24"),
)(lambda rules: checked(rules, _command))
