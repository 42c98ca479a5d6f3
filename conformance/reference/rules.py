"""Everything about the reference server that can be otherwise.

``Rules`` holds the tables, the limits and the small functions that decide; handlers and readers ask it and never decide
themselves. ``strict(role)`` returns the rules of the RFCs. A fault is a function from rules to rules: it replaces a
table, a value or a function, and everything else stays as it was, so faults can be combined.

The fields from ``greeting`` on say when each is called. ``on_input``, ``on_reply``, ``on_actions`` and
``on_store`` are filters at the four borders of the server (octets in, replies, actions out, messages); without faults
they are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from conformance.smtp.address import STRICT as STRICT_GRAMMAR
from conformance.smtp.address import Grammar, Path

from . import delivery, dialogue, framing, gate, notification, policy, sasl, submission, table, trace
from .extension import Extension, Parameter, all_extensions, auth
from .reply import Reply, render
from .sasl import MECHANISMS, Mechanism
from .site import Role, Site, Stored
from .table import Command, State, Step

if TYPE_CHECKING:
    from .actions import Action
    from .session import Recipient, Session

Gate = Callable[["Session", Command, str], Reply | None]
Border = tuple[int, int]
Find = Callable[[bytearray, int], Border | None]


@dataclass(frozen=True)
class Rules:
    """The rules of one kind of server."""

    commands: Mapping[str, Command]
    """Verb to command."""
    next: Mapping[Step, State]
    """The state machine: see ``table``."""
    extensions: tuple[Extension, ...]
    limits: tuple[tuple[str, Any], ...] = ()
    """Limits that differ from those of the site."""
    grammar: Grammar = STRICT_GRAMMAR
    """Of addresses, in commands."""
    separator: str = " "
    """The regular expression of what stands between parameters (RFC5321-4.1.2-07)."""
    gates: tuple[Gate, ...] = gate.GATES
    """Asked in order before a command is handled; the first reply is the answer."""

    listens: Callable[[Site], bool] = lambda site: True
    """Whether a connection is taken; over sockets one that is not is reset at once."""
    greeting: Callable[[Session], Reply] = dialogue.greeting
    """The first reply of a connection."""
    ehlo: Callable[[Session], tuple[str, ...]] = dialogue.ehlo_lines
    """The lines of a positive reply to EHLO or LHLO."""
    find_line: Find = framing.find_line
    """(octets, where to start) -> where the first command line ends and where the next one begins."""
    split_line: Callable[[bytes], tuple[bytes, bytes]] = framing.split_line
    """Split a command line into its verb, in upper case, and its argument."""
    find_end: Find = framing.find_end
    """The same for mail data: CRLF, then all that came after 354."""
    unstuff: Callable[[bytes], bytes] = framing.unstuff
    """Undo transparency in all of the mail data."""
    path: Callable[[Session, str, bool], tuple[Path, str]] = policy.path
    """Split the path off the argument of MAIL (False) or RCPT (True); raise AddressError."""
    sender: Callable[[Session, Path], Reply | None] = policy.sender
    """Refuse a reverse-path."""
    recipient: Callable[[Session, Path], Recipient | Reply] = policy.recipient
    """Say where mail for a forward-path goes, or refuse it."""
    verify: Callable[[Session, str], Reply] = policy.verify
    """Answer VRFY."""
    expand: Callable[[Session, str], Reply] = policy.expand
    """Answer EXPN."""
    checks: tuple[Callable[[Session, bytes], Reply | None], ...] = delivery.CHECKS
    """Look at a whole message, in order; the first reply refuses it."""
    complete: Callable[[Session, bytes, str], bytes] = submission.complete
    """Add what a user's message lacks."""
    received: Callable[[Session, str], str] = trace.received
    """The Received field of a message with this id."""
    deliver: Callable[[Session, bytes, str], None] = delivery.deliver
    """Store an accepted message under this id."""
    notices: Callable[[Session, list[Recipient], bytes, str], list[Stored]] = notification.delivered
    """The delivery status notifications about a delivered message."""
    failures: Callable[[Session, list[Recipient], bytes, str], list[Stored]] = notification.failed
    """The notifications about recipients whom the next hop refused."""
    wanted: Callable[[Session, list[Recipient]], list[Recipient]] = notification.wanted
    """The recipients that a notice has to be about."""
    text_reply: Callable[[Session, str, Recipient | None], Reply] = delivery.accepted
    """The reply to an accepted message; in LMTP one for each recipient."""
    mechanisms: tuple[Mechanism, ...] = MECHANISMS
    """Of SASL, in the order in which AUTH lists them."""
    may_use: Callable[[Session, Mechanism], bool] = auth.may_use
    """Whether a mechanism is listed and may be used now."""
    authenticate: Callable[[Session, str, str], bool] = sasl.authenticate
    """Whether this user has this password."""
    after_tls: Callable[[Session], None] = dialogue.forget
    """What the handshake does to the session (RFC 3207 section 4.2)."""
    keep_clear_octets: bool = False
    """Whether what came in the clear behind STARTTLS is read as commands once TLS is up."""
    octets_are_patience: bool = False
    """Whether half a command puts the timeout off."""
    foreign_verbs: frozenset[bytes] = dialogue.FOREIGN_VERBS
    """Verbs of other protocols, which end the session."""
    close_after: Callable[[Session], Reply | None] = dialogue.patience
    """Asked after each refused command: the 421 that ends the session, or None."""
    lost: Callable[[Session, bytes], None] = dialogue.lost
    """Called with what was not handled yet when the client goes without QUIT."""
    idle_timeout: float | None = None
    """Seconds after which ``idle`` is asked, where they differ from the site's."""
    idle: Callable[[Session], Reply | None] = dialogue.idle
    """The reply when the client was silent for too long; None closes without one."""
    render: Callable[[Reply], bytes] = render
    tls: Mapping[str, Any] = field(default_factory=dict)
    """What the shell is to do differently in the handshake; see ``serve``."""

    on_input: tuple[Callable[[Session, bytes], bytes], ...] = ()
    on_reply: tuple[Callable[[Session, str, Reply], Reply | list[Action]], ...] = ()
    on_actions: tuple[Callable[[Session, list[Action]], list[Action]], ...] = ()
    on_store: tuple[Callable[[Session, Stored], Stored | None], ...] = ()

    @cached_property
    def verbs(self) -> Mapping[bytes, Command]:
        """The commands by the octets of their verbs."""
        return {verb.encode(): command for verb, command in self.commands.items()}

    @cached_property
    def _keywords(self) -> Mapping[str, Extension]:
        return {extension.keyword: extension for extension in self.extensions}

    def extension(self, keyword: str) -> Extension | None:
        """Return the extension with this keyword, or None."""
        return self._keywords.get(keyword)

    @cached_property
    def parameters(self) -> Mapping[tuple[str, str], tuple[Extension, Parameter]]:
        """(verb, parameter name) to the extension that defines it."""
        found: dict[tuple[str, str], tuple[Extension, Parameter]] = {}
        for extension in self.extensions:
            for verb, parameters in (("MAIL", extension.mail), ("RCPT", extension.rcpt)):
                for parameter in parameters:
                    found[verb, parameter.name] = extension, parameter
        return found

    @cached_property
    def longer(self) -> Mapping[str, int]:
        """By how many octets extensions raise the limit of a command line (RFC5321-4.5.3.1.4-02)."""
        found: dict[str, int] = {}
        for extension in self.extensions:
            for verb, octets in extension.longer.items():
                found[verb] = found.get(verb, 0) + octets
        return found


@cache
def strict(role: Role) -> Rules:
    """Return the rules of the RFCs for a role."""
    commands = table.base_commands()
    extensions = all_extensions(role)
    for extension in extensions:
        commands.update({command.verb: command for command in extension.commands})
    if role == "lmtp":
        commands = dialogue.lmtp_commands(commands)
    return Rules(commands=commands, next=table.NEXT, extensions=extensions)
