"""The reference server for one connection, without I/O: octets in, actions out.

``Server`` is the reader: it cuts the input into command lines, mail data and chunks, keeps what is not complete yet,
and bounds it. What a command means is in ``dialogue`` and ``transaction``, when it is allowed in ``table``, and
everything that can be otherwise in ``rules``. The replies to one ``receive`` come as one run of octets, whatever
segments the input came in: the dialogue depends on the octets alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from . import delivery
from .actions import Action, join
from .dialogue import HELLO, crowded, endless, foreign
from .extension.auth import respond
from .reply import Reply, reply
from .rules import Rules, strict
from .session import Session
from .site import Site
from .table import State

if TYPE_CHECKING:
    from .faults import Fault

_UNKNOWN = reply(500, "5.5.1", "Command not recognised")
_LINE_TOO_LONG = reply(500, "5.5.2", "Line too long")
_CHUNK = reply(250, "2.0.0", "Chunk ok")
_LOGIN_TOO_LONG = reply(500, "5.5.6", "Authentication line too long")


def rules_for(site: Site, faults: Sequence[Fault | str]) -> Rules:
    """Return the rules of a site's role, changed by the faults in the order given."""
    if not faults:
        return strict(site.role)
    from .faults import changed

    return changed(site.role, tuple(faults))


class Server:
    """One connection. Every method returns what the shell is to do, in order."""

    def __init__(self, site: Site, faults: Sequence[Fault | str] = ()) -> None:
        self.rules = rules_for(site, faults)
        self.session = Session(site, self.rules)
        self._octets = bytearray()
        """What came and is not handled yet."""
        self._seen = 0
        """How many of them hold no line end, or no end of mail data."""
        self._dropping = False
        """Whether the line or the mail data went over its limit, and is thrown away up to its end."""
        self._dropped = 0
        """How many octets of the line were thrown away."""
        self._readers: dict[State, Callable[[], bool]] = {
            State.TEXT: self._read_text,
            State.CHALLENGE: self._read_response,
            State.HANDSHAKE: self._wait_for_tls,
            State.CLOSED: self._ignore,
        }

    def connected(self, peer: str = "127.0.0.1", tls: bool = False, cipher: str = "") -> list[Action]:
        """Greet a client (RFC5321-3.1-01); ``tls`` when the handshake came first (RFC 8314 section 3.3)."""
        session = self.session
        session.peer, session.tls, session.cipher = peer, tls, cipher
        if sum(other.session.peer == peer for other in session.site.open) < session.limits.sessions:
            session.site.open.add(self)
            session.answer("GREETING", self.rules.greeting(session))
        else:
            self._end(crowded(session))
        return self._actions()

    def receive(self, octets: bytes) -> list[Action]:
        """Handle octets from the client; inside TLS, what was inside it."""
        for change in self.rules.on_input:
            octets = change(self.session, octets)
        self._octets += octets
        self._read()
        return self._actions()

    def tls_established(self, cipher: str = "") -> list[Action]:
        """Go on inside TLS: forget the session (RFC3207-4.2-01 to -03); no second greeting comes (RFC3207-4.2-04)."""
        session = self.session
        session.tls, session.cipher = True, cipher
        self.rules.after_tls(session)
        self._read()
        return self._actions()

    def eof(self) -> list[Action]:
        """End a connection that the client closed: the open transaction is cancelled (RFC5321-4.1.1.10-05)."""
        if not self.session.closed:
            self.rules.lost(self.session, bytes(self._octets))
            self.session.enter(State.CLOSED)
        self._octets.clear()
        return self._actions()

    def timeout(self) -> list[Action]:
        """End a connection on which nothing came for too long: 421, then close (RFC5321-4.5.3.2.7-02)."""
        self._end(self.rules.idle(self.session))
        return self._actions()

    @property
    def idle_timeout(self) -> float:
        """Seconds without a whole command, or without text, after which the shell is to call ``timeout``."""
        changed = self.rules.idle_timeout
        return self.session.site.idle_timeout if changed is None else changed

    @property
    def midway(self) -> bool:
        """Whether a command, or a response to a challenge, has begun and has no end yet."""
        session = self.session
        lines = session.state not in (State.TEXT, State.HANDSHAKE, State.CLOSED) and session.chunk is None
        return lines and bool(self._octets) and not self.rules.octets_are_patience

    @property
    def buffered(self) -> int:
        """The octets held for this connection and not handled, which the limits bound."""
        return len(self._octets) + len(self.session.transaction.chunks)

    def _actions(self) -> list[Action]:
        out = self.session.out
        actions = join(out) if len(out) > 1 else out
        self.session.out = []
        if self.session.closed:
            self.session.site.open.discard(self)
        for change in self.rules.on_actions:
            actions = change(self.session, actions)
        return actions

    def _end(self, answer: Reply | None) -> None:
        session = self.session
        if session.closed:
            return
        if answer is not None:
            session.answer("SHUTDOWN", answer)
        if not session.closed:
            session.enter(State.CLOSED)

    # The reader. Each of the methods below handles one piece of the input and returns whether to look for another.

    def _read(self) -> None:
        session, readers, command = self.session, self._readers, self._read_command
        while (self._read_chunk if session.chunk is not None else readers.get(session.state, command))():
            pass

    def _take_line(self, limit: int) -> bytes | None:
        """Return the next line; None when it is not complete. A line over the limit comes back as its first octets."""
        octets = self._octets
        border = self.rules.find_line(octets, self._seen)
        if border is None:
            if len(octets) > limit or self._dropping:
                self._dropped += len(octets) - 1
                self._drop(1)
                if self._dropped > self.session.limits.endless_line:
                    self._end(endless(self.session))
            self._seen = max(0, len(octets) - 1)
            return None
        self._dropped = 0
        line = bytes(octets[: border[0]])
        del octets[: border[1]]
        self._seen = 0
        return line

    def _drop(self, keep: int) -> None:
        """Throw away what cannot be kept but for the octets that may belong to the line end."""
        self._dropping = True
        del self._octets[: len(self._octets) - keep]

    def _read_command(self) -> bool:
        session = self.session
        line = self._take_line(max(session.limits.command_line + 2048, session.limits.auth_line))
        if line is None:
            return False
        session.line = line
        if self._dropping:  # the rest of the line is no command: RFC5321-4.5.3.1.9-02
            self._dropping = False
            session.answer("UNKNOWN", _LINE_TOO_LONG)
        else:
            self._command(line)
        self._look_at_patience()
        return True

    def _look_at_patience(self) -> None:
        session = self.session
        if session.errors or session.failed_logins or session.idle_commands > session.limits.idle_commands:
            answer = self.rules.close_after(self.session)
            if answer is not None:
                self._end(answer)

    def _command(self, line: bytes) -> None:
        """Handle one command line."""
        session, rules = self.session, self.rules
        verb, rest = rules.split_line(line)
        command = rules.verbs.get(verb)
        if command is None and verb.upper() in rules.foreign_verbs:
            self._end(foreign(session))
            return
        if command is None:
            too_long = len(line) + 2 > session.limits.command_line
            session.answer("UNKNOWN", _LINE_TOO_LONG if too_long else _UNKNOWN)  # RFC5321-3.8-02, RFC5321-4.2.4-02
            return
        argument = rest.decode("utf-8", "surrogateescape")
        answer: Reply | None = None
        for gate in rules.gates:
            answer = gate(session, command, argument)
            if answer is not None:
                if command.refused is not None:
                    answer = command.refused(session, argument, answer)
                break
        else:
            answer = command.handler(session, argument)
        if answer is None:
            return  # the reply comes later, as that to BDAT
        if answer.status and command.verb in HELLO:
            answer = answer._replace(status="")  # RFC2034-4-04
        session.answer(command.verb, answer)
        if session.state is State.TEXT:
            self._octets[:0] = b"\r\n"  # the CRLF of DATA may begin the end of mail data: RFC5321-4.1.1.4-13

    def _read_text(self) -> bool:
        """Read mail data up to its end (section 4.1.1.4), and keep no more than a message may have."""
        octets, limit = self._octets, self.session.limits.message
        border = self.rules.find_end(octets, self._seen)
        if border is None:
            # A stuffed dot for every three octets of text is the most that transparency can add.
            if self._dropping or (0 < limit < len(octets) * 3 // 4 - 16):
                self._drop(min(len(octets), 4))
            self._seen = max(0, len(octets) - 4)
            return False
        text = bytes(octets[2 : border[0]])
        del octets[: border[1]]
        self._seen = 0
        if self._dropping:
            self._dropping = False
            text = b"\0" * (limit + 1)
        self._finish("END-OF-DATA", delivery.finish(self.session, self.rules.unstuff(text)))
        return True

    def _finish(self, event: str, answers: list[Reply]) -> None:
        """Answer a whole message; only the last of LMTP's replies moves on."""
        if not answers:  # RFC2033-4.3-02
            self.session.enter(State.READY)
            return
        for answer in answers[:-1]:
            self.session.put(event, answer)
        self.session.answer(event, answers[-1])

    def _read_chunk(self) -> bool:
        """Read the octets that BDAT announced, whatever they are (RFC3030-2-11, -13); answer when they are there."""
        session, octets = self.session, self._octets
        chunk, chunks = session.chunk, session.transaction.chunks
        assert chunk is not None
        taken = min(chunk.left, len(octets))
        if chunk.refusal is None:
            chunks += octets[:taken]
        del octets[:taken]
        chunk.left -= taken
        if chunk.left:
            return False
        session.chunk, self._seen = None, 0
        if chunk.refusal is not None:
            chunks.clear()
            self._finish("BDAT LAST" if chunk.last else "BDAT", delivery.refused(session, chunk.refusal, chunk.last))
        elif chunk.last:
            self._finish("BDAT LAST", delivery.finish(session, bytes(chunks)))
        else:
            session.answer("BDAT", _CHUNK)
        return True

    def _read_response(self) -> bool:
        """Read a response to a SASL challenge; it is never a command (RFC4954-X-01)."""
        session = self.session
        line = self._take_line(session.limits.auth_line)
        if line is None:
            return False
        if self._dropping or len(line) + 2 > session.limits.auth_line:
            self._dropping = False
            session.exchange = None
            session.answer("AUTH", _LOGIN_TOO_LONG)  # RFC4954-4-17, -18
        else:
            session.answer("AUTH", respond(session, line))
        self._look_at_patience()
        return True

    def _wait_for_tls(self) -> bool:
        """Octets in the clear behind STARTTLS are never commands (RFC3207-4-09, -10)."""
        if not self.rules.keep_clear_octets:
            self._octets.clear()
            self._seen = 0
        elif len(self._octets) > self.session.limits.pending:
            self._octets.clear()
        return False

    def _ignore(self) -> bool:
        """Nothing after QUIT is processed (RFC5321-4.1.1.10-07)."""
        self._octets.clear()
        return False
