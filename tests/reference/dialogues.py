r"""Dialogues written as in the RFCs, and the small machine that plays them against the reference server.

A dialogue is text: ``C:`` lines are sent with CRLF, ``S:`` lines are what the server must answer; ``...`` in them is
anything, ``S: 250*`` is a whole reply. ``TLS`` lets the handshake happen, ``CLOSE`` says that the server closes. In C:
lines ``\r \n \t \0 \xHH`` are octets.
"""

import re
from collections.abc import Sequence

from conformance.reference import Close, Limits, Server, Site, StartTls
from conformance.reference.actions import Action
from conformance.reference.faults import Fault
from conformance.reference.site import Role

NOW = 1_795_530_000.0


def site(role: Role = "mx", **fields: object) -> Site:
    """Return a site whose clock stands still and whose random numbers are known."""
    made = Site(role=role, clock=lambda: NOW, random=lambda count: bytes(range(count)))
    for name, value in fields.items():
        if isinstance(value, dict) and name == "limits":
            value = Limits(**value)
        setattr(made, name, value)
    return made


def octets(text: str) -> bytes:
    """Return text with its escapes as octets."""
    return re.sub(r"\\(r|n|t|0|\\|x[0-9a-fA-F]{2})", _unescape, text).encode("latin-1")


def _unescape(found: re.Match[str]) -> str:
    simple = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
    return simple[found[1]] if found[1] in simple else chr(int(found[1][1:], 16))


def play(dialogue: str, server: Server, *, greeted: bool = False) -> None:
    """Play a dialogue; raise AssertionError at the first line that the server answers differently."""
    pending: list[Action] = [] if greeted else server.connected()
    said = ""
    for number, line in enumerate(dialogue.strip("\n").splitlines(), 1):
        kind, _, text = line.lstrip().partition(" ")
        if not kind:
            continue
        if kind == "C:":
            assert not said and not pending, f"line {number}: the server said more: {said!r} {pending}"
            pending = server.receive(octets(text) + b"\r\n")
        elif kind == "S:":
            if not said and pending and isinstance(pending[0], bytes):
                said = pending[0].decode()
                pending = pending[1:]
            if text.endswith("*"):
                text, said = text[:-1] + "...", re.sub(rf"^({text[:3]}-.*\r\n)*", "", said)
            answer, _, said = said.partition("\r\n")
            expected = re.escape(text).replace(r"\.\.\.", ".*")
            assert re.fullmatch(expected, answer), f"line {number}: expected {text!r}, got {answer!r}"
        elif kind == "TLS":
            assert not said and pending == [StartTls()], f"line {number}: expected StartTls, got {pending}"
            pending = server.tls_established()
        elif kind == "CLOSE":
            assert not said and pending == [Close()], f"line {number}: expected Close, got {said!r} {pending}"
            pending = []
        else:
            raise ValueError(f"line {number}: {line!r}")
    assert not said and not pending, f"the server said more: {said!r} {pending}"


def check(dialogue: str, where: Site | None = None, faults: Sequence[Fault | str] = ()) -> Site:
    """Play a dialogue against a new server; return its site."""
    where = where or site()
    play(dialogue, Server(where, faults))
    return where
