"""Faults of LMTP (RFC 2033)."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import dialogue, table
from conformance.reference.actions import Action
from conformance.reference.change import (
    allowed,
    goes,
    handled,
    listed,
    on_actions,
    on_reply,
    on_store,
    without_command,
)
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Stored
from conformance.reference.table import State

fault(
    "lmtp-without-lhlo",
    title="An LMTP server does not know LHLO",
    breaks=("RFC2033-4.1-01", "RFC2033-5-02"),
    roles=("lmtp",),
)(lambda rules: without_command(rules, "LHLO"))

fault(
    "lmtp-without-pipelining",
    title="An LMTP server does not list PIPELINING",
    breaks=("RFC2033-5-02",),
    roles=("lmtp",),
)(lambda rules: listed(rules, "PIPELINING", None))

fault(
    "lmtp-without-status-codes",
    title="An LMTP server does not list ENHANCEDSTATUSCODES",
    breaks=("RFC2033-5-02",),
    roles=("lmtp",),
)(lambda rules: listed(rules, "ENHANCEDSTATUSCODES", None))

fault(
    "lmtp-without-8bitmime",
    title="An LMTP server does not list 8BITMIME",
    breaks=(
        "RFC2033-5-03",
        "RFC5321-2.2.1-01",
    ),
    roles=("lmtp",),
)(lambda rules: listed(rules, "8BITMIME", None))


@fault(
    "lmtp-with-ehlo",
    title="An LMTP server takes EHLO and HELO",
    breaks=("RFC2033-4.1-02",),
    roles=("lmtp",),
)
def _with_ehlo(rules: Rules) -> Rules:
    base = table.base_commands()
    return replace(rules, commands={**rules.commands, "EHLO": base["EHLO"], "HELO": base["HELO"]})


@fault(
    "lmtp-ehlo-502",
    title="An LMTP server answers EHLO with 502",
    breaks=("RFC2033-4.1-03",),
    roles=("lmtp",),
)
def _ehlo_502(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        return given._replace(code=502) if session.line[:4].upper() == b"EHLO" else given

    return on_reply(rules, change, "UNKNOWN", 500)


@fault(
    "lmtp-few-commands",
    title="An LMTP server does not know NOOP, RSET and MAIL",
    breaks=(
        "RFC2033-4-01",
        "RFC5321-4.3.2-10",
        "RFC5321-4.3.2-13",
    ),
    roles=("lmtp",),
)
def _few(rules: Rules) -> Rules:
    for verb in ("NOOP", "RSET", "MAIL"):
        rules = handled(rules, verb, lambda session, argument: reply(502, "5.5.1", "Not implemented"))
    return rules


fault(
    "lmtp-data-for-nobody",
    title="An LMTP server takes DATA without a recipient",
    breaks=("RFC2033-4.2-01",),
    roles=("lmtp",),
)(lambda rules: goes(allowed(rules, "DATA", {State.MAIL}), State.MAIL, "DATA", 3, State.TEXT))

fault(
    "lmtp-data-for-nobody-554",
    title="An LMTP server answers DATA without a recipient with 554",
    breaks=("RFC2033-4.2-01",),
    roles=("lmtp",),
)(lambda rules: on_reply(rules, lambda session, event, given: given._replace(code=554), "DATA", 503))


@fault(
    "lmtp-one-reply",
    title="An LMTP server says once what becomes of a message, however many recipients it has",
    breaks=("RFC2033-4.2-02", "RFC2033-4.2-03", "RFC2033-4.3-01"),
    roles=("lmtp",),
)
def _one_reply(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        answered = session.memory["answered"] = session.memory.get("answered", 0) + 1
        return given if answered == 1 else []

    return on_reply(rules, change, ("END-OF-DATA", "BDAT LAST"))


@fault(
    "lmtp-reply-too-many",
    title="An LMTP server answers a message for the refused recipients too",
    breaks=("RFC2033-4.2-02",),
    roles=("lmtp",),
)
def _reply_too_many(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if event == "RCPT" and given.code == 550:
            session.memory["refused"] = given
        if event != "END-OF-DATA" or "refused" not in session.memory:
            return given
        session.memory["answered"] = session.memory.get("answered", 0) + 1
        if session.memory["answered"] < len(session.transaction.recipients):
            return given
        return [session.rules.render(given), session.rules.render(session.memory.pop("refused"))]

    return on_reply(rules, change, ("RCPT", "END-OF-DATA"))


@fault(
    "lmtp-replies-to-each-chunk",
    title="An LMTP server answers every chunk for each recipient",
    breaks=("RFC2033-4.3-01",),
    roles=("lmtp",),
)
def _each_chunk(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        return [session.rules.render(given)] * len(session.transaction.recipients)

    return on_reply(rules, change, "BDAT", 250)


@fault(
    "lmtp-bdat-for-nobody",
    title="An LMTP server answers BDAT LAST without a recipient with 503",
    breaks=("RFC2033-4.3-02",),
    roles=("lmtp",),
)
def _for_nobody(rules: Rules) -> Rules:
    def change(session: Session, actions: list[Action]) -> list[Action]:
        ended = session.line[:4] == b"BDAT" and session.line.endswith(b"LAST") and session.chunk is None
        return actions or ([b"503 5.5.1 BDAT needs a recipient first\r\n"] if ended else [])

    return on_actions(rules, change)


def _first_only(session: Session, stored: Stored) -> Stored:
    return replace(stored, recipients=stored.recipients[:1])


fault(
    "lmtp-delivers-once",
    title="An LMTP server says 250 for two recipients and delivers to one",
    breaks=("RFC2033-4.2-04", "RFC2033-4.2-06"),
    roles=("lmtp",),
)(lambda rules: on_store(rules, _first_only))


@fault(
    "smtp-with-lhlo",
    title="An SMTP server takes LHLO",
    breaks=("RFC2033-5-01",),
    roles=("mx", "relay"),
)
def _with_lhlo(rules: Rules) -> Rules:
    return replace(rules, commands={**rules.commands, "LHLO": dialogue.lmtp_commands(rules.commands)["LHLO"]})


fault(
    "lmtp-replies-twice",
    title="An LMTP server answers a message twice for each recipient",
    breaks=("RFC2033-4.2-02",),
    roles=("lmtp",),
)(lambda rules: on_reply(rules, lambda s, event, given: [s.rules.render(given)] * 2, "END-OF-DATA"))


@fault(
    "lmtp-chunk-for-nobody",
    title="An LMTP server accepts BDAT LAST without a recipient",
    breaks=("RFC2033-4.3-02",),
    roles=("lmtp",),
)
def _taken_for_nobody(rules: Rules) -> Rules:
    def change(session: Session, actions: list[Action]) -> list[Action]:
        ended = session.line[:4] == b"BDAT" and session.line.endswith(b"LAST") and session.chunk is None
        return actions or ([b"250 2.0.0 Ok\r\n"] if ended else [])

    return on_actions(rules, change)
