"""Faults of AUTH (RFC 4954): the keyword, the command, its exchange, and the parameter of MAIL."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import replace

from conformance.reference import dialogue, transaction
from conformance.reference.actions import Action, Close
from conformance.reference.change import (
    allowed,
    answer,
    anything,
    closing,
    ehlo,
    goes,
    handled,
    limited,
    listed,
    on_input,
    on_reply,
    parameter,
    without_gate,
)
from conformance.reference.extension import auth, xtext
from conformance.reference.faults import fault
from conformance.reference.faults._seen import AIOSMTPD, EXIM, JAMES, OPENSMTPD, POSTFIX, QPSMTPD, SMTP_SERVER
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.sasl import REJECTED
from conformance.reference.session import Session
from conformance.reference.table import Command, State

# The keyword


def _announced(rules: Rules, rewrite: str, pattern: str = r"AUTH .*", *, clear_text: bool = False) -> Rules:
    """Announce something else; in clear text only where that is said."""
    before = rules.ehlo

    def lines(session: Session) -> tuple[str, ...]:
        found = before(session)
        if clear_text and session.tls:
            return found
        return tuple(re.sub(pattern, rewrite, line) if line.startswith("AUTH") else line for line in found)

    return replace(rules, ehlo=lines)


fault(
    "auth-in-small-letters",
    title="AUTH lists its mechanisms in small letters",
    breaks=(
        "RFC4954-3-01",
        "RFC4422-3.1-01",
        "RFC5321-4.1.1.1-14",
    ),
)(lambda rules: ehlo(rules, lambda lines: tuple(f"AUTH {x[5:].lower()}" if x[:4] == "AUTH" else x for x in lines)))

fault(
    "auth-without-mechanism",
    title="AUTH is listed without a mechanism",
    breaks=("RFC4954-3-01", "RFC4954-4-27"),
)(lambda rules: listed(rules, "AUTH", "AUTH"))

fault(
    "auth-not-listed",
    title="A submission server does not list AUTH",
    breaks=(
        "RFC4954-3-04",
        "RFC6409-7-08",
    ),
    roles=("submission",),
)(lambda rules: listed(rules, "AUTH", None))

fault(
    "auth-plain-in-clear-text",
    title="PLAIN and LOGIN work without TLS",
    breaks=("RFC4954-4-26", "RFC4954-4-25", "RFC4616-5-01"),
    seen_in=(POSTFIX, EXIM, AIOSMTPD, SMTP_SERVER, QPSMTPD),
)(lambda rules: replace(rules, may_use=lambda session, mechanism: True))

fault(
    "auth-login-in-clear-text",
    title="LOGIN is listed without TLS",
    breaks=("RFC4954-4-26",),
)(lambda rules: _announced(rules, r"\g<0> LOGIN", clear_text=True))

fault(
    "auth-without-plain",
    title="PLAIN is not there, not even in TLS",
    breaks=("RFC4954-4-27",),
)(lambda rules: replace(rules, mechanisms=tuple(m for m in rules.mechanisms if m.name != "PLAIN")))

fault(
    "auth-announced-and-refused",
    title="PLAIN is listed in clear text and refused there",
    breaks=("RFC4954-6-06", "RFC4954-4-26"),
)(lambda rules: _announced(rules, r"\g<0> PLAIN", clear_text=True))

fault(
    "auth-channel-binding-in-clear-text",
    title="SCRAM-SHA-256-PLUS is listed in clear text",
    breaks=("RFC5802-6-02",),
)(lambda rules: _announced(rules, r"\g<0> SCRAM-SHA-256-PLUS", clear_text=True))

fault(
    "auth-weak-mechanisms",
    title="NTLM and DIGEST-MD5 are listed",
    breaks=("RFC4422-6.1.2-01",),
)(lambda rules: _announced(rules, r"\g<0> NTLM DIGEST-MD5"))

# Success

fault(
    "auth-250",
    title="A login gets 250 instead of 235",
    breaks=(
        "RFC4954-4-22",
        "RFC4422-3.4.1-01",
        "RFC5248-2.4-01",
        "RFC5321-4.3.1-05",
        "RFC5802-5.1-08",
    ),
)(lambda rules: answer(rules, "AUTH", 235, lambda given: given._replace(code=250)))

fault(
    "auth-success-2.0.0",
    title="A login gets 235 2.0.0",
    breaks=("RFC4954-6-01",),
)(lambda rules: answer(rules, "AUTH", 235, lambda given: given._replace(status="2.0.0")))


def _again(session: Session, argument: str) -> Reply:
    session.user = None
    return auth._auth(session, argument)


fault(
    "auth-twice",
    title="A second login is taken",
    breaks=("RFC4954-4-01", "RFC4422-3.8-01"),
)(lambda rules: handled(rules, "AUTH", _again))

fault(
    "auth-twice-502",
    title="A second AUTH gets 502",
    breaks=("RFC4954-4-01", "RFC4422-3.8-01"),
)(lambda rules: _recoded(rules, auth._TWICE, 502))


def _recoded(rules: Rules, wanted: Reply, code: int, status: str | None = None) -> Rules:
    """Give one reply of AUTH another code, and another status where one is given."""

    def change(session: Session, event: str, given: Reply) -> Reply:
        if given != wanted:
            return given
        return given._replace(code=code, status=given.status if status is None else status)

    return on_reply(rules, change, "AUTH", wanted.code)


def _forgetting(session: Session, argument: str) -> Reply:
    session.user = None
    return dialogue.rset(session, argument)


fault(
    "auth-ends-at-reset",
    title="RSET ends the login",
    breaks=("RFC4954-X-02",),
)(lambda rules: handled(rules, "RSET", _forgetting))

# The command

fault(
    "auth-initial-response-needed",
    title="AUTH PLAIN without initial response gets 501",
    breaks=("RFC4954-4-07",),
)(lambda rules: _instead(rules, r"PLAIN", reply(501, "5.5.4", "Initial response needed")))


def _instead(rules: Rules, pattern: str, instead: Reply | str) -> Rules:
    """Answer AUTH with an argument that matches in another way: a reply, or the answer to another argument."""

    def handle(session: Session, argument: str) -> Reply:
        found = re.fullmatch(pattern, argument, re.IGNORECASE)
        if found is None:
            return auth._auth(session, argument)
        return instead if isinstance(instead, Reply) else auth._auth(session, found.expand(instead))

    return handled(rules, "AUTH", handle)


fault(
    "auth-unknown-mechanism-535",
    title="A mechanism that nobody knows gets 535",
    breaks=(
        "RFC4954-4-03",
        "RFC5248-2.4-01",
    ),
    seen_in=(POSTFIX,),
)(lambda rules: _recoded(rules, auth._UNKNOWN, 535))

fault(
    "auth-unknown-mechanism-begun",
    title="A mechanism that nobody knows gets 334",
    breaks=("RFC4954-4-03",),
)(lambda rules: _instead(rules, r"X-\S+", "PLAIN"))

fault(
    "auth-unknown-mechanism-status",
    title="A mechanism that nobody knows gets 504 5.5.1",
    breaks=(
        "RFC4954-4-04",
        "RFC5248-2.4-01",
    ),
)(lambda rules: _recoded(rules, auth._UNKNOWN, 504, "5.5.1"))

fault(
    "auth-external-for-everybody",
    title="EXTERNAL logs in who shows no certificate",
    breaks=("RFC4422-A.1-01",),
)(lambda rules: _instead(rules, r"EXTERNAL =", auth._SUCCESS))

fault(
    "auth-without-argument",
    title="AUTH without a mechanism begins PLAIN",
    breaks=("RFC4954-4-32",),
)(lambda rules: _instead(rules, r"", "PLAIN"))

fault(
    "auth-second-response-ignored",
    title="What stands behind the initial response is ignored",
    breaks=("RFC4954-4-33",),
)(lambda rules: _instead(rules, r"(PLAIN) \S+ \S+", r"\1"))

fault(
    "auth-response-ignored",
    title="The initial response of CRAM-MD5 is ignored",
    breaks=("RFC4954-4-10",),
)(lambda rules: _instead(rules, r"(CRAM-MD5) \S+", r"\1"))

fault(
    "auth-response-ignored-status",
    title="The initial response of CRAM-MD5 gets 501 5.5.4",
    breaks=("RFC4954-4-11",),
)(lambda rules: _recoded(rules, auth._NO_INITIAL, 501, "5.5.4"))

fault(
    "auth-empty-response-ignored",
    title="= is taken for a missing response",
    breaks=("RFC4954-4-09",),
)(lambda rules: _instead(rules, r"(\S+) =", r"\1"))


def _in_capitals(session: Session, argument: str) -> Reply:
    known = session.line[:4] == b"AUTH" and argument.partition(" ")[0].isupper()
    return auth._auth(session, argument) if known else auth._UNKNOWN


fault(
    "auth-in-capitals-only",
    title="AUTH and its mechanisms are known in capital letters only",
    breaks=("RFC4954-8-01",),
)(lambda rules: handled(rules, "AUTH", _in_capitals))

fault(
    "auth-in-transaction",
    title="AUTH works in a mail transaction",
    breaks=("RFC4954-4-02",),
    seen_in=("emersion/go-smtp", JAMES),
)(lambda rules: goes(allowed(rules, "AUTH", {State.MAIL}), State.MAIL, "AUTH", 3, State.CHALLENGE))

# The exchange

fault(
    "auth-challenge-in-words",
    title="A challenge is text, not base64",
    breaks=("RFC4954-4-05", "RFC4954-4-07", "RFC4954-4-08", "RFC2195-2-01", "RFC5802-5.1-07", "RFC7677-3-01"),
    seen_in=(JAMES,),
)(lambda rules: answer(rules, "AUTH", 334, lambda given: given._replace(lines=("Go ahead.",))))

fault(
    "auth-two-spaces",
    title="An empty challenge is 334 and two spaces",
    breaks=("RFC4954-4-08", "RFC4954-4-07"),
    seen_in=("Haraka 3.1",),
)(lambda rules: answer(rules, "AUTH", 334, lambda given: given._replace(lines=(given.lines[0] or " ",))))


fault(
    "auth-no-way-out",
    title="* at a challenge gets another challenge",
    breaks=("RFC4954-4-06",),
)(lambda rules: _recoded(rules, auth._CANCELLED, 334, ""))

fault(
    "auth-cancelled-535",
    title="* at a challenge gets 535",
    breaks=("RFC4954-4-06",),
)(lambda rules: _recoded(rules, auth._CANCELLED, 535))


def _mended(session: Session, octets: bytes) -> bytes:
    """Make base64 of whatever stands at a challenge."""
    if octets == b"*\r\n":
        return octets
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", octets)
    return b64encode(b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")) + b"\r\n"


fault(
    "auth-base64-mended",
    title="What is no base64 is skipped, and missing padding added",
    breaks=("RFC4954-4-12", "RFC4954-4-13", "RFC4954-4-14", "RFC4954-4-15"),
    seen_in=(POSTFIX, EXIM, OPENSMTPD),
)(lambda rules: on_input(rules, _mended, State.CHALLENGE))

fault(
    "auth-no-base64-535",
    title="What is no base64 is called wrong credentials",
    breaks=("RFC4954-4-12", "RFC4954-4-13", "RFC4954-4-14", "RFC4954-4-15"),
)(lambda rules: answer(rules, "AUTH", 501, lambda given: REJECTED if given.text == "Not base64" else given))

fault(
    "auth-lines-of-1000",
    title="A response longer than 1000 octets is refused",
    breaks=("RFC4954-4-16", "RFC4616-2-01"),
)(lambda rules: limited(rules, auth_line=1000))


def _cut(session: Session, octets: bytes) -> bytes:
    return octets[:12500] + b"\r\n" + octets[12500:] if len(octets) > 13000 else octets


fault(
    "auth-long-line-cut",
    title="What is too long of a response is read as a command",
    breaks=("RFC4954-4-17",),
)(lambda rules: on_input(rules, _cut, State.CHALLENGE))

fault(
    "auth-long-line-status",
    title="A response that is too long gets 500 5.5.2",
    breaks=("RFC4954-4-18",),
)(lambda rules: answer(rules, "AUTH", 500, lambda given: given._replace(status="5.5.2")))

fault(
    "auth-wrong-550",
    title="Wrong credentials get 550",
    breaks=(
        "RFC4954-4-21",
        "RFC5248-2.4-01",
        "RFC5321-4.3.1-05",
    ),
)(lambda rules: answer(rules, "AUTH", 535, lambda given: given._replace(code=550)))

fault(
    "auth-wrong-5.7.1",
    title="Wrong credentials get 535 5.7.1",
    breaks=(
        "RFC4954-6-02",
        "RFC5248-2.4-01",
    ),
)(lambda rules: answer(rules, "AUTH", 535, lambda given: given._replace(status="5.7.1")))

fault(
    "auth-one-failure-closes",
    title="One failed login ends the connection",
    breaks=("RFC4954-9-02",),
)(lambda rules: closing(rules, "AUTH", 535))


def _unprompted(session: Session, argument: str) -> Reply | None:
    answer = auth._auth(session, argument)
    if answer.code != 334 or argument.upper() != "PLAIN":
        return answer
    session.exchange = None
    session.put("AUTH", answer)
    return None


fault(
    "auth-prompt-forgotten",
    title="What is sent to the prompt of PLAIN is read as a command",
    breaks=("RFC4954-X-01", "RFC4954-4-30"),
    also_trips=("rfc4954-auth/4-auth-command/*",),
)(lambda rules: handled(rules, "AUTH", _unprompted))


def _alone(session: Session, octets: bytes) -> bytes:
    return octets[: octets.index(b"\r\n") + 2] if octets[:5].upper() == b"AUTH " and b"\r\n" in octets else octets


fault(
    "auth-group-lost",
    title="Commands behind AUTH in the same segment are lost",
    breaks=("RFC4954-4-29", "RFC4954-4-30", "RFC2920-3.2-09"),
)(lambda rules: on_input(rules, _alone, State.READY))


def _two(session: Session, octets: bytes) -> bytes:
    return b"".join(octets.splitlines(keepends=True)[:2]) if octets[:5].upper() == b"AUTH " else octets


fault(
    "auth-group-of-two",
    title="In a segment that begins with AUTH what stands behind the second command is lost",
    breaks=("RFC4954-4-29", "RFC2920-3.2-09"),
)(lambda rules: on_input(rules, _two, State.READY))

# The parameter of MAIL

fault(
    "auth-parameter-unknown",
    title="AUTH is listed, and MAIL with AUTH gets 555",
    breaks=("RFC4954-5-01", "RFC4954-5-10"),
)(lambda rules: parameter(rules, "AUTH", lambda session, value: reply(555, "5.5.4", "Unknown parameter")))


def _strict(session: Session, value: str | None) -> Reply | None:
    return auth._PARAMETER if xtext.decode(value or "") is None else auth._check(session, value)


fault(
    "auth-parameter-in-capitals",
    title="The AUTH parameter takes xtext in capital letters only",
    breaks=("RFC4954-5-10",),
)(lambda rules: parameter(rules, "AUTH", _strict))

fault(
    "auth-parameter-anything",
    title="The AUTH parameter takes anything",
    breaks=("RFC4954-5-09",),
)(lambda rules: parameter(rules, "AUTH", anything))

fault(
    "auth-parameter-empty",
    title="AUTH= with nothing behind it is taken",
    breaks=("RFC4954-5-09",),
)(lambda rules: handled(rules, "MAIL", lambda s, argument: transaction.mail(s, argument.removesuffix(" AUTH="))))


def _line_512(session: Session, command: Command, argument: str) -> Reply | None:
    return reply(500, "5.5.2", "Line too long") if command.verb == "MAIL" and len(session.line) > 510 else None


fault(
    "auth-mail-line-512",
    title="A MAIL line may have 512 octets, whatever extensions are offered",
    breaks=("RFC4954-3-03", "RFC5321-4.5.3.1.4-02"),
)(lambda rules: replace(rules, gates=(_line_512, *rules.gates)))


def _line_512_501(session: Session, command: Command, argument: str) -> Reply | None:
    return _line_512(session, command, argument) and reply(501, "5.5.4", "MAIL command too long")


fault(
    "auth-mail-line-512-501",
    title="A MAIL line of more than 512 octets gets 501, whatever extensions are offered",
    breaks=("RFC4954-3-03", "RFC5321-4.5.3.1.4-02"),
)(lambda rules: replace(rules, gates=(_line_512_501, *rules.gates)))

# Before login

fault(
    "auth-wanted-at-recipient",
    title="A submission server takes MAIL without login, and refuses recipients elsewhere",
    breaks=("RFC4954-6-05",),
    # Who takes MAIL from everybody takes it here too.
    also_trips=(
        "security/auth/submission-in-clear-text",
        "rfc6409-submission/3-submission/no-return-path",
        "rfc6409-submission/4-mandatory-actions/authentication-required",
    ),
    roles=("submission",),
)(lambda rules: without_gate(rules, "login"))

for verb, code_list in (("NOOP", ("RFC5321-4.3.2-13",)), ("RSET", ()), ("EHLO", ("RFC5321-4.3.2-09",)), ("HELO", ())):

    def _locked(rules: Rules, verb: str = verb) -> Rules:
        if verb not in rules.commands:  # LMTP
            return rules
        handler = rules.commands[verb].handler

        def handle(session: Session, argument: str) -> Reply | None:
            early = session.site.role == "submission" and session.tls and session.hello and session.user is None
            return reply(530, "5.7.0", "Authentication required") if early else handler(session, argument)

        return handled(rules, verb, handle)

    fault(
        f"auth-before-{verb.lower()}",
        title=f"A submission server wants a login before {verb}",
        breaks=("RFC4954-6-07", *code_list),
        roles=("submission",),
    )(_locked)

# Codes that mean something else

_LATER = reply(454, "4.7.0", "Temporary authentication failure")
_AGAIN = reply(334, "", "")
_MALFORMED = ("Not base64", "Not a message of this mechanism")

fault(
    "auth-wrong-454",
    title="Wrong credentials get 454",
    breaks=("RFC4954-4-21", "RFC4954-6-02"),
)(lambda rules: answer(rules, "AUTH", 535, _LATER))


def _malformed(rules: Rules, instead: Reply) -> Rules:
    """Give another reply to what is no base64, or no message of the mechanism."""
    return answer(rules, "AUTH", 501, lambda given: instead if given.text in _MALFORMED else given)


@fault(
    "auth-mistakes-454",
    title="What is wrong about AUTH is called temporary: mechanism, initial response, base64, * and too many words",
    breaks=(
        "RFC4954-4-03",
        "RFC4954-4-06",
        "RFC4954-4-10",
        "RFC4954-4-12",
        "RFC4954-4-13",
        "RFC4954-4-14",
        "RFC4954-4-15",
        "RFC4954-4-33",
        "RFC5248-2.4-01",
    ),
    # An empty response is no message of PLAIN.
    also_trips=("rfc4954-auth/4-auth-command/empty-initial-response",),
)
def _temporary(rules: Rules) -> Rules:
    for wanted in (auth._UNKNOWN, auth._CANCELLED, auth._NO_INITIAL, auth._NO_MECHANISM):
        rules = _recoded(rules, wanted, 454, "4.7.0")
    return _malformed(rules, _LATER)


fault(
    "auth-response-refused-535",
    title="The initial response of CRAM-MD5 gets 535",
    breaks=("RFC4954-4-10",),
)(lambda rules: _recoded(rules, auth._NO_INITIAL, 535, "5.7.8"))

fault(
    "auth-malformed-334",
    title="What is no base64, or no message of the mechanism, gets another challenge",
    breaks=(
        "RFC4954-4-12",
        "RFC4954-4-13",
        "RFC4954-4-14",
        "RFC4954-4-15",
        "RFC4616-2-02",
        "RFC4616-2-03",
    ),
    # What is no response of the mechanism is malformed there too.
    also_trips=(
        "rfc4954-auth/4-auth-command/command-at-the-prompt",
        "rfc4954-auth/4-auth-command/empty-initial-response",
        "rfc4954-auth/4-auth-command/group-behind-prompt",
        "rfc5802-scram/5-exchange/wrong-first-message*",
        "security/auth/response-is-no-command",
    ),
)(lambda rules: _malformed(rules, _AGAIN))

fault(
    "auth-malformed-closes",
    title="A message of PLAIN that is malformed ends the connection without a reply",
    breaks=("RFC4616-2-02", "RFC4616-2-03"),
)(lambda rules: on_reply(rules, _gone, "AUTH", 501))


def _gone(session: Session, event: str, given: Reply) -> Reply | list[Action]:
    if given.text not in _MALFORMED or len(session.line) < 20 or b"PLAIN" not in session.line:
        return given
    session.state = State.CLOSED
    return [Close()]


@fault(
    "auth-command-closes",
    title="A command where a response is awaited ends the connection without a reply",
    breaks=("RFC4954-X-01",),
)
def _command(rules: Rules) -> Rules:
    def note(session: Session, octets: bytes) -> bytes:
        session.memory["command"] = octets[:4].upper() in (b"QUIT", b"NOOP")
        return octets

    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if not session.memory.pop("command", False):
            return given
        session.state = State.CLOSED
        return [Close()]

    return on_reply(on_input(rules, note, State.CHALLENGE), change, "AUTH", 501)


fault(
    "auth-external-begun",
    title="EXTERNAL is begun with a client that shows no certificate",
    breaks=("RFC4422-A.1-01",),
)(lambda rules: _instead(rules, r"EXTERNAL =", "PLAIN"))

fault(
    "auth-odd-mechanism",
    title="AUTH lists a mechanism whose name is none",
    breaks=("RFC4954-3-01", "RFC4422-3.1-01", "RFC5321-4.1.1.1-14"),
)(lambda rules: _announced(rules, r"\g<0> X.PRIVATE"))

fault(
    "auth-token-in-clear-text",
    title="XOAUTH2 is listed without TLS",
    breaks=("RFC4954-4-26", "RFC4954-4-25"),
)(lambda rules: _announced(rules, r"\g<0> XOAUTH2", clear_text=True))

# Lines

fault(
    "auth-long-response-closes",
    title="A response longer than 1000 octets ends the connection",
    breaks=("RFC4954-4-16", "RFC4616-2-01", "RFC4954-4-17"),
)(lambda rules: closing(limited(rules, auth_line=1000), "AUTH", 500, silent=True))

fault(
    "auth-long-line-334",
    title="A response that is too long gets another challenge",
    breaks=("RFC4954-4-17", "RFC4954-4-18"),
)(lambda rules: answer(rules, "AUTH", 500, _AGAIN))


@fault(
    "auth-wrong-password-closes",
    title="A wrong password ends the connection without a reply",
    breaks=("RFC4954-9-02", "RFC4954-4-21"),
    # The reply is missing there too.
    also_trips=("rfc4954-auth/4-auth-command/wrong-credentials-status",),
)
def _wrong(rules: Rules) -> Rules:
    def authenticate(session: Session, user: str, password: str) -> bool:
        session.memory["wrong"] = password == "wrong"
        return rules.authenticate(session, user, password)

    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if not session.memory.get("wrong"):
            return given
        session.state = State.CLOSED
        return [Close()]

    return on_reply(replace(rules, authenticate=authenticate), change, "AUTH", 535)


@fault(
    "auth-failed-login-goes-on",
    title="The line behind a failed login is taken for a response",
    breaks=("RFC4954-4-30", "RFC2920-3.2-09"),
    # A line behind a refused response.
    also_trips=("rfc4954-auth/4-auth-command/line-without-end",),
)
def _goes_on(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply:
        if event == "AUTH":
            session.memory["failed"] = given.code >= 500
        elif session.memory.pop("failed", False):
            return auth._NOT_BASE64
        return given

    return on_reply(rules, change, ("AUTH", "RSET"))


@fault(
    "auth-wanted-at-every-recipient",
    title="A submission server takes MAIL without login, and asks for one at RCPT",
    breaks=("RFC4954-6-05", "RFC6409-4.3-01"),
    # Who takes MAIL from everybody takes it here too.
    also_trips=("security/auth/submission-in-clear-text",),
    roles=("submission",),
)
def _at_recipient(rules: Rules) -> Rules:
    def rcpt(session: Session, argument: str) -> Reply:
        if session.user is None:
            return reply(530, "5.7.0", "Authentication required")
        return transaction.rcpt(session, argument)

    return handled(without_gate(rules, "login"), "RCPT", rcpt)


fault(
    "auth-wanted-with-550",
    title="A submission server says 550 where a login is missing",
    breaks=("RFC4954-6-05", "RFC6409-4.3-01"),
    roles=("submission",),
)(lambda rules: answer(rules, "MAIL", 530, reply(550, "5.1.0", "Log in first")))
