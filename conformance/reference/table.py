"""The state machine of the reference server, and which reply may answer which command. Both are tables.

Everything that decides what may come when is in this file; the handlers know nothing of it.

A session is always in one ``State``. A command is allowed in some states (``Command.states``); in any other the
answer is 503 and nothing changes (RFC 5321 section 4.1.4). An allowed command is handled, and the first digit of the
reply, not the handler, decides what comes next: ``NEXT`` maps (state, event, first digit) to the new state, and what
it does not name stays where it is. So a refused command never changes the state (RFC5321-4.1.4-06, -12, -14).

Events are the verbs, and four more: ``END-OF-DATA`` is the reply after the final dot, ``BDAT LAST`` the reply to the
last chunk, ``GREETING`` the reply that opens the session, ``SHUTDOWN`` the 421 that ends it.

The buffers of section 4.1.1 (reverse-path, forward-paths, mail data) belong to the states between MAIL and the end of
the transaction: entering CONNECTED or READY clears them, and nothing else does (sections 4.1.1.1, 4.1.1.4, 4.1.1.5,
4.1.4).

    CONNECTED --EHLO--> READY --MAIL--> MAIL --RCPT--> RCPT --DATA--> TEXT --END-OF-DATA--> READY
                          ^                             |
                          +-------- BDAT LAST ------ CHUNKS <--BDAT

Four states are about octets rather than commands: in TEXT all lines up to the final dot are the message, in CHALLENGE
each line is a response to a SASL challenge, in HANDSHAKE nothing is read until TLS is up, in CLOSED nothing is read
any more.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from .reply import Reply

if TYPE_CHECKING:
    from .session import Session


class State(StrEnum):
    """Where a session is."""

    CONNECTED = "connected"
    """No EHLO or HELO yet, or TLS has made the server forget it."""
    READY = "ready"
    """Greeted, and no transaction is open."""
    MAIL = "mail"
    """A transaction with a reverse-path and no recipient."""
    RCPT = "rcpt"
    """A transaction with a recipient at least."""
    CHUNKS = "chunks"
    """A transaction part of whose message has come by BDAT."""
    FAILED = "failed"
    """A transaction in which a BDAT was refused: only RSET (or EHLO) leads on (RFC 3030 section 2)."""
    TEXT = "text"
    """After 354: mail data."""
    CHALLENGE = "challenge"
    """After 334: a SASL response is expected."""
    HANDSHAKE = "handshake"
    """After 220 to STARTTLS: TLS records are expected."""
    REFUSED = "refused"
    """The greeting was 554: only QUIT works (section 3.1)."""
    CLOSED = "closed"


BEFORE_HELLO = frozenset({State.CONNECTED})
IN_TRANSACTION = frozenset({State.MAIL, State.RCPT, State.CHUNKS, State.FAILED})
GREETED = IN_TRANSACTION | {State.READY}
ANY = GREETED | BEFORE_HELLO
CLEARED = frozenset({State.CONNECTED, State.READY})

Handler = Callable[["Session", str], Reply | None]


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its grammar, where it is allowed, and what may answer it."""

    verb: str
    argument: str
    """The grammar of what follows the verb, "" when nothing may (then an argument gets 501)."""
    states: frozenset[State]
    success: tuple[int, ...]
    errors: tuple[int, ...]
    handler: Handler
    requirement: tuple[str, ...]
    order: str = "Bad sequence of commands"
    """The text of the 503 in all other states."""
    anonymous: bool = False
    """Whether it works before login where login is required (RFC 4954 section 6)."""
    utf8: bool = False
    """Whether SMTPUTF8 lets it carry non-ASCII characters (RFC 6531)."""
    refused: Callable[["Session", str, Reply], Reply | None] | None = None
    """What a refusal before the handler comes with; None for the reply as it is."""


ALWAYS = (421, 500, 501)
"""Codes that may answer any command (section 4.3.2)."""

Step = tuple[State, str, int]


def steps(states: Iterable[State], event: str, digit: int, to: State) -> dict[Step, State]:
    """Return the entries of ``NEXT`` that lead from each of ``states`` to one state."""
    return {(state, event, digit): to for state in states}


NEXT: Mapping[Step, State] = {
    # A greeting that refuses the session, section 3.1.
    **steps({State.CONNECTED}, "GREETING", 5, State.REFUSED),
    # EHLO and HELO open the session, and clear it when they come again: 4.1.1.1, RFC5321-4.1.4-03.
    **steps(ANY, "EHLO", 2, State.READY),
    **steps(ANY, "HELO", 2, State.READY),
    **steps(ANY, "LHLO", 2, State.READY),
    # The transaction, section 3.3.
    **steps({State.READY}, "MAIL", 2, State.MAIL),
    **steps({State.MAIL, State.RCPT}, "RCPT", 2, State.RCPT),
    **steps({State.RCPT}, "DATA", 3, State.TEXT),
    # Both outcomes clear the buffers, RFC5321-4.1.1.4-16.
    **steps({State.TEXT}, "END-OF-DATA", 2, State.READY),
    **steps({State.TEXT}, "END-OF-DATA", 4, State.READY),
    **steps({State.TEXT}, "END-OF-DATA", 5, State.READY),
    # RSET clears the transaction and keeps the hello, RFC5321-4.1.1.5-01, -03.
    **steps(GREETED, "RSET", 2, State.READY),
    # RFC 3030 section 2.
    **steps({State.RCPT, State.CHUNKS}, "BDAT", 2, State.CHUNKS),
    **steps({State.RCPT, State.CHUNKS}, "BDAT LAST", 2, State.READY),
    **steps(IN_TRANSACTION, "BDAT", 4, State.FAILED),
    **steps(IN_TRANSACTION, "BDAT", 5, State.FAILED),
    **steps(IN_TRANSACTION, "BDAT LAST", 4, State.FAILED),
    **steps(IN_TRANSACTION, "BDAT LAST", 5, State.FAILED),
    # RFC 4954 section 4.
    **steps({State.READY}, "AUTH", 3, State.CHALLENGE),
    **steps({State.CHALLENGE}, "AUTH", 2, State.READY),
    **steps({State.CHALLENGE}, "AUTH", 4, State.READY),
    **steps({State.CHALLENGE}, "AUTH", 5, State.READY),
    # RFC 3207 section 4.
    **steps(ANY, "STARTTLS", 2, State.HANDSHAKE),
    # The end, sections 3.8 and 4.1.1.10.
    **steps(ANY | {State.REFUSED}, "QUIT", 2, State.CLOSED),
    **steps(State, "SHUTDOWN", 4, State.CLOSED),
}


def base_commands() -> dict[str, Command]:
    """Return the commands of RFC 5321, by verb; extensions add their own."""
    from . import dialogue, transaction

    listed = [
        Command(
            "EHLO",
            "SP ( Domain / address-literal )",
            ANY,
            (250,),
            (502, 504, 550),
            dialogue.ehlo,
            ("RFC5321-2.2.1-01", "RFC5321-4.1.1.1-10", "RFC5321-4.1.4-02"),
            anonymous=True,
        ),
        Command(
            "HELO",
            "SP ( Domain / address-literal )",
            ANY,
            (250,),
            (502, 504, 550),
            dialogue.helo,
            ("RFC5321-4.1.1.1-07", "RFC5321-4.1.1.1-11"),
            anonymous=True,
        ),
        Command(
            "MAIL",
            "SP FROM: Reverse-path [ SP Mail-parameters ]",
            frozenset({State.READY}),
            (250,),
            (451, 452, 455, 503, 530, 550, 552, 553, 555),
            transaction.mail,
            ("RFC5321-4.1.1.2-03", "RFC5321-3.3-02"),
            order="MAIL needs EHLO first, and no open transaction",
            utf8=True,
        ),
        Command(
            "RCPT",
            "SP TO: ( Forward-path / <Postmaster> ) [ SP Rcpt-parameters ]",
            frozenset({State.MAIL, State.RCPT}),
            (250, 251),
            (450, 451, 452, 455, 503, 530, 550, 551, 552, 553, 555),
            transaction.rcpt,
            ("RFC5321-4.1.1.3-09", "RFC5321-3.3-13"),
            order="RCPT needs MAIL first",
            utf8=True,
        ),
        Command(
            "DATA",
            "",
            frozenset({State.RCPT}),
            (354,),
            (503, 530, 554),
            transaction.data,
            ("RFC5321-3.3-15", "RFC5321-3.3-17"),
            order="DATA needs a recipient first",
        ),
        Command(
            "RSET",
            "",
            ANY,
            (250,),
            (),
            dialogue.rset,
            ("RFC5321-4.1.1.5-01", "RFC5321-4.1.1.5-02", "RFC5321-4.1.4-01"),
            anonymous=True,
        ),
        Command(
            "NOOP",
            "[ SP String ]",
            ANY,
            (250,),
            (),
            dialogue.noop,
            ("RFC5321-4.1.1.9-01", "RFC5321-4.1.1.9-02"),
            anonymous=True,
        ),
        Command(
            "QUIT",
            "",
            ANY | {State.REFUSED},
            (221,),
            (),
            dialogue.quit,
            ("RFC5321-4.1.1.10-01", "RFC5321-4.1.1.10-06"),
            anonymous=True,
        ),
        Command(
            "VRFY",
            "SP String",
            ANY,
            (250, 251, 252),
            (502, 504, 530, 550, 551, 553),
            dialogue.vrfy,
            ("RFC5321-4.1.1.6-01", "RFC5321-3.5.1-01"),
            utf8=True,
        ),
        Command(
            "EXPN",
            "SP String",
            ANY,
            (250, 252),
            (502, 504, 530, 550),
            dialogue.expn,
            ("RFC5321-4.1.1.7-01", "RFC5321-3.5.1-05"),
            utf8=True,
        ),
        Command(
            "HELP",
            "[ SP String ]",
            ANY,
            (211, 214),
            (502, 504, 530),
            dialogue.help,
            ("RFC5321-4.1.1.8-02", "RFC5321-4.1.1.8-03"),
        ),
    ]
    listed += [  # Recognised and not implemented: section 4.2.4, Appendix F.
        Command(verb, "any", ANY, (), (502,), dialogue.not_implemented, ("RFC5321-4.2.4-01",), anonymous=True)
        for verb in ("SEND", "SOML", "SAML", "TURN")
    ]
    return {command.verb: command for command in listed}


TEXT_REPLIES = ((250,), (450, 451, 452, 500, 550, 552, 554))
"""Success and errors after the final dot or the last chunk (section 4.3.2; 500 by section 4.5.3.1.9)."""
