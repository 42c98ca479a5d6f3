"""What is asked of every command before it is handled, whatever the command is.

Each gate returns the reply that refuses the command, or None. The order is theirs in ``GATES``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .reply import Reply, reply
from .table import Command, State

if TYPE_CHECKING:
    from .session import Session

_TOO_LONG = reply(500, "5.5.2", "Line too long")
_REFUSED = reply(503, "5.3.2", "No mail service here, only QUIT works")
_NO_MAIL = reply(521, "5.3.2", "This host does not accept mail")
_LOGIN_FIRST = reply(530, "5.7.0", "Authentication required")
_NOTHING_FOLLOWS = reply(501, "5.5.4", "No argument is allowed here")
_CONTROL = reply(501, "5.5.2", "Invalid character in the argument")
_EIGHT_BIT = reply(500, "5.5.2", "Invalid character: not ASCII")
_NOT_UTF8 = reply(501, "5.5.2", "Invalid character: not UTF-8")
_PRINTABLE = re.compile(r"[\x20-\x7e]*").fullmatch
_PRINTABLE_OR_NOT_ASCII = re.compile(r"[\x20-\x7e\u0080-\U0010ffff]*").fullmatch
_NOT_WELL_FORMED = re.compile(r"[\udc80-\udcff]").search


def length(session: Session, command: Command, argument: str) -> Reply | None:
    """A line is as long as its command may be (RFC5321-4.5.3.1.4-01, -02); 500 only beyond that (RFC5321-4.3.2-06)."""
    octets = len(session.line) + 2
    if octets <= session.limits.command_line:
        return None
    if command.verb == "AUTH":
        return None if octets <= session.limits.auth_line else reply(500, "5.5.6", "Authentication line too long")
    longer = session.rules.longer.get(command.verb, 0)
    return None if octets <= session.limits.command_line + longer else _TOO_LONG


def service(session: Session, command: Command, argument: str) -> Reply | None:
    """After a 554 greeting only QUIT works (RFC5321-3.1-04, -05), and after a 521 greeting (RFC7504-3-04)."""
    if session.state is not State.REFUSED or command.verb == "QUIT":
        return None
    return _NO_MAIL if session.site.refuses == 521 else _REFUSED


def login(session: Session, command: Command, argument: str) -> Reply | None:
    """A submission server wants a login first (RFC6409-4.3-01, RFC4954-6-05, -07)."""
    if session.site.role != "submission" or session.user is not None or command.anonymous:
        return None
    return _LOGIN_FIRST


def order(session: Session, command: Command, argument: str) -> Reply | None:
    """A command out of order gets 503 and changes nothing (RFC5321-4.1.4-13, -14)."""
    return None if session.state in command.states else reply(503, "5.5.1", command.order)


def bare(session: Session, command: Command, argument: str) -> Reply | None:
    """DATA, RSET, QUIT and STARTTLS take no argument (RFC5321-4.1.1-04, RFC5321-4.3.2-07, RFC3207-4-02)."""
    return _NOTHING_FOLLOWS if argument and not command.argument else None


def characters(session: Session, command: Command, argument: str) -> Reply | None:
    """Arguments are printable ASCII (RFC5321-4.1.2-26, RFC5321-2.4-15); with SMTPUTF8 some may be more."""
    if _PRINTABLE(argument):
        return None
    if not _PRINTABLE_OR_NOT_ASCII(argument):
        return _CONTROL
    if not (command.utf8 and session.offers("SMTPUTF8")):
        return _EIGHT_BIT
    return _NOT_UTF8 if _NOT_WELL_FORMED(argument) else None


GATES = (length, service, login, order, bare, characters)
