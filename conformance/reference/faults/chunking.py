"""Faults of CHUNKING and BINARYMIME (RFC 3030)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from conformance.reference import dialogue, framing, transaction
from conformance.reference.actions import Action, Close
from conformance.reference.change import (
    allowed,
    answer,
    checked,
    closing,
    goes,
    handled,
    listed,
    on_input,
    on_reply,
    parameter,
    stays,
    stored,
)
from conformance.reference.extension import chunking, eightbitmime
from conformance.reference.faults import fault
from conformance.reference.faults._seen import POSTFIX
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Chunk, Session
from conformance.reference.table import State

_taken = reply(250, "2.0.0", "Ok")
_GROUP = re.compile(rb"(BDAT [^\0]*LAST\r\n.*\r\n)NOOP\r\n")

fault(
    "chunking-with-parameter",
    title="CHUNKING is listed with a parameter",
    breaks=("RFC3030-2-01",),
)(lambda rules: listed(rules, "CHUNKING", "CHUNKING 1048576"))

fault(
    "chunking-without-data",
    title="DATA gets 502 where CHUNKING is offered",
    breaks=(
        "RFC3030-2-02",
        "RFC5321-4.3.2-12",
    ),
    # Every message that is sent by DATA.
    also_trips=("*",),
)(lambda rules: handled(rules, "DATA", lambda session, argument: reply(502, "5.5.1", "Use BDAT")))


@fault(
    "bdat-354",
    title="BDAT gets 354 before its octets",
    breaks=(
        "RFC3030-2-03",
        "RFC5321-4.3.1-05",
    ),
    # Every chunk gets a reply too many.
    also_trips=(
        "rfc3030-chunking/*",
        "security/chunking/size*",
    ),
)
def _prompting(rules: Rules) -> Rules:
    def bdat(session: Session, argument: str) -> Reply | None:
        refusal = chunking._bdat(session, argument)
        if refusal is None:
            session.put("BDAT", reply(354, "", "Go ahead"))
        return refusal

    return handled(rules, "BDAT", bdat)


fault(
    "bdat-answered-at-last",
    title="Only the last chunk gets a reply",
    breaks=("RFC3030-2-03",),
)(lambda rules: on_reply(rules, lambda session, event, given: [], "BDAT", 250))

fault(
    "bdat-octets-unread",
    title="BDAT is refused before its octets are read, which are read as commands",
    breaks=("RFC3030-2-05", "RFC3030-2-06", "RFC3030-2-07", "RFC3030-2-16"),
    # The octets are read as commands in LMTP too.
    also_trips=("rfc2033-lmtp/4-changes-to-smtp/chunk-without-recipient",),
)(lambda rules: handled(rules, "BDAT", chunking._bdat, refused=None))

fault(
    "bdat-for-nobody",
    title="A message for nobody is accepted by BDAT",
    breaks=("RFC3030-2-05", "RFC3030-2-06", "RFC3030-2-07", "RFC3030-2-16", "RFC3030-2-20"),
)(lambda rules: answer(answer(rules, "BDAT LAST", 503, _taken), "BDAT", 503, _taken))


@fault(
    "bdat-behind-the-last-554",
    title="A chunk after the last one gets 554",
    breaks=("RFC3030-2-05",),
)
def _behind(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        if given.code == 250:
            session.memory["last"] = True
        return given._replace(code=554) if given.code == 503 and "last" in session.memory else given

    return on_reply(rules, change, "BDAT LAST", (250, 503))


fault(
    "bdat-refused-closes",
    title="A refused BDAT ends the connection",
    breaks=("RFC3030-2-06", "RFC3030-2-07"),
)(lambda rules: closing(closing(rules, "BDAT LAST", 503), "BDAT", 503))

fault(
    "bdat-refused-closes-without-reply",
    title="A refused BDAT ends the connection without a reply",
    breaks=("RFC3030-2-06", "RFC3030-2-07"),
)(lambda rules: closing(closing(rules, "BDAT LAST", 503, silent=True), "BDAT", 503, silent=True))

fault(
    "bdat-group-lost",
    title="What stands behind a refused chunk in the same segment is lost",
    breaks=("RFC3030-2-07", "RFC2920-3.2-09"),
)(lambda rules: on_input(rules, lambda session, octets: _GROUP.sub(rb"\1", octets)))

# RSET


@fault(
    "bdat-reset-keeps-chunks",
    title="RSET keeps the chunks that came before it",
    breaks=("RFC3030-2-08",),
)
def _keeping(rules: Rules) -> Rules:
    def rset(session: Session, argument: str) -> Reply:
        session.memory["chunks"] = bytes(session.transaction.chunks)
        return dialogue.rset(session, argument)

    def deliver(session: Session, message: bytes, identity: str) -> None:
        rules.deliver(session, session.memory.pop("chunks", b"") + message, identity)

    return replace(handled(rules, "RSET", rset), deliver=deliver)


fault(
    "bdat-reset-hangs",
    title="After RSET between chunks the server goes on reading a message",
    breaks=("RFC3030-2-08", "RFC3030-2-20"),
)(lambda rules: goes(rules, State.CHUNKS, "RSET", 2, State.TEXT))

fault(
    "bdat-reset-refused",
    title="RSET between chunks gets 503",
    breaks=(
        "RFC3030-2-08",
        "RFC5321-4.3.2-13",
    ),
)(lambda rules: _unless_in(rules, "RSET", State.CHUNKS))

fault(
    "bdat-error-needs-hello",
    title="After a refused BDAT only EHLO leads on",
    breaks=("RFC3030-2-20",),
)(lambda rules: _locked(rules, "MAIL", reply(503, "5.5.1", "EHLO first")))

fault(
    "bdat-error-reset-refused",
    title="After a refused BDAT even RSET is refused",
    breaks=(
        "RFC3030-2-20",
        "RFC5321-4.3.2-13",
    ),
)(lambda rules: _locked(rules, "RSET", reply(503, "5.5.1", "Bad sequence")))

fault(
    "bdat-error-ends-chunking",
    title="After a refused BDAT every chunk is refused",
    breaks=("RFC3030-2-20",),
)(lambda rules: _locked(rules, "BDAT", reply(503, "5.5.1", "Bad sequence")))


def _locked(rules: Rules, verb: str, refusal: Reply) -> Rules:
    """Refuse a command for the rest of the session once a BDAT was refused."""

    def change(session: Session, event: str, given: Reply) -> Reply:
        if event.startswith("BDAT") and given.code >= 500:
            session.memory["locked"] = True
        elif event == verb and "locked" in session.memory:
            return refusal
        return given

    return on_reply(rules, change, ("BDAT", "BDAT LAST", verb))


def _unless_in(rules: Rules, verb: str, state: State) -> Rules:
    handler = rules.commands[verb].handler

    def handle(session: Session, argument: str) -> Reply | None:
        return reply(503, "5.5.1", "Bad sequence") if session.state is state else handler(session, argument)

    return handled(rules, verb, handle)


# BDAT and DATA

fault(
    "bdat-then-data",
    title="DATA is taken after a chunk",
    breaks=("RFC3030-2-09",),
)(lambda rules: goes(allowed(rules, "DATA", {State.CHUNKS}), State.CHUNKS, "DATA", 3, State.TEXT))

fault(
    "bdat-then-data-554",
    title="DATA after a chunk gets 554",
    breaks=("RFC3030-2-09",),
)(lambda rules: on_reply(rules, _mixed, "DATA"))


def _mixed(session: Session, event: str, given: Reply) -> Reply:
    return given._replace(code=554) if session.state is State.CHUNKS else given


def _one_kind(rules: Rules, verb: str, other: str) -> Rules:
    """Refuse a command once the other one was used in the session."""

    def change(session: Session, event: str, given: Reply) -> Reply:
        if event.startswith(other) and given.code < 400:
            session.memory["used"] = True
        elif event.startswith(verb) and "used" in session.memory:
            return reply(503, "5.5.1", f"This session uses {other}")
        return given

    return on_reply(rules, change, ("DATA", "BDAT", "BDAT LAST"))


fault(
    "bdat-ends-data",
    title="After a message by BDAT no other comes by DATA",
    breaks=("RFC3030-2-10",),
)(lambda rules: _one_kind(rules, "DATA", "BDAT"))

fault(
    "data-ends-bdat",
    title="After a message by DATA no other comes by BDAT",
    breaks=("RFC3030-2-10",),
)(lambda rules: _one_kind(rules, "BDAT", "DATA"))

# The octets


def _rewritten(rules: Rules, rewrite: Callable[[bytes], bytes]) -> Rules:
    """Change what came by BDAT before it is stored."""

    def deliver(session: Session, message: bytes, identity: str) -> None:
        by_bdat = session.line[:4].upper() == b"BDAT"
        rules.deliver(session, rewrite(message) if by_bdat else message, identity)

    return replace(rules, deliver=deliver)


fault(
    "bdat-unstuffed",
    title="Leading dots are removed from what came by BDAT",
    breaks=("RFC3030-2-11",),
)(lambda rules: _rewritten(rules, framing.unstuff))

fault(
    "bdat-ends-at-dot",
    title="A line with a dot alone ends a message that comes by BDAT",
    breaks=("RFC3030-2-11",),
)(lambda rules: _rewritten(rules, lambda message: message.partition(b"\r\n.\r\n")[0] + b"\r\n"))

fault(
    "bdat-message-lost",
    title="A message that comes by BDAT arrives empty",
    breaks=("RFC3030-2-03", "RFC3030-2-04", "RFC3030-2-11", "RFC3030-2-12", "RFC3030-2-08", "RFC3030-2-21"),
    # What is looked for in the message is not there.
    also_trips=(
        "rfc3030-chunking/2-bdat/dot-between-bare-line-ends",
        "rfc3030-chunking/3-binarymime/octets-kept",
    ),
)(lambda rules: _rewritten(rules, lambda message: message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"))


@fault(
    "bdat-lines-end-with-chunks",
    title="Each chunk is taken to end a line",
    breaks=("RFC3030-2-12",),
)
def _ending_lines(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        chunks = session.transaction.chunks
        if chunks and not chunks.endswith(b"\r\n\r\n"):
            chunks += b"\r\n"
        return given

    return on_reply(rules, change, "BDAT", 250)


fault(
    "bdat-empty-last-refused",
    title="BDAT 0 LAST is refused",
    breaks=(
        "RFC3030-2-04",
        "RFC3030-2-14",
        "RFC5248-2.4-01",
    ),
)(lambda rules: _sized(rules, lambda size, last: None if last and size == 0 else size))

fault(
    "bdat-empty-refused",
    title="BDAT 0 is refused",
    breaks=(
        "RFC3030-2-17",
        "RFC5248-2.4-01",
    ),
    seen_in=(POSTFIX,),
)(lambda rules: _sized(rules, lambda size, last: None if size == 0 and not last else size))


def _sized(rules: Rules, change: Callable[[int, bool], int | None]) -> Rules:
    """Read the size of a chunk as another number, or (None) refuse the command."""

    def bdat(session: Session, argument: str) -> Reply | None:
        found = chunking._ARGUMENT(argument)
        if found is None:
            return chunking._bdat(session, argument)
        size = change(int(found[1]), found[2] is not None)
        if size is None:
            return reply(554, "5.5.4", "Not such a chunk")
        return chunking._bdat(session, f"{size}{' LAST' if found[2] else ''}")

    return handled(rules, "BDAT", bdat)


fault(
    "bdat-32-bits",
    title="The size of a chunk is a number of 32 bits",
    breaks=("RFC3030-2-23",),
)(lambda rules: _sized(rules, lambda size, last: size % 2**32))

fault(
    "bdat-64-bits",
    title="The size of a chunk is a number of 64 bits",
    breaks=("RFC3030-2-23",),
)(lambda rules: _sized(rules, lambda size, last: size % 2**64))


def _reading(rules: Rules, pattern: str, base: int = 10) -> Rules:
    """Read the argument of BDAT, where it is wrong or octal, by another grammar: group 1 is the size, group 2 LAST."""

    def bdat(session: Session, argument: str) -> Reply | None:
        found = re.fullmatch(pattern, argument, re.IGNORECASE)
        if found is None or (base == 10 and chunking._ARGUMENT(argument)):
            return chunking._bdat(session, argument)
        session.chunk = Chunk(int(found[1] or "0", base), found[2] is not None)
        return None

    return handled(rules, "BDAT", bdat)


fault(
    "bdat-odd-syntax",
    title="BDAT takes a sign, another word than LAST, and anything behind",
    breaks=("RFC3030-2-15",),
)(lambda rules: _reading(rules, r" *\+?([0-9]+)[^0-9]*?(LAST)?[^0-9]*"))

fault(
    "bdat-no-size",
    title="BDAT without a number takes a chunk of no octets",
    breaks=("RFC3030-2-15",),
)(lambda rules: _reading(rules, r"()[^0-9]*()"))

fault(
    "bdat-waits-for-negative-size",
    title="BDAT with a number that is no size waits for octets",
    breaks=("RFC3030-2-15",),
)(lambda rules: _reading(rules, r"[-.0-9]*?([0-9]+)() *"))

fault(
    "bdat-octal",
    title="A chunk size with a leading zero is octal",
    breaks=("RFC3030-2-15",),
)(lambda rules: _reading(rules, r"(0[0-7]+)( LAST)?", 8))

fault(
    "bdat-leading-zero-refused",
    title="A chunk size with a leading zero is refused",
    breaks=("RFC3030-2-15",),
)(lambda rules: _argument_refused(rules, "0[0-9].*"))

fault(
    "bdat-last-in-capitals-only",
    title="BDAT 0 last is refused",
    breaks=("RFC3030-2-14",),
)(lambda rules: _argument_refused(rules, ".* last"))


def _argument_refused(rules: Rules, pattern: str) -> Rules:
    def bdat(session: Session, argument: str) -> Reply | None:
        if re.fullmatch(pattern, argument):
            return reply(501, "5.5.4", "Syntax: BDAT octets [LAST]")
        return chunking._bdat(session, argument)

    return handled(rules, "BDAT", bdat)


@fault(
    "bdat-in-capitals-only",
    title="bdat in small letters is unknown",
    breaks=("RFC3030-2-14",),
)
def _capitals(rules: Rules) -> Rules:
    def bdat(session: Session, argument: str) -> Reply | None:
        if session.line.startswith(b"bdat"):
            return reply(500, "5.5.1", "Command not recognised")
        return chunking._bdat(session, argument)

    return handled(rules, "BDAT", bdat)


@fault(
    "arbitrary-octets-close",
    title="A line of arbitrary octets ends the connection",
    breaks=("RFC3030-2-13",),
)
def _crashing(rules: Rules) -> Rules:
    def crash(session: Session, actions: list[Action]) -> list[Action]:
        return [Close()] if b"\x1b[2J\x80" in session.line else actions

    return replace(rules, on_actions=(*rules.on_actions, crash))


@fault(
    "bdat-commands-between",
    title="MAIL and RCPT are taken between chunks",
    breaks=("RFC3030-2-19",),
)
def _between(rules: Rules) -> Rules:
    rules = allowed(allowed(rules, "MAIL", {State.CHUNKS}), "RCPT", {State.CHUNKS})
    return stays(stays(rules, State.CHUNKS, "MAIL", 2), State.CHUNKS, "RCPT", 2)


def _ends_in_crlf(session: Session, message: bytes) -> Reply | None:
    return None if message.endswith(b"\r\n") else reply(554, "5.6.0", "The last line is not complete")


fault(
    "bdat-needs-crlf",
    title="A message by BDAT that does not end in CRLF is refused",
    breaks=("RFC3030-2-21",),
)(lambda rules: checked(rules, _ends_in_crlf))


@fault(
    "bdat-lf-dot-lf",
    title="A dot between bare LFs in a chunk ends the message, and commands follow",
    breaks=("RFC3030-2-22",),
)
def _splitting(rules: Rules) -> Rules:
    def deliver(session: Session, message: bytes, identity: str) -> None:
        by_bdat = session.line[:4].upper() == b"BDAT"
        for part in message.split(b"\n.\n") if by_bdat else [message]:
            rules.deliver(session, part, identity)

    return replace(rules, deliver=deliver)


# BINARYMIME

fault(
    "binarymime-with-parameter",
    title="BINARYMIME is listed with a parameter",
    breaks=("RFC3030-3-02",),
)(lambda rules: listed(rules, "BINARYMIME", "BINARYMIME YES"))

fault(
    "binarymime-without-chunking",
    title="BINARYMIME is listed without CHUNKING",
    breaks=(
        "RFC3030-3-01",
        "RFC5321-2.2.1-01",
    ),
)(lambda rules: listed(rules, "CHUNKING", None))


def _not_binary(session: Session, value: str | None) -> Reply | None:
    if (value or "").upper() == "BINARYMIME":
        return reply(501, "5.5.4", "Unknown body type")
    return eightbitmime._check(session, value)


fault(
    "binarymime-refused",
    title="BINARYMIME is listed, and BODY=BINARYMIME is refused",
    breaks=("RFC3030-3-03",),
)(lambda rules: parameter(rules, "BODY", _not_binary))

fault(
    "binarymime-by-data",
    title="A binary message is taken by DATA",
    breaks=("RFC3030-3-05",),
)(lambda rules: handled(rules, "DATA", lambda session, argument: transaction._GO_AHEAD))

fault(
    "binarymime-by-data-554",
    title="DATA for a binary message gets 554",
    breaks=("RFC3030-3-05",),
)(lambda rules: on_reply(rules, lambda s, event, given: given._replace(code=554) if _binary(s, event) else given))


def _binary(session: Session, event: str) -> bool:
    return event == "DATA" and session.transaction.binary and session.state is State.RCPT


fault(
    "binarymime-nul-lost",
    title="NULs are removed from binary messages",
    breaks=("RFC3030-3-04",),
)(lambda rules: stored(rules, lambda octets: octets.replace(b"\0", b"") if b"binary" in octets else octets))


def _label(session: Session, message: bytes) -> Reply | None:
    labelled = b"content-transfer-encoding: binary" in message.lower() and not session.transaction.binary
    return reply(554, "5.6.1", "Binary content was not announced") if labelled else None


fault(
    "binarymime-label-refused",
    title="A message that calls itself binary is refused without BODY=BINARYMIME",
    breaks=("RFC3030-3-07",),
)(lambda rules: checked(rules, _label))

fault(
    "binarymime-message-refused",
    title="BODY=BINARYMIME is accepted, and the message is not",
    breaks=("RFC3030-3-04",),
)(lambda rules: checked(rules, lambda s, text: reply(554, "5.6.1", "No binary") if s.transaction.binary else None))


# Replies that do not come, or do not end


def _unanswered(rules: Rules, event: str, condition: Callable[[Session], bool]) -> Rules:
    """Leave replies to an event out, under a condition."""
    return on_reply(rules, lambda session, asked, given: [] if condition(session) else given, event)


fault(
    "bdat-second-unanswered",
    title="A chunk behind another one gets no reply, unless it is the last",
    breaks=("RFC3030-2-03",),
    # The odd number is that of a second chunk.
    also_trips=("rfc3030-chunking/2-bdat/leading-zeros",),
)(lambda rules: _unanswered(rules, "BDAT", lambda session: session.state is State.CHUNKS))

fault(
    "bdat-empty-last-unanswered",
    title="BDAT 0 LAST gets no reply",
    breaks=("RFC3030-2-04",),
)(lambda rules: _unanswered(rules, "BDAT LAST", lambda session: session.line == b"BDAT 0 LAST"))

fault(
    "bdat-reset-unanswered",
    title="RSET between chunks gets no reply",
    breaks=("RFC3030-2-08", "RFC3030-2-20"),
)(lambda rules: _unanswered(rules, "RSET", lambda session: session.state in (State.CHUNKS, State.FAILED)))


def _closing_in_chunks(rules: Rules, *, silent: bool) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if session.state not in (State.CHUNKS, State.FAILED):
            return given
        session.state = State.CLOSED
        return [Close()] if silent else [session.rules.render(given), Close()]

    return on_reply(rules, change, "RSET")


fault(
    "bdat-reset-closes-without-reply",
    title="RSET between chunks ends the connection without a reply",
    breaks=("RFC3030-2-08", "RFC3030-2-20"),
)(lambda rules: _closing_in_chunks(rules, silent=True))

fault(
    "bdat-reset-closes",
    title="RSET between chunks ends the connection",
    breaks=("RFC3030-2-08", "RFC3030-2-20"),
)(lambda rules: _closing_in_chunks(rules, silent=False))

fault(
    "bdat-last-octets-unread",
    title="BDAT LAST is refused before its octets are read, which are read as commands",
    breaks=("RFC3030-2-06", "RFC3030-2-07", "RFC3030-2-16", "SEC-BDAT-REFUSED"),
    # LMTP has no reply there.
    also_trips=("rfc2033-lmtp/4-changes-to-smtp/chunk-without-recipient",),
)(lambda rules: handled(rules, "BDAT", chunking._bdat, refused=_last_unread))


def _last_unread(session: Session, argument: str, refusal: Reply) -> Reply | None:
    return refusal if argument.endswith("LAST") else chunking._refused(session, argument, refusal)


fault(
    "bdat-last-for-nobody",
    title="A last chunk that is refused is answered with 250",
    breaks=("RFC3030-2-05", "RFC3030-2-06", "RFC3030-2-07", "RFC3030-2-16", "RFC3030-2-20"),
)(lambda rules: answer(rules, "BDAT LAST", 503, _taken))


@fault(
    "bdat-octets-run-later",
    title="The octets of a refused last chunk are read as commands behind the next one",
    breaks=("RFC3030-2-06", "RFC3030-2-07", "RFC3030-2-16", "SEC-BDAT-REFUSED"),
)
def _later(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if event == "BDAT LAST":
            session.memory["held"] = True
        elif session.memory.pop("held", False):
            return [session.rules.render(given)] * 2
        return given

    return on_reply(on_reply(rules, change, "BDAT LAST", 503), change, "NOOP")


fault(
    "bdat-last-in-capitals",
    title="last in small letters is ignored",
    breaks=("RFC3030-2-14",),
)(lambda rules: handled(rules, "BDAT", lambda s, argument: chunking._bdat(s, argument.replace(" last", ""))))

fault(
    "bdat-hexadecimal",
    title="A chunk size with a leading zero is hexadecimal",
    breaks=("RFC3030-2-15",),
)(lambda rules: _reading(rules, r"(0[0-9]+)( LAST)?", 16))

fault(
    "bdat-waits-for-crlf",
    title="A message by BDAT that does not end in CRLF gets no reply",
    breaks=("RFC3030-2-21",),
)(lambda rules: _unanswered(checked(rules, _note_end), "BDAT LAST", lambda session: "no CRLF" in session.memory))


def _note_end(session: Session, message: bytes) -> Reply | None:
    if not message.endswith(b"\r\n"):
        session.memory["no CRLF"] = True
    return None


@fault(
    "arbitrary-octets-unanswered",
    title="A line of arbitrary octets is not answered",
    breaks=("RFC3030-2-13",),
)
def _muted(rules: Rules) -> Rules:
    return on_reply(rules, lambda s, event, given: [] if b"\x1b[2J\x80" in s.line else given, "UNKNOWN")


# The limit

for _code, _status in ((452, "4.3.1"), (554, "5.3.4")):
    fault(
        f"bdat-over-the-limit-{_code}",
        title=f"A chunk above the limit gets {_code}",
        breaks=("RFC3030-2-18",),
    )(partial(answer, event="BDAT LAST", code=552, new=reply(_code, _status, "Too big")))
