"""The commands of the mail transaction: MAIL, RCPT and DATA (RFC 5321 section 3.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.smtp.address import AddressError, Path

from .reply import Reply, reply
from .session import Parameters, Transaction

if TYPE_CHECKING:
    from .session import Session

_SENDER_OK = reply(250, "2.1.0", "Sender ok")
_RECIPIENT_OK = reply(250, "2.1.5", "Recipient ok")
_GO_AHEAD = reply(354, "", "Send the message, end it with <CRLF>.<CRLF>")
_MAIL_SYNTAX = reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")
_RCPT_SYNTAX = reply(501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]")
_PARAMETER_SYNTAX = reply(501, "5.5.4", "Syntax: single spaces between parameters, each KEYWORD or KEYWORD=value")
_TWICE = reply(501, "5.5.4", "The same parameter twice")
_UNKNOWN = reply(555, "5.5.4", "Unknown parameter")
_TOO_MANY = reply(452, "4.5.3", "Too many recipients")
_SENDER_NOT_ASCII = reply(550, "5.6.7", "SMTPUTF8 is needed for that address")
_RECIPIENT_NOT_ASCII = reply(553, "5.6.7", "SMTPUTF8 is needed for that address")
_BINARY = reply(503, "5.5.1", "BODY=BINARYMIME needs BDAT")

_PARAMETER = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\u0080-\U0010ffff]+))?"  # RFC5321-4.1.2-06
).fullmatch


def mail(session: Session, argument: str) -> Reply:
    """MAIL FROM: starts a transaction and clears what was there (RFC5321-4.1.1.2-01)."""
    rules = session.rules
    if argument[:5].upper() != "FROM:":  # RFC5321-2.4-03; no space around the colon: RFC5321-3.3-14
        return _MAIL_SYNTAX
    try:
        path, rest = rules.path(session, argument[5:], False)
    except AddressError as error:
        return reply(501, "5.1.7", f"Bad sender address: {error}")
    parameters = read_parameters(session, "MAIL", rest)
    if isinstance(parameters, Reply):
        return parameters
    if not path.text.isascii() and "SMTPUTF8" not in parameters:
        return _SENDER_NOT_ASCII  # RFC6531-3.4-01, RFC6531-3.5-01
    refusal = _too_long(session, path, "5.1.7") or rules.sender(session, path)
    if refusal is not None:
        return refusal
    session.transaction = Transaction(path, parameters)
    return _SENDER_OK


def rcpt(session: Session, argument: str) -> Reply:
    """RCPT TO: adds a recipient and leaves the rest alone (RFC5321-4.1.1.3-08)."""
    rules, transaction = session.rules, session.transaction
    if argument[:3].upper() != "TO:":
        return _RCPT_SYNTAX
    try:
        path, rest = rules.path(session, argument[3:], True)
    except AddressError as error:
        return reply(501, "5.1.3", f"Bad recipient address: {error}")
    if not path.text.isascii() and "SMTPUTF8" not in transaction.parameters:
        return _RECIPIENT_NOT_ASCII  # RFC6531-3.4-02, RFC6531-3.5-01
    parameters = read_parameters(session, "RCPT", rest)
    if isinstance(parameters, Reply):
        return parameters
    refusal = _too_long(session, path, "5.1.3")
    if refusal is not None:
        return refusal
    recipient = rules.recipient(session, path)
    if isinstance(recipient, Reply):
        return recipient
    if len(transaction.recipients) >= session.limits.recipients:
        return _TOO_MANY  # RFC5321-4.5.3.1.10-02
    recipient.parameters = parameters
    transaction.recipients.append(recipient)
    return _RECIPIENT_OK


def data(session: Session, argument: str) -> Reply:
    """DATA: 354, and all lines up to the final dot are the message (RFC5321-3.3-15, RFC5321-3.3-24)."""
    if session.transaction.binary:
        return _BINARY  # RFC3030-3-05
    return _GO_AHEAD


def _too_long(session: Session, path: Path, status: str) -> Reply | None:
    """Refuse a path over the limits of section 4.5.3.1 with 501 (RFC5321-4.5.3.1.9-01)."""
    limits = session.limits
    if path.mailbox is None:
        return None
    if path.local_octets > limits.local_part:
        return reply(501, status, "Local part too long")
    if len(path.mailbox.domain.encode(errors="surrogateescape")) > limits.domain:
        return reply(501, status, "Domain too long")
    return reply(501, status, "Path too long") if path.octets > limits.path else None


def read_parameters(session: Session, verb: str, rest: str) -> Parameters | Reply:
    """Return the parameters after the path of MAIL or RCPT, or the reply that refuses them.

    Keywords are case-insensitive (RFC5321-2.4-03); one that no offered extension defines is unknown
    (RFC5321-4.1.1.11-01), and after HELO all are (RFC5321-4.1.1.1-05).
    """
    if not rest:
        return {}
    found: Parameters = {}
    words = rest.split(" ") if session.rules.separator == " " else re.split(session.rules.separator, rest)
    if words[0]:
        return _MAIL_SYNTAX if verb == "MAIL" else _RCPT_SYNTAX
    for word in words[1:]:
        match = _PARAMETER(word)
        if match is None:
            return _PARAMETER_SYNTAX  # RFC5321-4.1.2-06, -07
        name, value = match[1].upper(), match[2]
        if name in found:
            return _TWICE  # RFC1870-6-01, RFC6152-3-01, RFC3461-4.5-01
        found[name] = value
    return _check(session, verb, found) or found


def _check(session: Session, verb: str, parameters: Parameters) -> Reply | None:
    for name, value in parameters.items():
        extension, parameter = session.rules.parameters.get((verb, name), (None, None))
        if extension is None or parameter is None or not session.offers(extension.keyword):
            return _UNKNOWN
        refusal = parameter.check(session, value)
        if refusal is not None:
            return refusal
    return None
