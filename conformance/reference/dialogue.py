"""The commands outside the mail transaction (EHLO, HELO, LHLO, RSET, NOOP, QUIT, VRFY, EXPN, HELP), and the end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance import __version__
from conformance.smtp.address import AddressError, parse_domain

from .reply import Reply, reply
from .table import Command, State

if TYPE_CHECKING:
    from .session import Session

_OK = reply(250, "2.0.0", "OK")
_RESET = reply(250, "2.0.0", "Reset")
_DOMAIN_NEEDED = reply(501, "", "Domain or address literal expected")
_STRING_NEEDED = reply(501, "5.5.4", "A name or an address expected")
_NOT_IMPLEMENTED = reply(502, "5.5.1", "Command not implemented")
_NO_SUCH_TOPIC = reply(504, "5.5.4", "No help on that")
_LITERAL = re.compile(r"(\[[^\[\]\\ ]*\])(?: .*)?").fullmatch

FOREIGN_VERBS = frozenset({b"CONNECT", b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"TRACE"})
"""Request lines of HTTP begin so. A browser sends them, whom a web page told to; its user writes no mail."""

HELLO = frozenset({"EHLO", "HELO", "LHLO", "GREETING"})
"""Events whose replies never carry an enhanced status code (RFC2034-4-04)."""


def greeting(session: Session) -> Reply:
    """220 and the name of the host (RFC5321-3.1-01, RFC5321-4.2-04), and what it runs (RFC5321-7.5-01).

    Or a refusal: 554 with a hint for whoever reads it (RFC5321-3.1-06), 521 (RFC7504-3-01).
    """
    if session.site.refuses:
        return reply(session.site.refuses, "", f"{session.site.host} does not accept mail, ask postmaster@example.org")
    protocol = "LMTP" if session.site.role == "lmtp" else "ESMTP"
    return reply(220, "", f"{session.site.host} {protocol} smtp-conformance reference server")


def ehlo(session: Session, argument: str) -> Reply:
    """EHLO, and LHLO in LMTP (section 4.1.1.1, RFC2033-4.1-01)."""
    name = _client_name(session, argument)
    if name is None:
        return _DOMAIN_NEEDED
    session.hello, session.esmtp = name, True
    return Reply(250, "", session.rules.ehlo(session))


def ehlo_lines(session: Session) -> tuple[str, ...]:
    """Return the domain and a greeting, then a line for each extension (RFC5321-4.1.1.1-13, -14)."""
    offered = [extension.offer(session) for extension in session.rules.extensions]
    return (f"{session.site.host} greets {session.hello}", *(line for line in offered if line is not None))


def helo(session: Session, argument: str) -> Reply:
    """HELO: no extension list (RFC5321-3.2-02) and no extensions (RFC5321-4.1.1.1-05)."""
    name = _client_name(session, argument)
    if name is None:
        return _DOMAIN_NEEDED
    session.hello, session.esmtp = name, False
    return reply(250, "", session.site.host)


def _client_name(session: Session, argument: str) -> str | None:
    """Return the domain or address literal of a hello, None if it is neither; text may follow a literal (-03)."""
    literal = _LITERAL(argument)
    name = literal[1] if literal else argument
    if len(name) > session.limits.domain:
        return None
    try:
        return parse_domain(name, grammar=session.rules.grammar)
    except AddressError:
        return None


def lmtp_commands(commands: Mapping[str, Command]) -> dict[str, Command]:
    """Return the commands of LMTP: LHLO instead of EHLO and HELO (RFC2033-4.1-01, -02)."""
    changed = {verb: command for verb, command in commands.items() if verb not in ("EHLO", "HELO")}
    hello = replace(commands["EHLO"], verb="LHLO", requirement=("RFC2033-4.1-01", "RFC2033-4.1-02"))
    return {"LHLO": hello, **changed}


def rset(session: Session, argument: str) -> Reply:
    """RSET; the state machine does the work (section 4.1.1.5)."""
    return _RESET


def noop(session: Session, argument: str) -> Reply:
    """NOOP, with any argument (RFC5321-4.1.1.9-02)."""
    return _OK


def quit(session: Session, argument: str) -> Reply:
    """QUIT: 221 and the name of the host, then the connection is closed (RFC5321-4.1.1.10-01, RFC5321-4.2.2-02)."""
    return reply(221, "2.0.0", f"{session.site.host} closing connection")


def vrfy(session: Session, argument: str) -> Reply:
    """VRFY (section 4.1.1.6)."""
    return session.rules.verify(session, argument) if argument else _STRING_NEEDED


def expn(session: Session, argument: str) -> Reply:
    """EXPN (section 4.1.1.7)."""
    return session.rules.expand(session, argument) if argument else _STRING_NEEDED


def help(session: Session, argument: str) -> Reply:
    """HELP, on everything or on one command (section 4.1.1.8)."""
    commands = session.rules.commands
    if not argument:
        known = " ".join(verb for verb, command in commands.items() if command.success)
        return reply(214, "2.0.0", f"smtp-conformance {__version__}, reference server", known, "HELP VERB tells more")
    command = commands.get(argument.upper())
    if command is None or not command.success:
        return _NO_SUCH_TOPIC
    syntax = command.argument if command.argument.startswith(("SP", "")) else ""
    return reply(214, "2.0.0", f"{command.verb} {syntax}".strip())


def not_implemented(session: Session, argument: str) -> Reply:
    """SEND, SOML, SAML and TURN are known and not implemented (RFC5321-4.2.4-01, Appendix F)."""
    return _NOT_IMPLEMENTED


def forget(session: Session) -> None:
    """After the handshake nothing that was said in the clear counts (RFC3207-4.2-01 to -03, RFC3207-6-04)."""
    session.hello, session.esmtp, session.user, session.exchange = "", False, None, None
    session.enter(State.CONNECTED)


def patience(session: Session) -> Reply | None:
    """Return the 421 that ends a session in which too much is refused or idle (section 7.8, RFC 4954 section 9)."""
    limits = session.limits
    refused = session.errors > limits.errors or session.failed_logins >= limits.logins
    if not refused and session.idle_commands <= limits.idle_commands:
        return None
    return reply(421, "4.7.0", f"{session.site.host} too many errors, closing connection")


def endless(session: Session) -> Reply:
    """Return the 421 that ends a session whose command line does not end (section 7.8)."""
    return reply(421, "4.7.0", f"{session.site.host} line without an end, closing connection")


def crowded(session: Session) -> Reply:
    """Return the 421 for a client that has too many sessions open (section 7.8)."""
    return reply(421, "4.7.0", f"{session.site.host} too many sessions, closing connection")


def foreign(session: Session) -> Reply:
    """Return the 421 that ends a session in which another protocol is spoken (section 7.8)."""
    return reply(421, "4.7.0", f"{session.site.host} speaks SMTP, closing connection")


def lost(session: Session, octets: bytes) -> None:
    """Cancel what the client did not finish, and undo nothing that it did (RFC5321-4.1.1.10-05)."""


def idle(session: Session) -> Reply | None:
    """Return the 421 after a silence that was too long (RFC5321-4.5.3.2.7-02)."""
    return reply(421, "4.4.2", f"{session.site.host} idle for too long, closing connection")
