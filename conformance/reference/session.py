"""What one connection knows: who is at the other end, where the session is, and the open transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from conformance.smtp.address import NULL_PATH, Path

from .actions import Action, Close, StartTls
from .reply import Reply
from .site import Limits, Site
from .table import CLEARED, State

if TYPE_CHECKING:
    from .rules import Rules
    from .sasl import Exchange

Parameters = dict[str, str | None]


@dataclass(slots=True)
class Recipient:
    """An accepted forward-path and where its mail goes."""

    path: Path
    local: str = ""
    """The mailbox or list here, in the form for looking it up; "" when the mail goes to the next hop."""
    parameters: Parameters = field(default_factory=dict)


@dataclass(slots=True)
class Transaction:
    """The three buffers of section 4.1.1: reverse-path, forward-paths and mail data."""

    reverse_path: Path = NULL_PATH
    parameters: Parameters = field(default_factory=dict)
    recipients: list[Recipient] = field(default_factory=list)
    chunks: bytearray = field(default_factory=bytearray)
    """What came by BDAT so far."""

    @property
    def binary(self) -> bool:
        """Whether the message was declared to be BODY=BINARYMIME."""
        return (self.parameters.get("BODY") or "").upper() == "BINARYMIME"


@dataclass(slots=True)
class Chunk:
    """A chunk that is being read."""

    left: int
    """Octets still to come."""
    last: bool
    refusal: Reply | None = None
    """The octets are thrown away, and this is the reply when they are all there (RFC3030-2-06)."""


PRODUCTIVE = frozenset({"MAIL", "RCPT", "DATA", "END-OF-DATA", "BDAT", "BDAT LAST", "AUTH", "STARTTLS"})
"""Events that bring mail nearer; a session of nothing else is idle."""

_EFFECTS: dict[State, Action] = {State.HANDSHAKE: StartTls(), State.CLOSED: Close()}


@lru_cache(maxsize=64)
def _limits(limits: Limits, changes: tuple[tuple[str, Any], ...]) -> Limits:
    return replace(limits, **dict(changes))


class Session:
    """The state of one connection, and the replies that are ready to go out."""

    __slots__ = (
        "chunk",
        "cipher",
        "errors",
        "esmtp",
        "exchange",
        "failed_logins",
        "hello",
        "idle_commands",
        "limits",
        "line",
        "memory",
        "out",
        "peer",
        "rules",
        "site",
        "state",
        "tls",
        "transaction",
        "user",
    )

    def __init__(self, site: Site, rules: Rules) -> None:
        self.site = site
        self.rules = rules
        self.limits = _limits(site.limits, rules.limits) if rules.limits else site.limits
        self.peer = "127.0.0.1"
        self.tls = False
        self.cipher = ""
        self.hello = ""
        """The argument of the last accepted EHLO, HELO or LHLO."""
        self.esmtp = False
        """Whether that was EHLO or LHLO, so that extensions are in force."""
        self.user: str | None = None
        self.state = State.CONNECTED
        self.transaction = Transaction()
        self.chunk: Chunk | None = None
        self.exchange: Exchange | None = None
        self.errors = 0
        self.failed_logins = 0
        self.idle_commands = 0
        """Commands since the last one that belongs to a mail transaction, a login or the handshake."""
        self.line = b""
        """The command line that is being handled, without its line end."""
        self.out: list[Action] = []
        self.memory: dict[str, Any] = {}
        """Whatever a fault wants to remember."""

    def answer(self, event: str, reply: Reply) -> None:
        """Move on as ``NEXT`` says, and put the reply out."""
        rules = self.rules
        state = rules.next.get((self.state, event, reply.code // 100))
        if reply.code >= 500:
            self.errors += 1
        self.idle_commands = 0 if event in PRODUCTIVE else self.idle_commands + 1
        self.put(event, reply)
        if state is not None and not self.closed:
            self.enter(state)

    def put(self, event: str, reply: Reply) -> None:
        """Put a reply out, as the reply filters leave it."""
        for change in self.rules.on_reply:
            changed = change(self, event, reply)
            if not isinstance(changed, Reply):
                self.out += changed
                return
            reply = changed
        self.out.append(self.rules.render(reply))

    def enter(self, state: State) -> None:
        """Be in another state, with the buffers that belong to it."""
        self.state = state
        if state in CLEARED:
            self.transaction = Transaction()
        elif state in _EFFECTS:
            self.out.append(_EFFECTS[state])

    @property
    def closed(self) -> bool:
        """Whether the session has ended."""
        return self.state is State.CLOSED

    def offers(self, keyword: str) -> bool:
        """Whether an extension is in force: listed, and EHLO or LHLO was said (RFC5321-4.1.1.1-05)."""
        extension = self.rules.extension(keyword)
        return self.esmtp and extension is not None and extension.offer(self) is not None

    @property
    def protocol(self) -> str:
        """The WITH name of this session: SMTP, ESMTP, ESMTPSA, UTF8SMTPA ... (RFC 3848, RFC 6531 section 4.3)."""
        secured = ("S" if self.tls else "") + ("A" if self.user is not None else "")
        name = "LMTP" if self.site.role == "lmtp" else "SMTP"
        if not self.esmtp:
            return name  # RFC3848-1-01
        if "SMTPUTF8" in self.transaction.parameters:
            return f"UTF8{name}{secured}"
        return (name if name == "LMTP" else "ESMTP") + secured
