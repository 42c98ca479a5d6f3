"""AUTH (RFC 4954): the command, the exchange of challenges and responses, and the AUTH parameter of MAIL."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from conformance.reference.reply import Reply, reply
from conformance.reference.sasl import Exchange, Failed, Mechanism, decode
from conformance.reference.table import Command, State
from conformance.smtp.address import AddressError, parse_mailbox

from . import Extension, Parameter, xtext

if TYPE_CHECKING:
    from conformance.reference.session import Session

_SUCCESS = reply(235, "2.7.0", "Authentication succeeded")
_TWICE = reply(503, "5.5.1", "Already authenticated")
_NOT_OFFERED = reply(502, "5.5.1", "AUTH is not offered here")
_NO_MECHANISM = reply(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]")
_UNKNOWN = reply(504, "5.5.4", "Mechanism not available")
_NO_INITIAL = reply(501, "5.7.0", "This mechanism takes no initial response")
_CANCELLED = reply(501, "5.7.0", "Authentication cancelled")
_NOT_BASE64 = reply(501, "5.5.2", "Not base64")
_PARAMETER = reply(501, "5.5.4", "AUTH is a mailbox in xtext, or <>")


def usable(session: Session) -> tuple[Mechanism, ...]:
    """Return the mechanisms that may be used now: none that shows the password without TLS (RFC4954-6-06)."""
    return tuple(m for m in session.rules.mechanisms if session.rules.may_use(session, m))


def may_use(session: Session, mechanism: Mechanism) -> bool:
    """Return whether a mechanism protects the password as this connection is (RFC4954-4-25, RFC4616-5-01)."""
    return session.tls or not mechanism.plaintext


def _offer(session: Session) -> str | None:
    names = [mechanism.name for mechanism in usable(session)]
    return f"AUTH {' '.join(names)}" if names else None


def _auth(session: Session, argument: str) -> Reply:
    """Start an exchange; without initial response an empty challenge asks for it (RFC4954-4-07, -08)."""
    if session.user is not None:
        return _TWICE  # RFC4954-4-01
    if not session.offers("AUTH"):
        return _NOT_OFFERED
    name, *responses = argument.split(" ")
    if not name or len(responses) > 1:
        return _NO_MECHANISM  # RFC4954-4-32, -33
    found = [m for m in usable(session) if m.name == name.upper()]  # RFC4954-8-01
    if not found:
        return _UNKNOWN  # RFC4954-4-03, and the same whatever the password would be: RFC8314-4.1-01, -02
    if responses and not found[0].client_first:
        return _NO_INITIAL  # RFC4954-4-10, -11
    exchange = found[0].start(session)
    challenge = next(exchange)
    if not responses:
        session.exchange = exchange
        return _challenge(challenge)
    response = b"" if responses[0] == "=" else _decoded(responses[0].encode("utf-8", "surrogateescape"))
    return _NOT_BASE64 if response is None else _step(session, exchange, response)


def respond(session: Session, line: bytes) -> Reply:
    """Answer a line that came after a 334."""
    exchange, session.exchange = session.exchange, None
    assert exchange is not None
    if line == b"*":
        return _CANCELLED  # RFC4954-4-06
    response = _decoded(line)
    return _NOT_BASE64 if response is None else _step(session, exchange, response)


def _decoded(text: bytes) -> bytes | None:
    try:
        return decode(text)
    except ValueError:
        return None


def _step(session: Session, exchange: Exchange, response: bytes) -> Reply:
    """Give the mechanism a response; return its next challenge or the outcome."""
    try:
        challenge = exchange.send(response)
    except StopIteration as done:
        session.user = done.value
        return _SUCCESS  # RFC4954-4-22
    except Failed as failed:
        session.failed_logins += 1
        return failed.reply  # RFC4954-4-21
    session.exchange = exchange
    return _challenge(challenge)


def _challenge(octets: bytes) -> Reply:
    """334 and nothing but the base64 text; the space stays when there is none (RFC4954-4-05, -08)."""
    return reply(334, "", b64encode(octets).decode())


def _check(session: Session, value: str | None) -> Reply | None:
    """The AUTH parameter is a mailbox or ``<>``, in xtext; anyone may give it (RFC4954-5-01, -09, -10)."""
    text = xtext.decode(value, any_case=True) if value else None
    if text is None:
        return _PARAMETER
    if text == "<>":
        return None
    try:
        parse_mailbox(text, grammar=session.rules.grammar)
    except AddressError:
        return _PARAMETER
    return None


EXTENSIONS = [
    Extension(
        "AUTH",
        "RFC 4954",
        _offer,
        mail=(Parameter("AUTH", _check, ("RFC4954-5-01", "RFC4954-5-09")),),
        commands=(
            Command(
                "AUTH",
                "SP mechanism [ SP initial-response ]",
                frozenset({State.READY}),
                (235, 334),
                (432, 454, 502, 503, 504, 534, 535, 538),
                _auth,
                ("RFC4954-4-01", "RFC4954-4-02", "RFC4954-4-03"),
                order="AUTH needs EHLO first, and no open transaction",
                anonymous=True,
            ),
        ),
        longer={"MAIL": 500},  # RFC4954-3-03
        requirement=("RFC4954-3-01",),
    )
]
