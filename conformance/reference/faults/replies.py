"""Faults in the form of replies: line ends, codes, texts, enhanced status codes (RFC 5321 section 4.2, RFC 2034)."""

from __future__ import annotations

import re

from conformance.reference.actions import Action
from conformance.reference.change import answer, limited, listed, on_actions, on_reply, raw, text, without_extension
from conformance.reference.faults import fault
from conformance.reference.faults._seen import AIOSMTPD, CHASQUID, OPENSMTPD, POSTFIX, QPSMTPD, SENDMAIL, SMTP_SERVER
from conformance.reference.reply import Reply, reply
from conformance.reference.session import Session

fault(
    "reply-bare-lf",
    title="Replies end with LF instead of CRLF",
    breaks=("RFC5321-2.3.8-05", "RFC5321-2.3.7-01", "RFC5321-4.2-02"),
)(lambda rules: raw(rules, lambda octets: octets.replace(b"\r\n", b"\n")))

fault(
    "reply-bare-cr-in-text",
    title="The text of a reply holds a bare CR",
    breaks=("RFC5321-2.3.8-05", "RFC5321-4.2-05"),
)(lambda rules: text(rules, "NOOP", 250, "OK\rdone"))

fault(
    "reply-line-600",
    title="A reply line is longer than 512 octets",
    breaks=("RFC5321-4.5.3.1.5-01",),
)(lambda rules: text(rules, "NOOP", 250, "OK" * 300))

fault(
    "reply-two-codes",
    title="The lines of one reply carry different codes",
    breaks=("RFC5321-4.2.1-08",),
)(lambda rules: raw(rules, lambda octets: octets.replace(b"\r\n250 ", b"\r\n251 "), "EHLO"))

fault(
    "reply-without-hyphens",
    title="All lines of a multiline reply have a space after the code",
    breaks=("RFC5321-4.2.1-07", "RFC5321-4.1.1.1-15", "RFC5321-4.2-01"),
    # The lines behind the first one of EHLO are taken for replies to what comes next.
    also_trips=("*",),
)(lambda rules: raw(rules, lambda octets: octets.replace(b"250-", b"250 "), "EHLO"))

fault(
    "reply-hyphen-on-last-line",
    title="The last line of a multiline reply announces another one that never comes",
    breaks=("RFC5321-4.2.1-07", "RFC5321-4.1.1.1-15"),
    # The next reply is taken for the end of this one.
    also_trips=(
        "lint/enhanced-absent",
        "lint/keyword-grammar",
        "lint/one-code",
    ),
)(lambda rules: raw(rules, lambda octets: octets.replace(b"250 ", b"250-"), "EHLO"))

fault(
    "reply-hyphen-on-last-line-of-help",
    title="The last line of the help announces another one that never comes",
    breaks=("RFC5321-4.2.1-07",),
)(lambda rules: raw(rules, lambda octets: octets.replace(b"214 ", b"214-"), "HELP"))

fault(
    "reply-code-600",
    title="A reply code starts with 6",
    breaks=("RFC5321-4.3.2-16", "RFC5321-4.2.1-04", "RFC5321-4.2-14", "RFC5321-4.3.2-03"),
)(lambda rules: answer(rules, "HELP", 214, reply(600, "", "No help")))

fault(
    "reply-code-290",
    title="The second digit of a reply code is 9",
    breaks=("RFC5321-4.3.2-16", "RFC5321-4.2-06", "RFC5321-4.2.1-04"),
)(lambda rules: answer(rules, "HELP", 214, reply(294, "2.0.0", "No help")))

fault(
    "reply-code-of-its-own",
    title="A reply code is one that no document defines",
    breaks=("RFC5321-4.3.2-16", "RFC5321-4.2.1-04", "RFC5321-4.2-07", "RFC5321-4.2.1-05"),
)(lambda rules: answer(rules, "HELP", 214, reply(213, "2.0.0", "No help")))

fault(
    "reply-code-of-two-digits",
    title="A reply code has two digits",
    breaks=(
        "RFC5321-4.3.2-16",
        "RFC5321-4.2.1-04",
        "RFC5321-2.3.7-01",
        "RFC5321-4.2-02",
        "RFC5321-4.3.2-03",
        "RFC5321-2.4-01",
    ),
)(lambda rules: raw(rules, lambda octets: b"21 No help\r\n", "HELP"))

fault(
    "reply-without-code",
    title="A reply is text without a code",
    breaks=("RFC5321-4.3.2-16", "RFC5321-4.2.1-04", "RFC5321-2.3.7-01", "RFC5321-4.2-02", "RFC5321-2.4-01"),
)(lambda rules: raw(rules, lambda octets: b"OK\r\n", "HELP"))

fault(
    "reply-without-text",
    title="A reply is a code and nothing else",
    breaks=("RFC5321-4.2-10", "RFC5321-4.2.1-09", "RFC2034-4-01"),
)(lambda rules: raw(rules, lambda octets: b"214\r\n", "HELP"))

fault(
    "reply-tab-after-code",
    title="A tab stands between code and text",
    breaks=("RFC5321-4.2-02",),
)(lambda rules: raw(rules, lambda octets: octets.replace(b" ", b"\t", 1), "NOOP"))

fault(
    "reply-not-ascii",
    title="The text of a reply is not ASCII",
    breaks=("RFC5321-4.2-05", "RFC5321-2.4-09", "RFC6531-3.7.4.2-03", "RFC5321-4.1.1.1-16"),
    seen_in=(CHASQUID,),
)(lambda rules: text(rules, "NOOP", 250, "Schöne Grüße"))

fault(
    "reply-echoes-argument",
    title="A refusal repeats the command, whatever octets are in it",
    breaks=("RFC5321-4.2-05", "RFC5321-2.4-09", "RFC5321-2.3.8-05", "RFC5321-4.2-02", "RFC5321-4.5.3.1.5-01"),
    seen_in=(SENDMAIL,),
    # A command with LF in it, or in UTF-8.
    also_trips=(
        "rfc5321/2.3.8-lines/lf-hides-no-command",
        "rfc6531-smtputf8/3.3-addresses/replies-stay-ascii*",
    ),
)(lambda rules: on_reply(rules, _echo, code=5))


def _echo(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    if not session.line:
        return given
    return [session.rules.render(given)[:-2] + b": " + session.line + b"\r\n"]


fault(
    "reply-control-character",
    title="The text of a reply holds a control character",
    breaks=("RFC5321-4.2-05",),
)(lambda rules: text(rules, "NOOP", 250, "O\x07K"))

fault(
    "reply-twice",
    title="One command gets two replies",
    breaks=("RFC5321-4.2-01", "RFC5321-2.1-03"),
    # The second one is taken for the reply to the next command.
    also_trips=("rfc5321/4.1.1.8-help/no-effect-on-the-transaction",),
)(lambda rules: raw(rules, lambda octets: octets * 2, "HELP"))

fault(
    "reply-never",
    title="HELP is not answered",
    breaks=("RFC5321-4.2-01", "RFC5321-2.1-03"),
)(lambda rules: raw(rules, lambda octets: b"", "HELP"))

fault(
    "reply-unasked",
    title="A second reply follows the greeting before any command",
    breaks=("RFC5321-4.2-01", "RFC5321-2.1-03"),
    # It is taken for the reply to what comes next.
    also_trips=("*",),
)(lambda rules: raw(rules, lambda octets: octets + b"250 2.0.0 Still here\r\n", "GREETING"))

fault(
    "reply-order-reversed",
    title="The replies to a group of commands come in reverse order",
    breaks=("RFC2920-3.2-01",),
)(lambda rules: on_actions(rules, _reversed))


def _reversed(session: Session, actions: list[Action]) -> list[Action]:
    if len(actions) != 1 or not isinstance(actions[0], bytes):
        return actions
    replies = re.findall(rb"(?:\d\d\d-.*\r\n)*\d\d\d .*\r\n", actions[0])
    return [b"".join(reversed(replies))]


# Texts that have to name the server

fault(
    "quit-without-domain",
    title="221 does not begin with the name of the server",
    breaks=("RFC5321-4.2.2-02", "RFC5321-4.3.1-04"),
    seen_in=(POSTFIX, SENDMAIL, QPSMTPD, AIOSMTPD, SMTP_SERVER, CHASQUID),
)(lambda rules: text(rules, "QUIT", 221, "Bye"))

fault(
    "greeting-without-domain",
    title="220 does not begin with the name of the server",
    breaks=("RFC5321-4.1.2-25", "RFC5321-4.2-04", "RFC5321-4.2.2-02", "RFC5321-4.3.1-04", "RFC5321-4.1.1.1-04"),
)(lambda rules: text(rules, "GREETING", 220, "Welcome!"))

fault(
    "shutdown-without-domain",
    title="After twenty errors 421 ends the session, and does not begin with the name of the server",
    breaks=("RFC5321-4.2.2-02", "RFC5321-4.3.1-04"),
)(lambda rules: limited(text(rules, "SHUTDOWN", 421, "Closing connection"), errors=19))


fault(
    "ehlo-without-domain",
    title="The EHLO reply does not begin with the name of the server",
    breaks=("RFC5321-4.1.1.1-13", "RFC5321-4.1.1.1-04", "RFC5321-4.3.1-04", "RFC5321-4.1.1.1-21"),
)(lambda rules: answer(rules, "EHLO", 250, lambda given: given._replace(lines=("Hello!", *given.lines[1:]))))

fault(
    "helo-without-domain",
    title="The HELO reply does not begin with the name of the server",
    breaks=("RFC5321-4.1.1.1-04", "RFC5321-4.3.1-04"),
)(lambda rules: text(rules, "HELO", 250, "Hello!"))

# Enhanced status codes

fault(
    "status-missing",
    title="ENHANCEDSTATUSCODES is listed, and no reply has one",
    breaks=("RFC2034-4-01", "RFC2034-4-07", "RFC2920-3.2-10", "RFC2034-4-09"),
    # One status code each.
    also_trips=(
        "rfc3207-starttls/4-starttls-command/mail-before-tls-status",
        "rfc4954-auth/4-auth-command/*",
    ),
)(lambda rules: on_reply(rules, lambda session, event, given: given._replace(status="")))

fault(
    "status-missing-on-rcpt-errors",
    title="Refusals of RCPT have no enhanced status code",
    breaks=("RFC2034-4-01",),
    seen_in=(OPENSMTPD,),
)(lambda rules: answer(rules, "RCPT", 550, lambda given: given._replace(status="")))

fault(
    "status-of-another-class",
    title="A permanent refusal carries a transient enhanced status code",
    breaks=("RFC2034-4-02", "RFC3463-2-04", "RFC2034-4-09"),
)(lambda rules: answer(rules, "RCPT", 550, lambda given: given._replace(status="4" + given.status[1:])))

fault(
    "status-in-354",
    title="354 carries an enhanced status code",
    breaks=("RFC2034-4-03",),
)(lambda rules: answer(rules, "DATA", 354, lambda given: given._replace(status="3.0.0")))

fault(
    "status-in-greeting",
    title="The greeting carries an enhanced status code",
    breaks=("RFC2034-4-04", "RFC5321-4.2-04"),
)(lambda rules: answer(rules, "GREETING", 220, lambda given: given._replace(status="2.0.0")))

fault(
    "status-in-ehlo",
    title="The EHLO reply carries an enhanced status code",
    breaks=("RFC2034-4-04",),
)(lambda rules: raw(rules, lambda octets: octets[:4] + b"2.0.0 " + octets[4:], "EHLO"))

fault(
    "status-on-first-line-only",
    title="Only the first line of a multiline reply carries the enhanced status code",
    breaks=("RFC2034-4-05",),
)(lambda rules: raw(rules, lambda octets: octets[:10] + octets[10:].replace(b"2.0.0 ", b""), "HELP"))

fault(
    "status-with-leading-zero",
    title="A number in an enhanced status code has a leading zero",
    breaks=("RFC3463-2-02",),
)(lambda rules: answer(rules, "NOOP", 250, lambda given: given._replace(status="2.00.0")))

fault(
    "status-with-four-digits",
    title="A number in an enhanced status code has four digits",
    breaks=("RFC3463-2-01",),
)(lambda rules: answer(rules, "NOOP", 250, lambda given: given._replace(status="2.1000.0")))

fault(
    "status-unregistered",
    title="An enhanced status code is one that nobody registered",
    breaks=("RFC3463-2-03", "RFC5248-2.1-01"),
)(lambda rules: answer(rules, "NOOP", 250, lambda given: given._replace(status="2.9.99")))

fault(
    "status-of-another-reply",
    title="221 carries the status code of a refused mailbox, but for its class",
    breaks=("RFC5248-2.4-01",),
)(lambda rules: answer(rules, "QUIT", 221, lambda given: given._replace(status="2.1.5")))

fault(
    "status-before-hyphen",
    title="Nothing separates the enhanced status code from the text",
    breaks=("RFC2034-4-06",),
)(lambda rules: raw(rules, lambda octets: octets.replace(b"2.0.0 ", b"2.0.0:"), "NOOP"))

fault(
    "status-only-after-ehlo",
    title="Replies have enhanced status codes only for clients that said EHLO",
    breaks=("RFC2034-4-07", "RFC2034-4-01", "RFC2034-4-08"),
)(lambda rules: on_reply(rules, _negotiated))


def _negotiated(session: Session, event: str, given: Reply) -> Reply:
    return given if session.esmtp else given._replace(status="")


fault(
    "status-not-offered",
    title="ENHANCEDSTATUSCODES is not listed",
    breaks=("RFC5321-4.3.2-04", "RFC2033-5-02", "RFC6409-7-02"),
)(lambda rules: without_extension(rules, "ENHANCEDSTATUSCODES"))

fault(
    "status-with-parameter",
    title="ENHANCEDSTATUSCODES is listed with a parameter",
    breaks=("RFC2034-3-01",),
)(lambda rules: listed(rules, "ENHANCEDSTATUSCODES", "ENHANCEDSTATUSCODES 2.0"))

fault(
    "status-says-nothing",
    title="Every enhanced status code is X.0.0",
    breaks=(
        "RFC3463-3.2-01",
        "RFC3463-3.2-03",
        "RFC3463-3.2-05",
        "RFC3463-3.2-07",
        "RFC3463-3.4-01",
        "RFC3463-3.6-01",
        "RFC3463-3.8-01",
    ),
    # One status code each.
    also_trips=(
        "rfc3207-starttls/4-starttls-command/mail-before-tls-status",
        "rfc4954-auth/4-auth-command/*",
    ),
)(lambda rules: on_reply(rules, _undefined))


def _undefined(session: Session, event: str, given: Reply) -> Reply:
    return given._replace(status=f"{given.status[0]}.0.0") if given.status else given
