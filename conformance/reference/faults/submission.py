"""Faults of message submission (RFC 6409), of names, and of what a message may hold (RFC 1123, RFC 5322)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import dialogue
from conformance.reference.actions import Action, Wait
from conformance.reference.change import (
    answer,
    checked,
    ehlo,
    handled,
    listed,
    on_reply,
    on_store,
    without_check,
    without_gate,
)
from conformance.reference.faults import fault
from conformance.reference.faults._seen import AIOSMTPD, JAMES, POSTFIX
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.reference.site import Role, Stored
from conformance.reference.trace import header
from conformance.smtp.address import Path

ROLES: tuple[Role, ...] = ("submission",)

fault(
    "submission-without-login",
    title="MAIL needs no login on the submission port",
    breaks=("RFC6409-4.3-01", "RFC6409-3.2-02"),
    # A client without login is served.
    also_trips=(
        "rfc4954-auth/6-status-codes/login-first",
        "security/auth/submission-in-clear-text",
    ),
    roles=ROLES,
)(lambda rules: without_gate(rules, "login"))

fault(
    "submission-greeting-521",
    title="The greeting of the submission port is 521",
    breaks=("RFC6409-7-06",),
    roles=ROLES,
)(lambda rules: answer(rules, "GREETING", 220, lambda given: given._replace(code=521)))

fault(
    "submission-improper-500",
    title="Addresses that can't be used get 500",
    breaks=("RFC6409-4.1-01",),
    roles=ROLES,
)(
    lambda rules: answer(
        rules, "RCPT", 550, lambda given: given._replace(code=500) if given.status == "5.1.2" else given
    )
)


@fault(
    "submission-partial-domains",
    title="Partial domains are taken, and go to the next hop as they are",
    breaks=("RFC6409-4.2-01", "RFC5321-2.3.5-01", "RFC6409-4.1-01"),
    seen_in=(JAMES,),
    roles=ROLES,
)
def _partial(rules: Rules) -> Rules:
    before = rules.recipient

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        found = before(session, path)
        return Recipient(path) if isinstance(found, Reply) and found.status == "5.1.2" else found

    return replace(rules, recipient=recipient, sender=lambda session, path: None)


for _keyword, _requirements in (
    ("PIPELINING", ("RFC6409-7-01",)),
    ("ENHANCEDSTATUSCODES", ("RFC6409-7-02",)),
    ("DSN", ("RFC6409-7-04",)),
    ("8BITMIME", ("RFC6409-7-07", "RFC6531-3.1-05", "RFC5321-2.2.1-01")),
):
    fault(
        f"submission-without-{_keyword.lower()}",
        title=f"{_keyword} is not offered on the submission port",
        breaks=(*_requirements, "RFC6409-7-11", "RFC5321-2.4-16"),
        roles=(*ROLES, "mx", "relay") if _keyword == "8BITMIME" else ROLES,
    )(lambda rules, keyword=_keyword: listed(rules, keyword, None))  # type: ignore[misc]

fault(
    "submission-without-auth",
    title="AUTH is not offered on the submission port",
    breaks=("RFC6409-7-08",),
    roles=ROLES,
    also_trips=("rfc4954-auth/3-keyword/submission-offers-auth",),
)(lambda rules: listed(rules, "AUTH", None))

fault(
    "submission-etrn",
    title="ETRN is offered on the submission port",
    breaks=("RFC6409-7-03", "RFC6409-7-09"),
    seen_in=(POSTFIX,),
    roles=ROLES,
)(lambda rules: ehlo(rules, lambda lines: (*lines, "ETRN")))

fault(
    "submission-atrn",
    title="ATRN is offered on the submission port",
    breaks=("RFC6409-7-03", "RFC6409-7-10"),
    roles=ROLES,
)(lambda rules: ehlo(rules, lambda lines: (*lines, "ATRN")))

fault(
    "submission-adds-nothing",
    title="What users send goes out as it is, whatever it lacks",
    breaks=("RFC6409-8-02", "RFC6409-8.3-01"),
    seen_in=(AIOSMTPD, f"{JAMES}: From"),
    roles=ROLES,
)(lambda rules: replace(without_check(rules, "originator"), complete=lambda session, message, identity: message))


@fault(
    "rcpt-slow",
    title="RCPT is answered after three minutes",
    breaks=("RFC6409-5.3-01", "RFC1123-5.2.7-03"),
)
def _slow(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> list[Action]:
        return [Wait(180.0), session.rules.render(given)]

    return on_reply(rules, change, "RCPT")


# Names

for _name, _title, _host, _requirements in (
    ("unqualified", "a name of one label", "mx", ("RFC5321-2.3.5-01", "RFC1846-4.1-01", "RFC5321-4.2.2-02")),
    ("address", "its address", "[127.0.0.1]", ("RFC5321-2.3.4-01",)),
    (
        "underscore",
        "a name with an underscore",
        "mx_1.lab.test",
        ("RFC5321-4.1.2-25", "RFC5321-2.3.5-05", "RFC1846-4.1-01"),
    ),
):

    @fault(
        f"name-{_name}",
        title=f"The server calls itself by {_title}",
        breaks=_requirements,
    )
    def _named(rules: Rules, host: str = _host) -> Rules:
        return on_reply(
            rules,
            lambda session, event, given: given._replace(
                lines=(given.lines[0].replace("mx.lab.test", host), *given.lines[1:])
            ),
            ("GREETING", "EHLO", "HELO", "QUIT"),
        )


# Messages

_OBSOLETE = re.compile(
    rb"^[^:\r\n]* :|:[^\r\n]*(?:\bGMT\b|\bEST\b|\d [A-Z][a-z]{2} \d\d\b |J\. R\.|<@|,,)"
    rb"|^(?s:(To|Cc):.*^\1:)",
    re.MULTILINE,
).search


def _obsolete(session: Session, message: bytes) -> Reply | None:
    return reply(554, "5.6.0", "Obsolete syntax in the header") if _OBSOLETE(header(message)) else None


fault(
    "message-obsolete-syntax-refused",
    title="Messages with obsolete syntax in the header are refused",
    breaks=("RFC5322-3.1-02", "RFC5322-4.5.3-01", "RFC1123-5.2.19-01", "RFC5321-3.3-21"),
    also_trips=(
        "rfc5321/4.5.3.1-sizes/relayed-whatever-the-header*",
        "rfc5321/3.7.2-received-lines/any-format*",
    ),
)(lambda rules: checked(rules, _obsolete))


@fault(
    "recipients-in-header",
    title="The recipients of the envelope are written into the header",
    breaks=("RFC5321-7.2-01", "RFC5321-7.2-03", "RFC5321-7.2-04"),
    also_trips=(
        "rfc5321/2.3.10-relay/nothing-completed",
        "rfc3461-dsn/5.2.6-notices-of-failure/only-for-those-who-asked",
    ),
)
def _shown(rules: Rules) -> Rules:
    def change(session: Session, stored: Stored) -> Stored:
        names = ", ".join(str(recipient.path) for recipient in session.transaction.recipients).encode()
        return replace(stored, octets=b"Apparently-To: " + names + b"\r\nTo: " + names + b"\r\n" + stored.octets)

    return on_store(rules, change)


fault(
    "message-trace-refused",
    title="Messages are refused for trace fields that are not as this server writes them",
    breaks=("RFC5321-3.7.2-03", "RFC5321-3.7.2-04", "RFC5321-4.4-14"),
)(lambda rules: checked(rules, _trace_looked_at))

_TRACE = re.compile(
    rb"(?i)^(?:Return-Path: <[^@\s]+@[^@\s]+>"
    rb"|Received: from \S+ \([^()]{0,80}\) by \S+ with \S+ id \w+; \w{3}, [\w :+-]+)\r\n",
    re.MULTILINE,
)


def _trace_looked_at(session: Session, message: bytes) -> Reply | None:
    top = re.sub(rb"\r\n[ \t]+", b" ", header(message))
    wrong = re.search(rb"(?im)^(?:Received|Return-Path):", _TRACE.sub(b"", top))
    return reply(554, "5.6.0", "What a trace field") if wrong or top.count(b"Return-Path:") > 1 else None


fault(
    "vrfy-quoted-refused",
    title="VRFY takes a quoted string for a syntax error",
    breaks=("RFC5321-4.1.2-27", "RFC5321-3.5.1-11"),
)(
    lambda rules: replace(
        rules,
        verify=lambda session, text: (
            reply(501, "5.5.4", "A name expected") if text.startswith('"') else rules.verify(session, text)
        ),
    )
)


def _received(rules: Rules, pattern: str, new: str) -> Rules:
    """Write the Received field otherwise."""
    before = rules.received
    return replace(rules, received=lambda session, identity: re.sub(pattern, new, before(session, identity), count=1))


for _name, _title, _pattern, _new, _broken in (
    ("long", "on one line of more than 998 characters", r" by ", " (" + 1000 * "x" + ") by ", "RFC5322-2.1.1-01"),
    (
        "unfolded",
        "without line breaks",
        r"\r\n by (?s:(.*?))\r\n (?=\w{3},)",
        r" by \1 " + 60 * "x",
        "RFC5322-2.1.1-02",
    ),
    ("empty-fold", "with a line of white space in it", r"\r\n by ", "\r\n  \r\n by ", "RFC5322-3.2.2-01"),
    ("zone-unknown", "with the zone -0000", r"[+-]\d{4}\r\n", "-0000\r\n", "RFC5322-3.3-02"),
):
    fault(
        f"received-{_name}",
        title=f"The Received field is written {_title}",
        breaks=(_broken,) if _name != "long" else (_broken, "RFC5322-2.1.1-02"),
        # Its structure is that of folded lines.
        also_trips=("rfc5321/4.4-trace/structure",) if _name == "unfolded" else (),
    )(lambda rules, pattern=_pattern, new=_new: _received(rules, pattern, new))  # type: ignore[misc]


@fault(
    "hello-line-end-in-header",
    title="A CR in the name of the client is taken, and written into the Received field",
    breaks=(
        "RFC5322-2.2-02",
        "RFC5321-4.1.2-26",
        "RFC5321-2.4-15",
        "RFC5321-2.3.8-05",
        "RFC5321-4.2-05",
        "RFC5321-4.1.1.1-10",
    ),
    roles=("mx", "submission", "relay"),
    also_trips=("rfc6531-smtputf8/3.3-addresses/not-utf8*",),
)
def _line_end_in_name(rules: Rules) -> Rules:
    def hello(session: Session, argument: str) -> Reply:
        if "\r" not in argument:
            return dialogue.ehlo(session, argument)
        session.hello, session.esmtp = argument, True
        return Reply(250, "", session.rules.ehlo(session))

    return handled(without_gate(rules, "characters"), "EHLO", hello)
