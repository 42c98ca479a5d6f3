"""Faults of EHLO, HELO and LHLO (RFC 5321 sections 3.2, 4.1.1.1 and 4.1.4)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import dialogue
from conformance.reference.change import (
    answer,
    ehlo,
    goes,
    grammar,
    handled,
    listed,
    on_reply,
    stays,
    without_command,
    without_extension,
    without_gate,
)
from conformance.reference.faults import fault
from conformance.reference.faults._seen import (
    AIOSMTPD,
    CHASQUID,
    JAMES,
    OPENSMTPD,
    POSTFIX,
    QPSMTPD,
    SENDMAIL,
    SMTP_SERVER,
)
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import IN_TRANSACTION, State

fault(
    "ehlo-unknown",
    title="EHLO is not recognised",
    breaks=(
        "RFC6409-7-08",
        "RFC5321-2.2.1-01",
        "RFC5321-2.2.1-02",
        "RFC5321-4.5.1-01",
        "RFC5321-4.3.2-05",
        "RFC6409-3.1-01",
        "RFC5321-2.2.1-05",
    ),
    roles=("mx", "submission", "relay"),
    # EHLO gets 500 after a greeting that refuses too, where 503 or 521 is asked for.
    also_trips=(
        "rfc5321/3.1-session-initiation/refused-serves-nothing*",
        "rfc7504-521/3-greeting/serves-nothing*",
    ),
)(lambda rules: without_command(rules, "EHLO"))

fault(
    "helo-unknown",
    title="HELO is not recognised",
    breaks=("RFC5321-2.2.1-04", "RFC5321-4.1.1.1-07", "RFC5321-4.5.1-01", "RFC5321-4.3.2-05", "RFC5321-2.2.1-06"),
    roles=("mx", "submission", "relay"),
)(lambda rules: without_command(rules, "HELO"))


def _hello(session: Session, argument: str) -> Reply:
    """Take any argument; what is no printable ASCII is not repeated."""
    session.hello, session.esmtp = _printable(argument), True
    return Reply(250, "", session.rules.ehlo(session))


def _printable(text: str) -> str:
    return "".join(character for character in text if " " <= character <= "~")


@fault(
    "ehlo-second-refused",
    title="A second EHLO gets 503",
    breaks=("RFC5321-4.1.4-02", "RFC5321-4.1.4-03", "RFC5321-4.1.4-04", "RFC5321-4.3.2-09", "RFC5321-4.1.1.1-24"),
    seen_in=(OPENSMTPD, QPSMTPD),
    roles=("mx", "submission", "relay"),
)
def _ehlo_once(rules: Rules) -> Rules:
    states = frozenset({State.CONNECTED})
    return handled(rules, "EHLO", dialogue.ehlo, states=states, order="Already identified")


@fault(
    "ehlo-keeps-transaction",
    title="A second EHLO does not clear the transaction",
    breaks=("RFC5321-4.1.4-03", "RFC5321-4.1.1.1-09", "RFC5321-4.1.1.1-24"),
    seen_in=(CHASQUID,),
)
def _ehlo_keeps(rules: Rules) -> Rules:
    for state in IN_TRANSACTION:
        rules = stays(stays(rules, state, "EHLO", 2), state, "LHLO", 2)
    return rules


@fault(
    "helo-keeps-transaction",
    title="HELO after EHLO does not clear the transaction",
    breaks=("RFC5321-4.1.4-04", "RFC5321-4.1.1.1-09"),
    roles=("mx", "relay"),
)
def _helo_keeps(rules: Rules) -> Rules:
    for state in IN_TRANSACTION:
        rules = stays(rules, state, "HELO", 2)
    return rules


fault(
    "ehlo-refused-clears",
    title="A refused EHLO throws the session back to its beginning",
    breaks=("RFC5321-4.1.4-06",),
    seen_in=(JAMES,),
)(lambda rules: goes(goes(rules, State.READY, "EHLO", 5, State.CONNECTED), State.RCPT, "EHLO", 5, State.CONNECTED))

fault(
    "ehlo-any-argument",
    title="EHLO takes any argument, and none",
    breaks=(
        "RFC5321-4.1.1.1-10",
        "RFC5321-4.1.3-01",
        "RFC5321-4.1.3-02",
        "RFC5321-4.1.3-04",
        "RFC5321-4.1.3-05",
        "RFC5321-4.1.3-06",
        "RFC5321-4.1.2-25",
        "RFC5321-4.1.2-10",
        "RFC5321-2.3.5-05",
        "RFC5321-4.1.4-05",
        "SEC-REFLECT-RECEIVED",
    ),
    roles=("mx", "submission", "relay"),
    also_trips=("lint/line-length",),
)(lambda rules: handled(rules, "EHLO", _hello))

fault(
    "ehlo-bad-literal",
    title="EHLO takes [256.1.1.1] and other literals that are no addresses",
    breaks=("RFC5321-4.1.3-01", "RFC5321-4.1.3-02", "RFC5321-4.1.3-04", "RFC5321-4.1.3-05", "RFC5321-4.1.3-06"),
    seen_in=(POSTFIX, SENDMAIL, QPSMTPD, CHASQUID, AIOSMTPD, SMTP_SERVER),
)(lambda rules: grammar(rules, literals=False))

fault(
    "ehlo-underscore",
    title="Underscores and outer hyphens are taken in domains",
    breaks=("RFC5321-4.1.2-25", "RFC5321-2.3.5-05", "RFC5321-4.1.2-10", "RFC1123-5.2.5-03"),
    seen_in=(SENDMAIL, CHASQUID, AIOSMTPD, SMTP_SERVER),
    # A sender with an underscore in its domain, in UTF-8.
    also_trips=("rfc6531-smtputf8/3.3-addresses/sender*",),
)(lambda rules: grammar(rules, label="[A-Za-z0-9_-]{{1,63}}"))

fault(
    "ehlo-control-character",
    title="Control characters in arguments are taken",
    breaks=("RFC5321-4.1.2-26", "RFC5321-4.1.2-24", "RFC5321-2.4-15"),
    seen_in=(POSTFIX, QPSMTPD, CHASQUID, AIOSMTPD),
    # Nothing looks at the octets any more.
    also_trips=("rfc6531-smtputf8/3.3-addresses/not-utf8*",),
)(lambda rules: _without_controls(without_gate(rules, "characters")))


def _without_controls(rules: Rules) -> Rules:
    if "EHLO" not in rules.commands:
        return rules
    return handled(rules, "EHLO", _controls_taken)


def _controls_taken(session: Session, argument: str) -> Reply:
    return dialogue.ehlo(session, argument) if argument == _printable(argument) else _hello(session, argument)


@fault(
    "ehlo-literal-refused",
    title="EHLO refuses address literals",
    breaks=("RFC5321-4.1.1.1-12",),
    roles=("mx", "submission", "relay"),
)
def _no_literal(rules: Rules) -> Rules:
    def hello(session: Session, argument: str) -> Reply:
        return reply(501, "", "Domain expected") if argument.startswith("[") else dialogue.ehlo(session, argument)

    return handled(rules, "EHLO", hello)


@fault(
    "ehlo-text-after-literal-refused",
    title="EHLO refuses text after an address literal",
    breaks=("RFC5321-4.1.1.1-03",),
    roles=("mx", "submission", "relay"),
)
def _no_text(rules: Rules) -> Rules:
    def hello(session: Session, argument: str) -> Reply:
        return reply(501, "", "Too many arguments") if " " in argument else dialogue.ehlo(session, argument)

    return handled(rules, "EHLO", hello)


@fault(
    "helo-lists-extensions",
    title="HELO is answered with the list of extensions",
    breaks=("RFC5321-3.2-02",),
    roles=("mx", "submission", "relay"),
)
def _helo_extended(rules: Rules) -> Rules:
    return answer(rules, "HELO", 250, lambda given: given._replace(lines=(*given.lines, "PIPELINING", "8BITMIME")))


@fault(
    "helo-without-argument",
    title="HELO without argument is accepted",
    breaks=("RFC5321-4.1.1.1-11", "RFC1123-5.2.5-03"),
    roles=("mx", "submission", "relay"),
)
def _helo_bare(rules: Rules) -> Rules:
    return handled(rules, "HELO", lambda session, argument: dialogue.helo(session, argument or "unknown.test"))


fault(
    "helo-any-argument",
    title="HELO takes any argument that is printable, and none",
    breaks=("RFC5321-4.1.1.1-11", "RFC1123-5.2.5-03"),
    roles=("mx", "submission", "relay"),
)(lambda rules: handled(rules, "HELO", _any_name))


def _any_name(session: Session, argument: str) -> Reply:
    session.hello, session.esmtp = argument, False
    return reply(250, "", session.site.host)


fault(
    "helo-opens-nothing",
    title="After HELO the server wants EHLO before it takes mail",
    breaks=("RFC5321-2.2.1-04", "RFC5321-4.1.1.1-07"),
    roles=("mx", "submission", "relay"),
)(lambda rules: goes(rules, State.CONNECTED, "HELO", 2, State.CONNECTED))

fault(
    "ehlo-refused-550",
    title="EHLO with a name that has another address gets 550",
    breaks=("RFC5321-4.1.4-09", "RFC1123-5.2.5-02"),
    roles=("mx", "submission", "relay"),
)(lambda rules: handled(rules, "EHLO", _resolved))


def _resolved(session: Session, argument: str) -> Reply:
    if argument == "example.com":
        return reply(550, "", "Your name does not match your address")
    return dialogue.ehlo(session, argument)


fault(
    "hello-few-names",
    title="EHLO takes names of a few labels of small letters",
    breaks=("RFC5321-4.1.2-10",),
    roles=("mx", "submission", "relay"),
    also_trips=("rfc5321/4.5.3.1-sizes/domain*",),
)(lambda rules: handled(rules, "EHLO", _few_names))


def _few_names(session: Session, argument: str) -> Reply:
    if argument.startswith("[") or re.fullmatch(r"[a-z]+(\.[a-z]+){0,3} *", argument):
        return dialogue.ehlo(session, argument)
    return reply(501, "", "What a name")


fault(
    "helo-extends",
    title="After HELO all extensions are in force",
    breaks=("RFC5321-4.1.1.1-25",),
    roles=("mx", "submission", "relay"),
    # Received says ESMTP after HELO.
    also_trips=(
        "rfc3848-transmission-types/1-keywords/smtp",
        "rfc5321/4.4-trace/with-what-was-spoken*",
    ),
)(lambda rules: handled(rules, "HELO", _extending))


def _extending(session: Session, argument: str) -> Reply:
    given = dialogue.helo(session, argument)
    session.esmtp = given.code == 250
    return given


# The list

fault(
    "keyword-not-a-keyword",
    title="A line of the EHLO reply is no keyword",
    breaks=("RFC5321-4.1.1.1-14", "RFC5321-4.1.1.1-21"),
)(lambda rules: ehlo(rules, lambda lines: (*lines, "_VERSION_ 1.0")))

fault(
    "keyword-with-equals-sign",
    title="AUTH= is listed for the sake of old clients",
    breaks=("RFC5321-4.1.1.1-14", "RFC4954-3-01"),
)(lambda rules: ehlo(rules, lambda lines: (*lines, "AUTH=LOGIN")))

fault(
    "keyword-twice",
    title="SIZE is listed twice with different parameters",
    breaks=("RFC5321-4.1.1.1-17", "RFC5321-4.1.1.1-26"),
)(lambda rules: ehlo(rules, lambda lines: (*lines, "SIZE 1000")))

fault(
    "keyword-unregistered",
    title="A keyword without X is listed that nobody registered",
    breaks=("RFC5321-2.2.2-01", "RFC5321-2.2.2-03"),
)(lambda rules: ehlo(rules, lambda lines: (*lines, "FROBNICATE")))

fault(
    "keyword-empty",
    title="A line of the EHLO reply is empty",
    breaks=("RFC5321-4.1.1.1-14",),
)(lambda rules: ehlo(rules, lambda lines: (lines[0], "", *lines[1:])))

fault(
    "help-not-listed",
    title="HELP works and is not listed",
    breaks=("RFC5321-4.1.1.1-19",),
    seen_in=(POSTFIX, QPSMTPD, SMTP_SERVER),
)(lambda rules: listed(rules, "HELP", None))

fault(
    "expn-not-listed",
    title="EXPN works and is not listed",
    breaks=("RFC5321-3.5.2-08", "RFC5321-4.1.1.1-19", "RFC5321-4.1.1.1-23"),
)(lambda rules: listed(rules, "EXPN", None))

fault(
    "size-not-listed",
    title="The size of messages is limited, and SIZE is not listed",
    breaks=("RFC5321-4.5.3.1.7-02",),
    also_trips=("security/disclosure/size-limit",),
)(lambda rules: replace(rules, extensions=tuple(e for e in rules.extensions if e.keyword != "SIZE")))

fault(
    "keyword-parameter-unknown",
    title="DSN is listed with a parameter that it does not have",
    breaks=("RFC3461-2-01",),
)(lambda rules: listed(rules, "DSN", "DSN RET NOTIFY"))

for _keyword, _line, _broken in (
    ("submitter", "SUBMITTER yes", "RFC4405-2-01"),
    ("rrvs", "RRVS 1", "RFC7293-3.1-01"),
    ("requiretls", "REQUIRETLS NO", "RFC8689-2-01"),
    ("limits", "LIMITS RCPTMAX=100;MAILMAX=10", "RFC9422-3-01"),
):
    fault(
        f"{_keyword}-parameter-malformed",
        title=f"{_line} is listed, with a parameter that the keyword does not have",
        breaks=(_broken,),
    )(lambda rules, line=_line: ehlo(rules, lambda lines: (*lines, line)))  # type: ignore[misc]

fault(
    "keyword-two-spaces",
    title="Two spaces stand between a keyword and its parameter",
    breaks=("RFC5321-4.1.1.1-14",),
)(lambda rules: ehlo(rules, lambda lines: tuple(line.replace("SIZE ", "SIZE  ") for line in lines)))

fault(
    "keyword-without-its-base",
    title="BINARYMIME is listed without CHUNKING",
    breaks=("RFC5321-2.2.1-01", "RFC3030-3-01"),
)(lambda rules: listed(rules, "CHUNKING", None))

fault(
    "hello-unqualified",
    title="The server has a name without a domain",
    breaks=("RFC5321-4.3.1-04",),
    also_trips=("rfc5321/2.3.5-domain-names/*",),
)(lambda rules: answer(rules, "EHLO", 250, lambda given: given._replace(lines=("mx", *given.lines[1:]))))


fault(
    "eight-bit-not-offered",
    title="8BITMIME is not offered",
    breaks=("RFC5321-2.4-16", "RFC5321-2.2.1-01", "RFC2033-5-03", "RFC6409-7-07", "RFC6531-3.1-05"),
    # Other documents ask for 8BITMIME too, and BODY is unknown without it.
    also_trips=(
        "rfc6531-smtputf8/3.1-keyword-and-parameter/accepted*",
        "rfc6531-smtputf8/3.3-addresses/sender*",
    ),
)(lambda rules: without_extension(rules, "8BITMIME"))


@fault(
    "ehlo-lists-once",
    title="A second EHLO gets 250 without the list",
    breaks=("RFC5321-4.1.1.1-24", "RFC5321-4.1.4-02"),
)
def _lists_once(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        if session.tls:
            return given
        session.memory["hellos"] = session.memory.get("hellos", 0) + 1
        return given._replace(lines=given.lines[:1]) if session.memory["hellos"] > 1 else given

    return on_reply(rules, change, "EHLO", 250)
