"""Faults that let in, tell, or run too much: trusted verbs, logins, other protocols, parameters, chunks."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from conformance.reference.actions import Action
from conformance.reference.change import (
    allowed,
    answer,
    anything,
    handled,
    limited,
    listed,
    on_input,
    on_reply,
    parameter,
    text,
    without_gate,
)
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.sasl import Exchange, Failed, Mechanism, scram_sha_256
from conformance.reference.session import Recipient, Session
from conformance.reference.table import ANY, Command, State
from conformance.smtp.address import Path

_OK = reply(250, "2.0.0", "OK")


def _knows(rules: Rules, verb: str, handler: Callable[[Session, str], Reply | None]) -> Rules:
    """Know one more verb, in every state, without login."""
    command = Command(verb, "SP argument", ANY, (220, 250), (500,), handler, (), anonymous=True)
    return replace(rules, commands={**rules.commands, verb: command})


def _door(rules: Rules, *verbs: str) -> Rules:
    for verb in verbs:
        rules = _knows(rules, verb, lambda session, argument: _OK)
    return rules


# Verbs

fault(
    "xclient-for-everybody",
    title="XCLIENT is taken from everybody",
    breaks=("SEC-VERB-XCLIENT",),
    seen_in=("smtp-server with useXClient: true", "Postfix with smtpd_authorized_xclient_hosts = 0.0.0.0/0"),
)(lambda rules: _knows(rules, "XCLIENT", lambda session, argument: reply(220, "2.0.0", f"{session.site.host} ESMTP")))

fault(
    "xforward-for-everybody",
    title="XFORWARD is taken from everybody",
    breaks=("SEC-VERB-XFORWARD",),
)(lambda rules: _door(rules, "XFORWARD"))

fault(
    "debugging-doors",
    title="DEBUG, WIZ, KILL and SHOWQ are taken",
    breaks=("SEC-VERB-DEBUG",),
    seen_in=("CVE-1999-0095 (sendmail DEBUG)", "CVE-1999-0145 (sendmail WIZ)"),
    also_trips=("rfc5321/4.1.5-private-commands/*",),
)(lambda rules: _door(rules, "DEBUG", "WIZ", "KILL", "SHOWQ"))

fault(
    "turn-for-everybody",
    title="TURN is answered with 250",
    breaks=(
        "SEC-VERB-TURN",
        "RFC5321-4.1.1.1-19",
        "RFC5321-F.1-01",
    ),
)(lambda rules: handled(rules, "TURN", lambda session, argument: _OK))

fault(
    "etrn-for-every-domain",
    title="ETRN starts a queue run for every domain",
    breaks=("SEC-VERB-ETRN",),
    also_trips=("rfc5321/4.1.1.1-ehlo-helo/working-commands-are-listed*",),
)(lambda rules: _knows(rules, "ETRN", lambda session, argument: reply(250, "2.0.0", "Queuing started")))

fault(
    "xexch50-for-everybody",
    title="XEXCH50 waits for data from everybody",
    breaks=("SEC-VERB-XEXCH50",),
    seen_in=("CVE-2003-0714",),
)(lambda rules: _knows(rules, "XEXCH50", lambda session, argument: reply(354, "", "Send binary data")))


_PROXY = re.compile(rb"\A(?:PROXY [^\r\n]*\r\n|\r\n\r\n\x00\r\nQUIT\n.{16})", re.DOTALL)


@fault(
    "proxy-header-for-everybody",
    title="A header of the PROXY protocol is taken from everybody",
    breaks=("SEC-VERB-PROXY",),
)
def _proxied(rules: Rules) -> Rules:
    def change(session: Session, octets: bytes) -> bytes:
        first = session.memory.setdefault("first", octets) is octets
        return _PROXY.sub(b"", octets) if first else octets

    return on_input(rules, change)


# Logins

fault(
    "auth-in-clear-text",
    title="Passwords are asked for without TLS",
    breaks=("SEC-AUTH-CLEAR", "RFC4954-4-25", "RFC4616-5-01", "RFC4954-6-06"),
)(lambda rules: replace(rules, may_use=lambda session, mechanism: True))

fault(
    "auth-takes-any-password",
    title="Every user with every password is let in",
    breaks=("SEC-AUTH-ANY-PASSWORD",),
    also_trips=("rfc4954-auth/4-auth-command/wrong-credentials",),
)(lambda rules: replace(rules, authenticate=lambda session, user, password: True))


@fault(
    "auth-takes-empty-password",
    title="An empty password or an empty user is let in",
    breaks=("SEC-AUTH-EMPTY",),
    seen_in=("servers that ask an LDAP directory, which takes an empty password for an anonymous bind",),
    # The response was not read, so that nobody is logged in.
    also_trips=(
        "security/relay/after-failed-login*",
        "rfc3848-transmission-types/1-keywords/esmtpsa",
        "rfc4616-plain/2-message/act-as-somebody-else*",
        "rfc4616-plain/2-message/malformed*",
        "rfc4616-plain/2-message/more-fields*",
        "rfc4954-auth/4-auth-command/empty-initial-response",
        "rfc4954-auth/4-auth-command/second-login",
    ),
)
def _empty(rules: Rules) -> Rules:
    before = rules.commands["AUTH"].handler

    def auth(session: Session, argument: str) -> Reply | None:
        name, _, response = argument.partition(" ")
        found = re.fullmatch(r"=|(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]*A{1,2}={0,2}", response)
        if name.upper() == "PLAIN" and found:
            return reply(235, "2.7.0", "Authentication succeeded")
        return before(session, argument)

    return handled(rules, "AUTH", auth)


@fault(
    "auth-runs-the-response",
    title="A command instead of a response ends the login, and is run",
    breaks=("SEC-AUTH-COMMAND", "RFC4954-X-01"),
)
def _runs(rules: Rules) -> Rules:
    def change(session: Session, octets: bytes) -> bytes:
        if octets.upper().startswith((b"NOOP", b"RSET", b"QUIT")):
            session.exchange = None
            session.state = State.READY
        return octets

    return on_input(rules, change, State.CHALLENGE)


@fault(
    "ntlm-tells-names",
    title="AUTH NTLM answers everybody with the names of the computer and its domain",
    breaks=("SEC-AUTH-NTLM",),
    seen_in=("Microsoft Exchange, by default",),
)
def _ntlm(rules: Rules) -> Rules:
    before = rules.commands["AUTH"].handler

    def auth(session: Session, argument: str) -> Reply | None:
        if argument.upper().startswith("NTLM "):
            session.put("NTLM", reply(334, "", "TlRMTVNTUAACAAAABgAGADgAAAAFgomi"))
            return None
        return before(session, argument)

    return handled(rules, "AUTH", auth)


fault(
    "submission-in-clear-text",
    title="A submission server takes MAIL without TLS and without login",
    breaks=("SEC-AUTH-SUBMISSION-TLS", "RFC6409-4.3-01"),
    # A client without login is served.
    also_trips=(
        "rfc4954-auth/6-status-codes/login-first",
        "rfc6409-submission/3-submission/no-return-path",
    ),
    roles=("submission",),
)(lambda rules: without_gate(rules, "login"))

fault(
    "logins-without-limit",
    title="A session of failed logins never ends",
    breaks=("SEC-AUTH-GUESSING",),
)(lambda rules: limited(rules, logins=1_000_000))


def _anonymous(session: Session) -> Exchange:
    yield b""
    return "anonymous"


fault(
    "auth-anonymous",
    title="AUTH ANONYMOUS logs in whoever asks for it",
    breaks=("SEC-AUTH-ANONYMOUS",),
    also_trips=("rfc4954-auth/3-keyword/no-weak-mechanisms",),
)(
    lambda rules: replace(
        rules,
        mechanisms=(*rules.mechanisms, Mechanism("ANONYMOUS", client_first=True, plaintext=True, start=_anonymous)),
    )
)


def _tells(session: Session) -> Exchange:
    user = (yield b"Username:").decode("utf-8", "replace")
    if user not in session.site.users:
        raise Failed
    password = (yield b"Password:").decode("utf-8", "replace")
    if not session.rules.authenticate(session, user, password):
        raise Failed
    return user


fault(
    "auth-tells-unknown-users",
    title="AUTH LOGIN refuses a user that does not exist before it asks for the password",
    breaks=("SEC-AUTH-USER",),
)(
    lambda rules: replace(
        rules, mechanisms=tuple(replace(m, start=_tells) if m.name == "LOGIN" else m for m in rules.mechanisms)
    )
)


def _knows_salts(session: Session) -> Exchange:
    first = yield b""
    if not any(f"n={user},".encode() in first for user in session.site.users):
        raise Failed
    exchange = scram_sha_256(session)
    next(exchange)
    response = yield exchange.send(first)
    while True:
        try:
            challenge = exchange.send(response)
        except StopIteration as done:
            return str(done.value)
        response = yield challenge


fault(
    "scram-tells-unknown-users",
    title="SCRAM refuses a user that does not exist before it has seen a proof",
    breaks=("SEC-AUTH-USER",),
)(
    lambda rules: replace(
        rules,
        mechanisms=tuple(replace(m, start=_knows_salts) if m.name == "SCRAM-SHA-256" else m for m in rules.mechanisms),
    )
)


@fault(
    "auth-group-is-trusted",
    title="What comes in one segment with AUTH is taken for a user's, before the password was looked at",
    breaks=("SEC-AUTH-PIPELINED",),
)
def _trusted_group(rules: Rules) -> Rules:
    def change(session: Session, octets: bytes) -> bytes:
        session.memory["group"] = octets.upper().startswith(b"AUTH ") and octets.count(b"\n") > 1
        return octets

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        return Recipient(path) if session.memory.get("group") else rules.recipient(session, path)

    return replace(on_input(rules, change), recipient=recipient)


# Other protocols, and what is told

fault(
    "http-is-endured",
    title="The lines of an HTTP request are refused, and the SMTP behind them is run",
    breaks=("SEC-CROSS-HTTP",),
)(lambda rules: replace(rules, foreign_verbs=frozenset()))

fault(
    "greeting-with-version",
    title="The greeting names product and version",
    breaks=("SEC-DISCLOSURE-VERSION", "RFC5321-3.1-02", "RFC5321-7.5-01"),
    seen_in=("Exim and sendmail, by default",),
)(lambda rules: text(rules, "GREETING", 220, "mx.lab.test ESMTP Example 4.97.1"))

fault(
    "size-without-limit",
    title="SIZE is listed with 0: no limit",
    breaks=(
        "SEC-LIMIT-SIZE",
        "RFC1870-3-02",
    ),
)(lambda rules: listed(rules, "SIZE", "SIZE 0"))

# Parameters

fault(
    "control-characters-in-paths",
    title="Control characters are taken in paths",
    breaks=("SEC-COMMAND-CONTROL", "SEC-COMMAND-NUL", "RFC5321-4.1.2-26"),
    # Nothing looks at the octets any more.
    also_trips=(
        "rfc5321/2.4-syntax-and-octets/eight-bit-argument*",
        "rfc6531-smtputf8/3.3-addresses/not-utf8*",
    ),
)(
    lambda rules: replace(
        without_gate(rules, "characters"),
        grammar=replace(rules.grammar, atext=r"[\x00-\x1f\x7fA-Za-z0-9!#$%&'*+/=?^_`{{|}}~{non_ascii}-]"),
    )
)

fault(
    "envelope-id-unchecked",
    title="Any value of ENVID is taken",
    breaks=(
        "SEC-COMMAND-XTEXT",
        "RFC3461-4.4-01",
        "RFC3461-5.1-02",
    ),
    # Identifiers with octets that none may have.
    also_trips=("rfc3461-dsn/4-parameters/mail-parameters-odd*",),
)(lambda rules: parameter(rules, "ENVID", anything))

fault(
    "parameter-twice",
    title="Of a parameter that comes twice the last one counts",
    breaks=(
        "SEC-COMMAND-DUPLICATE",
        "RFC1870-6-01",
        "RFC3461-4.5-01",
        "RFC6152-3-01",
    ),
)(lambda rules: answer(rules, "MAIL", 501, lambda given: _OK if "twice" in given.lines[0] else given))

fault(
    "size-taken-whatever-it-is",
    title="Any value of SIZE is taken",
    breaks=("SEC-COMMAND-NUMBER", "RFC1870-6.1-04", "RFC1870-3-04", "RFC1870-6.1-01", "RFC1870-6.1-02"),
)(lambda rules: parameter(rules, "SIZE", anything))

# Chunks


@fault(
    "bdat-refused-runs-the-chunk",
    title="The octets behind a refused BDAT are read as commands",
    breaks=("SEC-BDAT-REFUSED", "RFC3030-2-05", "RFC3030-2-06", "RFC3030-2-07", "RFC3030-2-16"),
    # The octets are read as commands in LMTP too.
    also_trips=("rfc2033-lmtp/4-changes-to-smtp/chunk-without-recipient",),
)
def _chunk_runs(rules: Rules) -> Rules:
    command = replace(rules.commands["BDAT"], refused=None)
    return replace(rules, commands={**rules.commands, "BDAT": command})


@fault(
    "bdat-reads-any-number",
    title="A chunk size with a sign, in another notation, or too large is taken for nought",
    breaks=(
        "SEC-BDAT-SIZE",
        "RFC3030-2-15",
        "RFC3030-2-23",
    ),
    seen_in=("CVE-2017-16943 (Exim 4.89), in its consequence",),
)
def _number(rules: Rules) -> Rules:
    before = rules.commands["BDAT"].handler

    def bdat(session: Session, argument: str) -> Reply | None:
        size = argument.partition(" ")[0]
        odd = re.fullmatch(r"[-+]\d+|0x[0-9a-f]+|\d+LAST|\d{19,}", size)
        return reply(250, "2.0.0", "0 octets") if odd else before(session, argument)

    return handled(rules, "BDAT", bdat)


fault(
    "data-behind-bdat",
    title="DATA is taken behind BDAT",
    breaks=(
        "SEC-BDAT-MIXED",
        "RFC3030-2-09",
    ),
)(
    lambda rules: replace(
        allowed(rules, "DATA", {State.CHUNKS}), next={**rules.next, (State.CHUNKS, "DATA", 3): State.TEXT}
    )
)

# Replies that say what the client said


def _repeats(session: Session, event: str, given: Reply) -> Reply:
    said = session.line.decode("utf-8", "surrogateescape")
    return given._replace(lines=(f"{given.text}: {said}",)) if given.code >= 500 else given


fault(
    "refusals-repeat-the-line",
    title="Refusals repeat the line of the client, octet for octet",
    breaks=("SEC-REFLECT-CONTROL", "RFC5321-4.2-05"),
    also_trips=(
        "lint/*",
        "rfc5321/2.3.8-lines/lf-hides-no-command",
        "rfc5321/4.5.3.1-sizes/reply-line*",
        "rfc6531-smtputf8/3.3-addresses/replies-stay-ascii*",
    ),
)(lambda rules: on_reply(rules, _repeats))


@fault(
    "refusals-repeat-what-was-encoded",
    title="Refusals of AUTH and MAIL repeat what base64 and xtext said, line ends too",
    breaks=("SEC-REFLECT-LINES", "SEC-REFLECT-CONTROL"),
    also_trips=(
        "lint/*",
        "rfc3207-starttls/4-starttls-command/mail-before-tls-status",
        "rfc4954-auth/4-auth-command/*",
        "rfc5321/4.5.3.1-sizes/reply-line*",
    ),
)
def _decoded(rules: Rules) -> Rules:
    def repeat(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if event not in ("AUTH", "MAIL") or given.code < 500:
            return given
        last = session.line.rpartition(b" ")[2]
        try:
            said = b64decode(last, validate=True) if event == "AUTH" else unquote_to_bytes(last.replace(b"+", b"%"))
        except ValueError:
            return given
        return [f"{given.code} {given.text}: ".encode() + said.replace(b"\0", b" ") + b"\r\n"]

    return on_reply(rules, repeat)
