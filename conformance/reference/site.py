"""The part of the reference server that its connections share: names, users, limits, and the messages it accepted."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakSet

from conformance.smtp.address import Path

Role = Literal["mx", "submission", "lmtp", "relay"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of the server. Sizes are octets, and line lengths count the CRLF."""

    command_line: int = 512
    """RFC 5321 section 4.5.3.1.4; extensions raise it for single commands."""
    auth_line: int = 12288
    """RFC 4954 section 4: the AUTH command and each response of its exchange."""
    text_line: int = 1000
    """RFC 5321 section 4.5.3.1.6, without the stuffed dot."""
    path: int = 256
    """RFC 5321 section 4.5.3.1.3, with the angle brackets."""
    local_part: int = 64
    """RFC 5321 section 4.5.3.1.1."""
    domain: int = 255
    """RFC 5321 section 4.5.3.1.2."""
    recipients: int = 100
    """RFC 5321 section 4.5.3.1.8: accepted recipients in one transaction; the next one gets 452."""
    message: int = 10_485_760
    """The size of a message, what SIZE announces (RFC 1870); section 4.5.3.1.7 asks for 64K at least."""
    storage: int = 256 * 1_048_576
    """What the store holds before messages are refused with 452 4.3.1."""
    received: int = 100
    """RFC 5321 section 6.3: a message with more Received fields than this is in a loop."""
    errors: int = 60
    """Refused commands in one session before it ends with 421 (section 7.8 allows it)."""
    idle_commands: int = 150
    """Commands in a row that bring no mail nearer (NOOP, RSET, EHLO ...) before the session ends with 421."""
    endless_line: int = 1_048_576
    """Octets of a command line without an end before the session ends with 421."""
    logins: int = 10
    """Failed logins in one session before it ends with 421; RFC 4954 section 9 wants three at least."""
    sessions: int = 55
    """Sessions that a client may have open at once before it is greeted with 421 (section 7.8)."""
    pending: int = 1_048_576
    """Octets that are kept while nothing may be read, as between 220 to STARTTLS and the handshake."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message that the server answered for: what it delivered, or what it would hand to the next hop."""

    reverse_path: str
    """The mailbox of the reverse-path, "" for ``<>``."""
    recipients: tuple[str, ...]
    """The mailboxes that were accepted, in order, as the client wrote them (a source route is gone)."""
    octets: bytes
    """The message after transparency was undone, with the trace fields that the server added on top."""
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    """The parameters of MAIL."""
    recipient_parameters: tuple[Mapping[str, str | None], ...] = ()
    """The parameters of each RCPT."""
    commands: tuple[str, ...] = ()
    """What a client says at the next hop to hand it over, from EHLO on; nothing for what was delivered here."""
    tls: bool = False
    auth_user: str | None = None
    id: str = ""
    """The name in the reply to the end of data and in the ID clause of Received."""


class Store:
    """Messages in the order in which they were accepted."""

    def __init__(self) -> None:
        self._messages: list[Stored] = []
        self.octets = 0
        """The size of everything in the store."""

    def add(self, message: Stored) -> None:
        """Keep a message."""
        self._messages.append(message)
        self.octets += len(message.octets)

    def clear(self) -> None:
        """Forget everything."""
        self._messages.clear()
        self.octets = 0

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Stored]:
        return iter(self._messages[:])

    def __getitem__(self, index: int) -> Stored:
        return self._messages[index]


_MAILBOXES = {"alice": "Alice Liddell", "bob": "Bob Cratchit", "postmaster": "Postmaster", "abuse": "Abuse Desk"}
_USERS = {"alice": "alice-secret", "bob": "bob-secret"}


@dataclass(slots=True)
class Site:
    """A mail site. Each connection gets a ``Server`` of its own; all of them share one of these."""

    host: str = "mx.lab.test"
    role: Role = "mx"
    domains: tuple[str, ...] = ("lab.test",)
    """The domains whose mailboxes are here, in lower case."""
    addresses: tuple[str, ...] = ("127.0.0.1", "::1")
    """The server's own addresses: mail to a literal of one is local (RFC1123-5.2.17-02)."""
    mailboxes: Mapping[str, str] = field(default_factory=lambda: dict(_MAILBOXES))
    """Local part, in lower case, and full name of each mailbox."""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"staff": ("alice", "bob")})
    """Mailing lists: local part and the mailboxes of its members."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"team": ("alice", "bob")})
    """Aliases: local part and the mailboxes, two or more, that it stands for."""
    unreachable: str = "unreachable"
    """The next hop refuses the local parts that begin so, in every domain."""
    users: Mapping[str, str] = field(default_factory=lambda: dict(_USERS))
    """User name and password."""
    tls: bool = True
    """Whether STARTTLS is offered."""
    refuses: int = 0
    """554 or 521 where the site takes no mail and every greeting says so (section 3.1, RFC 7504 section 3), else 0."""
    verify: bool = True
    """Whether VRFY and EXPN tell; otherwise they answer 252 (section 7.3)."""
    limits: Limits = field(default_factory=Limits)
    idle_timeout: float = 300.0
    """Seconds of silence after which the session ends with 421 (section 4.5.3.2.7: five minutes at least)."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch, for trace fields."""
    random: Callable[[int], bytes] = os.urandom
    """So many random octets, for challenges and nonces."""
    store: Store = field(default_factory=Store)
    """Messages delivered here."""
    outgoing: Store = field(default_factory=Store)
    """Messages for the next hop."""
    count: int = 0
    open: WeakSet[Any] = field(default_factory=WeakSet)
    """The sessions that are open: their servers."""
    memory: dict[str, Any] = field(default_factory=dict)
    """Whatever a fault wants to remember across sessions."""

    def next_id(self) -> str:
        """Return a new name for a message."""
        self.count += 1
        return f"{self.count:08X}"


def written(path: Path) -> str:
    """Return the mailbox of a path as text, "" for the null path."""
    return str(path.mailbox) if path.mailbox else ""
