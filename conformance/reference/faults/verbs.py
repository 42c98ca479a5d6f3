"""Faults of verbs: how they are read, unknown and unlisted ones, errors (RFC 5321 sections 3.8, 4.1.1, 4.1.5)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference.actions import Action, Close
from conformance.reference.change import (
    answer,
    closing,
    handled,
    limited,
    on_reply,
    without_command,
    without_gate,
)
from conformance.reference.faults import fault
from conformance.reference.faults._seen import (
    AIOSMTPD,
    CHASQUID,
    OPENSMTPD,
    QPSMTPD,
    SENDMAIL,
    SMTP_SERVER,
)
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import ANY, Command, Handler, State

_OLD = ("SEND", "SOML", "SAML")

fault(
    "verb-upper-case-only",
    title="Verbs are known in upper case only",
    breaks=("RFC5321-2.4-02", "RFC5321-4.1.1.1-22"),
    # The same is asked of the verbs of extensions, and of DATA within a transaction.
    also_trips=(
        "rfc1870-size/6-mail-command/accepted*",
        "rfc3030-chunking/2-bdat/any-case",
    ),
)(lambda rules: replace(rules, split_line=_as_it_is))


def _as_it_is(line: bytes) -> tuple[bytes, bytes]:
    verb, _, argument = line.rstrip(b" \t").partition(b" ")
    return verb, argument


@fault(
    "keyword-upper-case-only",
    title="FROM, TO and the names of parameters are known in upper case only",
    breaks=("RFC5321-2.4-03", "RFC5321-4.1.1.1-22"),
    # The same is asked of the parameters of extensions.
    also_trips=(
        "rfc1870-size/6-mail-command/accepted*",
        "rfc3030-chunking/3-binarymime/accepted*",
        "rfc3461-dsn/4-parameters/mail-parameters*",
        "rfc3461-dsn/4-parameters/rcpt-parameters*",
        "rfc4954-auth/5-mail-parameter/accepted*",
        "rfc6152-8bitmime/2-keyword-and-parameter/body-values*",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/accepted*",
    ),
)
def _upper_case_only(rules: Rules) -> Rules:
    for verb in ("MAIL", "RCPT"):
        rules = handled(rules, verb, _strict_about_case(rules.commands[verb]))
    return rules


def _strict_about_case(command: Command) -> Handler:
    def handle(session: Session, argument: str) -> Reply | None:
        words = [argument.partition(":")[0], *re.findall(r" ([A-Za-z][A-Za-z0-9-]*)(?=[ =]|\Z)", argument)]
        if any(word != word.upper() for word in words):
            return reply(501, "5.5.4", "Syntax error")
        return command.handler(session, argument)

    return handle


fault(
    "verb-with-space-refused",
    title="White space before <CRLF> makes a command unknown",
    breaks=("RFC5321-4.1.1-01",),
    seen_in=(OPENSMTPD,),
)(lambda rules: replace(rules, split_line=_exact))


def _exact(line: bytes) -> tuple[bytes, bytes]:
    verb, _, argument = line.partition(b" ")
    return (b"", b"") if line.endswith((b" ", b"\t")) else (verb.upper(), argument)


fault(
    "verb-has-four-letters",
    title="The first four letters of a line are the verb, whatever follows",
    breaks=("RFC5321-4.1.1-05",),
)(lambda rules: replace(rules, split_line=lambda line: _four_letters(rules, line)))


def _four_letters(rules: Rules, line: bytes) -> tuple[bytes, bytes]:
    verb, argument = rules.split_line(line)
    return (verb, argument) if verb in rules.verbs else (line[:4].upper(), line[4:].strip(b" \t,:"))


fault(
    "verb-abbreviated",
    title="A verb can be abbreviated",
    breaks=("RFC5321-4.1.1-05",),
)(lambda rules: replace(rules, split_line=lambda line: _abbreviated(rules, line)))


def _abbreviated(rules: Rules, line: bytes) -> tuple[bytes, bytes]:
    verb, argument = rules.split_line(line)
    meant = [known for known in rules.verbs if len(verb) == 3 and known.startswith(verb)]
    return (meant[0] if len(meant) == 1 else verb), argument


fault(
    "argument-ignored",
    title="RSET, DATA and QUIT take any argument",
    breaks=("RFC5321-4.1.1-04", "RFC5321-4.3.2-07", "RFC3207-4-02"),
    seen_in=(SENDMAIL, QPSMTPD, CHASQUID, SMTP_SERVER),
)(lambda rules: without_gate(rules, "bare"))

fault(
    "help-unknown",
    title="HELP is not recognised",
    breaks=("RFC5321-4.1.1.8-01", "RFC5321-4.1.1.8-02", "RFC5321-4.2.4-03"),
)(lambda rules: without_command(rules, "HELP"))

fault(
    "help-250",
    title="HELP is answered with 250",
    breaks=("RFC5321-4.1.1.8-02", "RFC5321-4.3.2-16", "RFC5321-4.2.1-04"),
)(lambda rules: answer(rules, "HELP", 214, reply(250, "2.0.0", "Ask somebody else")))


@fault(
    "old-commands-work",
    title="SEND, SOML and SAML work and are not listed",
    breaks=("RFC5321-F.6-03", "RFC5321-4.1.1.1-19"),
)
def _old_commands(rules: Rules) -> Rules:
    for verb in _OLD:
        rules = handled(rules, verb, lambda session, argument: reply(250, "2.0.0", "Ok"), success=(250,))
    return rules


fault(
    "turn-works",
    title="TURN works for everybody",
    breaks=("RFC5321-F.1-01", "RFC5321-4.1.1.1-19"),
)(lambda rules: handled(rules, "TURN", lambda session, argument: reply(250, "2.0.0", "Turning"), success=(250,)))


@fault(
    "etrn-not-listed",
    title="ETRN works and is not listed",
    breaks=("RFC5321-4.1.1.1-19", "RFC5321-4.1.1.1-23"),
    also_trips=("security/trusted-verbs/etrn",),
)
def _etrn(rules: Rules) -> Rules:
    command = Command(
        "ETRN", "SP String", ANY, (250,), (), lambda session, argument: reply(250, "2.0.0", "Queuing started"), ()
    )
    return replace(rules, commands={**rules.commands, "ETRN": command})


fault(
    "old-commands-unknown",
    title="SEND, SOML, SAML and TURN are known and answered with 500",
    breaks=("RFC5321-4.2.4-01",),
)(lambda rules: without_command(rules, *_OLD, "TURN"))


fault(
    "unknown-command-closes",
    title="An unknown command ends the connection",
    breaks=("RFC5321-3.8-01", "RFC5321-3.8-02", "RFC5321-4.1.1.10-02"),
)(lambda rules: closing(rules, "UNKNOWN"))


@fault(
    "refused-command-closes",
    title="A refused command ends the connection",
    breaks=("RFC5321-3.8-01", "RFC5321-3.8-02", "RFC5321-4.1.1.10-02"),
    # They go on after a refusal.
    also_trips=("rfc*",),
)
def _refusal_closes(rules: Rules) -> Rules:
    return on_reply(rules, _close_after_refusal, code=5)


def _close_after_refusal(session: Session, event: str, given: Reply) -> list[Action]:
    session.state = State.CLOSED
    return [session.rules.render(given), Close()]


def _service_not_available(session: Session, event: str, given: Reply) -> list[Action]:
    session.state = State.CLOSED
    return [session.rules.render(reply(421, "4.3.0", f"{session.site.host} closing")), Close()]


fault(
    "refused-command-421",
    title="A command that has to be refused ends the session with 421",
    breaks=("RFC5321-3.8-01", "RFC5321-3.8-02", "RFC5321-4.1.1.10-02"),
    # They go on after a refusal.
    also_trips=("rfc3030-chunking/2-bdat/*", "rfc4954-auth/4-auth-command/*", "rfc5321/4.1.1.6-vrfy-expn/*"),
)(lambda rules: on_reply(rules, _service_not_available, code=5))


@fault(
    "refused-command-421-at-the-next",
    title="The command behind a refused one ends the session with 421",
    breaks=("RFC5321-3.8-01", "RFC5321-3.8-02", "RFC5321-4.1.1.10-02"),
    # They go on after a refusal.
    also_trips=("rfc3030-chunking/2-bdat/*", "rfc4954-auth/4-auth-command/*"),
)
def _at_the_next(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if session.memory.get("refused"):
            return _service_not_available(session, event, given)
        session.memory["refused"] = given.code >= 500
        return given

    return on_reply(rules, change)


fault(
    "unknown-command-502",
    title="An unknown command is answered with 502",
    breaks=("RFC5321-4.2.4-02", "RFC5321-3.8-02", "RFC5321-4.1.5-01", "RFC2033-4.1-03"),
)(lambda rules: answer(rules, "UNKNOWN", 500, reply(502, "5.5.1", "Not implemented")))

fault(
    "unknown-command-250",
    title="An unknown command is answered with 250",
    breaks=("RFC5321-3.8-02", "RFC5321-4.1.5-01", "RFC5321-2.2.2-02", "RFC5321-2.2.2-04", "RFC5321-4.1.1-05"),
    # Unknown verbs of many kinds.
    also_trips=(
        "rfc2033-lmtp/4-changes-to-smtp/*",
        "rfc3030-chunking/2-bdat/arbitrary-octets",
        "rfc3207-starttls/4-starttls-command/no-line-across-the-border",
        "rfc5321/2.*",
        "rfc5321/3.8-terminating-sessions/*",
        "rfc5321/4.1.1.1-ehlo-helo/working-commands-are-listed*",
        "rfc5321/4.2-replies/second-digit*",
        "lint/enhanced-absent",
        "lint/full-name",
    ),
)(lambda rules: answer(rules, "UNKNOWN", 500, reply(250, "2.0.0", "Whatever you say")))

fault(
    "unknown-command-550",
    title="An unknown command is answered with 550",
    breaks=(
        "RFC5321-3.8-02",
        "RFC5321-4.2.4-02",
        "RFC5321-4.2.1-04",
        "RFC5321-4.1.5-01",
        "RFC5321-4.3.1-05",
        "RFC5321-4.2.2-01",
    ),
    roles=("mx", "submission", "relay"),
)(lambda rules: answer(rules, "UNKNOWN", 500, lambda given: given._replace(code=550)))


@fault(
    "get-works",
    title="GET is a command, answered with 250",
    breaks=("RFC5321-2.2.2-02", "RFC5321-2.2.2-04", "RFC5321-4.1.5-02"),
)
def _get(rules: Rules) -> Rules:
    command = Command("GET", "SP String", ANY, (250,), (), lambda session, argument: reply(250, "2.0.0", "Ok"), ())
    return replace(rules, commands={**rules.commands, "GET": command})


fault(
    "three-errors-421",
    title="The third refused command ends the session with 421",
    breaks=("RFC5321-3.8-01",),
    seen_in=(CHASQUID,),
    # Three refusals come first.
    also_trips=("rfc3030-chunking/2-bdat/group-behind-refused-recipient",),
)(lambda rules: limited(rules, errors=2))


@fault(
    "many-errors-close",
    title="The tenth refused command ends the connection without 421",
    breaks=("RFC5321-3.8-03", "RFC5321-3.8-01"),
    seen_in=(AIOSMTPD,),
)
def _tenth_closes(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if session.errors < 10:
            return given
        session.state = State.CLOSED
        return [session.rules.render(given), Close()]

    return on_reply(rules, change, code=5)


# Unknown commands

fault(
    "unknown-command-closes-without-reply",
    title="An unknown command ends the connection without a reply",
    breaks=("RFC5321-3.8-01", "RFC5321-3.8-02", "RFC5321-3.8-03", "RFC5321-4.2.4-02"),
    # Whatever is no command.
    also_trips=("rfc*",),
)(lambda rules: closing(rules, "UNKNOWN", 500, silent=True))


for _count, _word in ((3, "third"), (30, "thirtieth")):

    @fault(
        f"{_word}-unknown-command-closes",
        title=f"After the {_word} unknown command the connection is closed without 421",
        breaks=("RFC5321-3.8-01", "RFC5321-3.8-03"),
    )
    def _many(rules: Rules, count: int = _count) -> Rules:
        def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
            if session.errors != count:
                return given
            session.state = State.CLOSED
            return [session.rules.render(given), Close()]

        return on_reply(rules, change, "UNKNOWN", 500)
