"""Faults of SASL mechanisms: PLAIN (RFC 4616), CRAM-MD5 (RFC 2195), SCRAM (RFC 5802, RFC 7677)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance.reference import sasl
from conformance.reference.change import on_input
from conformance.reference.faults import fault
from conformance.reference.rules import Rules
from conformance.reference.sasl import Exchange, Failed
from conformance.reference.session import Session
from conformance.reference.table import State

Start = Callable[[Session], Exchange]


def _with(rules: Rules, name: str, start: Start) -> Rules:
    """Let a mechanism go otherwise."""
    changed = tuple(replace(m, start=start) if m.name == name else m for m in rules.mechanisms)
    return replace(rules, mechanisms=changed)


# PLAIN


def _any_fields(session: Session) -> Exchange:
    text = (yield b"").decode("utf-8", "ignore").strip("\0")
    user, _, rest = text.partition("\0")
    if not session.rules.authenticate(session, user, rest.partition("\0")[0]):
        raise Failed
    return user


fault(
    "plain-any-fields",
    title="PLAIN looks for a user and a password wherever they are",
    breaks=("RFC4616-2-02", "RFC4616-2-03"),
    also_trips=("rfc4616-plain/2-message/act-*",),
)(lambda rules: _with(rules, "PLAIN", _any_fields))


def _empty_fields(session: Session) -> Exchange:
    message = yield b""
    _, user, password = (*message.split(b"\0"), b"", b"")[:3]
    if message.count(b"\0") != 2 or (user and password):
        return _finished(sasl.plain(session), message)
    return user.decode() or "nobody"


def _finished(exchange: Exchange, message: bytes) -> str:
    """Return how an exchange of one message ends."""
    next(exchange)
    try:
        exchange.send(message)
    except StopIteration as done:
        return str(done.value)
    raise Failed


fault(
    "plain-empty-password",
    title="PLAIN without user or without password logs in",
    breaks=("RFC4616-2-06",),
)(lambda rules: _with(rules, "PLAIN", _empty_fields))


def _as_anybody(session: Session) -> Exchange:
    message = yield b""
    return _finished(sasl.plain(session), b"\0" + message.partition(b"\0")[2])


fault(
    "plain-acts-as-anybody",
    title="PLAIN takes any authorization identity",
    breaks=("RFC4616-2-04", "RFC4954-4-20"),
)(lambda rules: _with(rules, "PLAIN", _as_anybody))


def _as_nobody(session: Session) -> Exchange:
    message = yield b""
    if not message.startswith(b"\0"):
        raise Failed
    return _finished(sasl.plain(session), message)


fault(
    "plain-own-identity-refused",
    title="PLAIN takes no authorization identity, not even one's own",
    breaks=("RFC4616-2-05",),
)(lambda rules: _with(rules, "PLAIN", _as_nobody))

# CRAM-MD5


def _other_challenge(challenge: bytes) -> Start:
    def start(session: Session) -> Exchange:
        exchange = sasl.cram_md5(session)
        next(exchange)
        yield exchange.send((yield challenge))
        raise Failed

    return start


fault(
    "cram-md5-challenge-of-digits",
    title="The challenge of CRAM-MD5 is a number",
    breaks=("RFC2195-2-01", "RFC2195-2-03"),
)(lambda rules: _with(rules, "CRAM-MD5", _other_challenge(b"1896697170952")))


def _always_refused(session: Session) -> Exchange:
    yield b"<1896.697170952@mx.lab.test>"
    raise Failed


fault(
    "cram-md5-always-refused",
    title="CRAM-MD5 is listed, and logs nobody in",
    breaks=("RFC2195-2-03", "RFC2195-2-01"),
)(lambda rules: _with(rules, "CRAM-MD5", _always_refused))


def _always_accepted(session: Session) -> Exchange:
    return (yield b"<1896.697170952@mx.lab.test>").decode().partition(" ")[0]


fault(
    "cram-md5-always-accepted",
    title="CRAM-MD5 looks at the name of the user only",
    breaks=("RFC2195-2-03", "RFC2195-2-02"),
)(lambda rules: _with(rules, "CRAM-MD5", _always_accepted))

# SCRAM


def _challenging(change: Callable[[bytes], bytes]) -> Start:
    """Change the server's first message."""

    def start(session: Session) -> Exchange:
        exchange = sasl.scram_sha_256(session)
        next(exchange)
        final = yield change(exchange.send((yield b"")))
        yield exchange.send(final)
        raise Failed

    return start


fault(
    "scram-own-nonce",
    title="SCRAM answers with a nonce that is the server's alone",
    breaks=("RFC5802-5.1-07",),
)(lambda rules: _with(rules, "SCRAM-SHA-256", _challenging(lambda first: b"r=5d7f" + first[first.index(b",") :])))

fault(
    "scram-few-iterations",
    title="SCRAM hashes the password 1000 times",
    breaks=("RFC7677-3-01", "RFC5802-5.1-04"),
)(lambda rules: _with(rules, "SCRAM-SHA-256", _challenging(lambda first: first.replace(b"i=4096", b"i=1000"))))


def _finishing(end: Callable[[Exchange, bytes], Exchange]) -> Start:
    """Let another generator answer the client's final message."""

    def start(session: Session) -> Exchange:
        exchange = sasl.scram_sha_256(session)
        next(exchange)
        final = yield exchange.send((yield b""))
        return (yield from end(exchange, final))

    return start


def _at_once(exchange: Exchange, final: bytes) -> Exchange:
    exchange.send(final)
    try:
        exchange.send(b"")
    except StopIteration as done:
        return str(done.value)
    yield b""
    raise Failed


fault(
    "scram-success-at-once",
    title="SCRAM logs in without the server's proof",
    breaks=("RFC5802-5.1-08",),
)(lambda rules: _with(rules, "SCRAM-SHA-256", _finishing(_at_once)))


def _anyway(exchange: Exchange, final: bytes) -> Exchange:
    yield b"v=" + b"A" * 44
    return "alice"


fault(
    "scram-any-proof",
    title="SCRAM does not look at the proof",
    breaks=("RFC5802-5.1-05",),
)(lambda rules: _with(rules, "SCRAM-SHA-256", _finishing(_anyway)))


def _any_first_message(session: Session) -> Exchange:
    exchange = sasl.scram_sha_256(session)
    next(exchange)
    message = yield b""
    try:
        challenge = exchange.send(message)
    except Failed:
        yield b"r=abcdefgh5d7f,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        raise
    yield exchange.send((yield challenge))
    return "alice"


fault(
    "scram-any-first-message",
    title="SCRAM goes on after a first message that is wrong",
    breaks=("RFC5802-5-01", "RFC5802-5.1-01", "RFC5802-5.1-02"),
)(lambda rules: _with(rules, "SCRAM-SHA-256", _any_first_message))


# What follows the message


def _asking_again(session: Session) -> Exchange:
    message = yield b""
    user = _finished(sasl.plain(session), message)
    yield b""
    return user


fault(
    "plain-asks-again",
    title="The right message of PLAIN gets another challenge",
    breaks=("RFC4954-4-22", "RFC4422-3.4.1-01"),
)(lambda rules: _with(rules, "PLAIN", _asking_again))


def _refusing_the_end(exchange: Exchange, final: bytes) -> Exchange:
    yield exchange.send(final)
    raise Failed


fault(
    "scram-empty-response-refused",
    title="SCRAM refuses the empty response to the server's proof",
    breaks=("RFC5802-5.1-08",),
)(lambda rules: _with(rules, "SCRAM-SHA-256", _finishing(_refusing_the_end)))

fault(
    "scram-empty-response-unread",
    title="An empty line at a challenge is not read",
    breaks=("RFC5802-5.1-08",),
)(lambda rules: on_input(rules, lambda session, octets: b"" if octets == b"\r\n" else octets, State.CHALLENGE))
