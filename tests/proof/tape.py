"""A tape: what one case made the faultless server do, call by call.

Most faults leave most cases alone. To see that, the case need not be played. Where the fault changes no rule that the
play asked (``footprint``), nothing can differ. Else the calls on its tape are made on the broken server, and when every
one gives the same actions, and the same messages are stored, the play would come to the same end; the client is
deterministic. That takes a tenth of the time of playing, and makes every fault x every case quick enough to be a test.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from conformance.reference.actions import Action
from conformance.reference.faults import Fault
from conformance.reference.server import Server
from conformance.reference.site import Role, Site, Stored
from tests.proof.footprint import EVERYTHING, STORED, Watched, changed_by


def site_for(role: Role) -> Site:
    """Return a site whose clock stands still and whose dice always fall the same way."""
    return Site(role=role, clock=lambda: 1_767_225_600.0, random=lambda octets: b"\x5a" * octets)


@dataclass(slots=True)
class Tape:
    """The calls on the servers of one play, and the messages at its end."""

    role: Role
    calls: list[tuple[int, str, tuple[Any, ...], list[Action]]] = field(default_factory=list)
    servers: int = 0
    stored: tuple[list[Stored], list[Stored]] = field(default_factory=lambda: ([], []))
    points: set[Hashable] = field(default_factory=lambda: {EVERYTHING})
    """The rules that were asked."""

    def finish(self, site: Site) -> None:
        """Note what is stored at the end of the play."""
        self.stored = _messages(site)
        if any(self.stored):
            self.points.add(STORED)

    def is_same_with(self, fault: Fault) -> bool:
        """Return whether a server with this fault does the same."""
        return self.points.isdisjoint(changed_by(fault, self.role)) or self._plays_the_same(fault)

    def _plays_the_same(self, fault: Fault) -> bool:
        site = site_for(self.role)
        servers = [Server(site, (fault,)) for _ in range(self.servers)]
        for number, name, arguments, actions in self.calls:
            server = servers[number]
            try:
                if getattr(server, name)(*arguments) != actions or server.idle_timeout != site.idle_timeout:
                    return False
            except Exception:  # the play will show it
                return False
        return _messages(site) == self.stored


def _messages(site: Site) -> tuple[list[Stored], list[Stored]]:
    return list(site.store), list(site.outgoing)


class TapedServer(Server):
    """A server that notes what is asked of it and what it does."""

    def __init__(self, site: Site, tape: Tape) -> None:
        super().__init__(site)
        self.rules = self.session.rules = Watched.of(self.rules, tape.points)
        self._tape = tape
        self._number = tape.servers
        tape.servers += 1

    def _note(self, name: str, actions: list[Action], *arguments: Any) -> list[Action]:
        self._tape.calls.append((self._number, name, arguments, list(actions)))
        return actions

    def connected(self, peer: str = "127.0.0.1", tls: bool = False, cipher: str = "") -> list[Action]:
        """Greet."""
        return self._note("connected", super().connected(peer, tls, cipher), peer, tls, cipher)

    def receive(self, octets: bytes) -> list[Action]:
        """Take octets."""
        return self._note("receive", super().receive(octets), octets)

    def tls_established(self, cipher: str = "") -> list[Action]:
        """Cross into TLS."""
        return self._note("tls_established", super().tls_established(cipher), cipher)

    def eof(self) -> list[Action]:
        """See the client go."""
        return self._note("eof", super().eof())

    def timeout(self) -> list[Action]:
        """See the client sleep."""
        return self._note("timeout", super().timeout())
