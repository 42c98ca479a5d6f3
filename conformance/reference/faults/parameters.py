"""Faults of the parameters of MAIL and RCPT (RFC 5321 sections 4.1.1.11 and 4.1.2)."""

from __future__ import annotations

import re

from conformance.reference.change import answer, arguments, on_reply, without_gate
from conformance.reference.faults import fault
from conformance.reference.faults._seen import CHASQUID, EXIM, JAMES
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session

_GOOD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[\x21-\x3c\x3e-\x7e]+)?").fullmatch


def _good_parameters(text: str) -> str:
    path, bracket, parameters = text.rpartition("> ")
    return path + ">" + "".join(f" {word}" for word in parameters.split() if _GOOD(word)) if bracket else text


fault(
    "parameters-malformed-ignored",
    title="What is no parameter is passed over",
    breaks=("RFC5321-4.1.2-06", "RFC5321-4.1.2-07", "RFC5321-4.1.2-29"),
    seen_in=(CHASQUID, f"{EXIM}: empty values"),
    also_trips=(
        "rfc1870-size/6-mail-command/malformed*",
        "rfc3461-dsn/4-parameters/mail-parameters-odd*",
        "rfc3461-dsn/4-parameters/rcpt-parameters-malformed*",
        "rfc4954-auth/5-mail-parameter/malformed*",
        "rfc6152-8bitmime/2-keyword-and-parameter/body-without-value*",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/with-value*",
    ),
)(lambda rules: arguments(rules, _good_parameters))

fault(
    "parameters-without-space",
    title="Nothing, a comma or a tab may part the path from its parameters",
    breaks=(
        "RFC5321-4.1.2-07",
        "RFC5321-2.4-15",
    ),
    also_trips=("rfc6531-smtputf8/3.3-addresses/not-utf8*",),
)(lambda rules: arguments(without_gate(rules, "characters"), lambda text: re.sub(r">[,;\t]?(?=[A-Z]+=)", "> ", text)))

fault(
    "parameters-refused",
    title="SIZE and BODY are offered, and their parameters get 555",
    breaks=("RFC5321-4.1.1.2-04", "RFC5321-4.1.2-07", "RFC1870-6-01", "RFC6152-3-01"),
    also_trips=(
        "rfc1870-size/6-mail-command/accepted*",
        "rfc3463-status/3-codes/too-big",
        "rfc5321/4.1.1.11-parameters/several-parameters*",
        "rfc6152-8bitmime/2-keyword-and-parameter/body-values*",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/accepted*",
        "rfc6531-smtputf8/3.3-addresses/sender*",
    ),
)(lambda rules: arguments(rules, lambda text: re.sub(r"> (?=SIZE|BODY)", "> X-", text), "MAIL"))


def _later(session: Session, event: str, given: Reply) -> Reply:
    """Put a command off for what stands behind its path."""
    return reply(451, "4.3.0", "Unable to process request") if _BEHIND.search(session.line) else given


_BEHIND = re.compile(rb">[\s,;]*[-\w]*=|> \w")

fault(
    "parameters-malformed-451",
    title="A parameter that is malformed or not known is refused for now, with 451",
    breaks=(
        "RFC5321-4.1.1.11-01",
        "RFC5321-4.1.1.11-03",
        "RFC5321-4.1.1.11-05",
        "RFC5321-4.1.1.11-06",
        "RFC5321-4.1.2-06",
        "RFC5321-4.1.2-07",
        "RFC5321-4.1.2-29",
        "RFC5321-4.2.1-06",
        "RFC1870-6-01",
        "RFC1870-6.1-04",
        "RFC3461-4-01",
        "RFC3461-4.1-01",
        "RFC3461-4.1-02",
        "RFC3461-4.1-04",
        "RFC3461-4.2-01",
        "RFC3461-4.2-04",
        "RFC3461-4.3-01",
        "RFC3461-4.4-01",
        "RFC3461-4.4-02",
        "RFC3461-4.5-01",
        "RFC3461-4.5-02",
        "RFC3461-5.1-02",
        "RFC3461-5.1-04",
        "RFC4954-5-09",
        "RFC6152-2-03",
        "RFC6152-3-01",
        "RFC6531-3.1-03",
    ),
    seen_in=(f"{JAMES}: parameters of DSN",),
)(lambda rules: on_reply(rules, _later, ("MAIL", "RCPT"), 5))

fault(
    "parameters-put-off",
    title="MAIL with a parameter other than SIZE gets 451",
    breaks=(
        "RFC3461-4-01",
        "RFC3461-4.3-01",
        "RFC3461-5.1-01",
        "RFC3461-5.4-01",
        "RFC4954-5-01",
        "RFC4954-5-10",
        "RFC6152-2-02",
        "RFC6531-3.1-04",
    ),
)(lambda rules: on_reply(rules, _later_without_size, "MAIL", 2))


def _later_without_size(session: Session, event: str, given: Reply) -> Reply:
    return given if b"SIZE" in session.line.upper() else _later(session, event, given)


_NAME = re.compile(r" ([A-Za-z0-9][A-Za-z0-9-]*)(?:=[\x21-\x3c\x3e-\x7e]+)?(?= |$)")


def _known_only(rules: Rules) -> Rules:
    known = {name for _, name in rules.parameters}

    def without_unknown(text: str) -> str:
        path, bracket, parameters = text.rpartition(">")
        return path + bracket + _NAME.sub(lambda word: word[0] if word[1].upper() in known else "", parameters)

    return arguments(rules, without_unknown)


fault(
    "parameters-unknown-ignored",
    title="Parameters that the server does not know are passed over",
    breaks=("RFC5321-4.1.1.11-01", "RFC5321-4.1.1.11-03", "RFC5321-4.1.1.11-05", "RFC5321-4.1.1.11-06"),
)(_known_only)

fault(
    "parameters-unknown-501",
    title="A parameter that the server does not know is called a syntax error",
    breaks=("RFC5321-4.1.1.11-01", "RFC5321-4.1.1.11-05", "RFC5321-4.1.1.11-06", "RFC5321-4.2.1-06"),
)(lambda rules: _syntax_error(_syntax_error(rules, "MAIL"), "RCPT"))


def _syntax_error(rules: Rules, verb: str) -> Rules:
    return answer(rules, verb, 555, lambda given: given._replace(code=501))
