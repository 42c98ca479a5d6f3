"""What a server of the lab is: where it comes from, how it starts, and the targets that it offers to the suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.lab.kit.place import (
    CACHE,
    CLIENT,
    DOMAIN,
    FOREIGN,
    HOST,
    PASSWORD_VARIABLE,
    SOURCE,
    Home,
)

TARGETS = CACHE / "targets"
TargetKeys = dict[str, Any]


class Source(Protocol):
    """Where a server's software comes from."""

    @property
    def optional(self) -> bool:
        """Whether a machine without the tools (see ``obstacle``) may do without this server."""
        ...

    def obstacle(self) -> str | None:
        """Return what this machine lacks for it, or None."""
        ...

    def install(self, home: Home) -> str:
        """Fetch (once) and set up in the server's folder; return the version. Raises InstallError."""
        ...


@dataclass(frozen=True)
class Variant:
    """A port that is configured badly on purpose, or well where the server's default is bad."""

    keys: TargetKeys
    findings: Mapping[str, str]
    """Globs over case ids, and the verdict that at least one of these results has: ``fail``, ``warn``, ``info`` or,
    for what a good configuration mends, ``pass``, which then all of them have."""


@dataclass(frozen=True)
class Server:
    """One real mail server: a file in ``tests/lab/servers`` names it SERVER."""

    name: str
    source: Source
    ports: Mapping[str, int]
    start: Callable[[Home], None]
    """Spawn its processes (called in the server's supervisor); they may fork as they like."""
    targets: Mapping[str, TargetKeys]
    """Target files by name, as ``mx()``, ``submission()`` and ``lmtp()`` make them."""
    variants: Mapping[str, Variant] = field(default_factory=dict)
    """By target name: other configurations, with what the suite must say of them."""
    prepare: Callable[[Home], None] = lambda home: None
    """What remains after the software and the configuration are in place; runs once."""
    needs: tuple[str, ...] = ()
    """Other servers that must be up."""
    relays: bool = True
    """Whether what it relays arrives somewhere."""
    passwords: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that its target files name, where alice's password is not the lab's."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What else ``@@NAME@@`` stands for in its configuration files."""
    implicit: tuple[str, ...] = ("smtps",)
    """Roles whose ports start with the TLS handshake."""
    silent: tuple[str, ...] = field(default=())
    """Roles whose ports are not waited for."""
    spools: tuple[str, ...] = ()
    """Folders of its root that are emptied before it starts: messages that wait, and what it remembers of next hops."""

    @property
    def home(self) -> Home:
        """Its folder in the cache."""
        return Home(self.name, self.ports, self.values)


def ports(first: int, *roles: str) -> dict[str, int]:
    """Return consecutive ports for roles."""
    return {role: first + index for index, role in enumerate(roles)}


def mx(port: int, **changes: object) -> TargetKeys:
    """Return the target keys of a port where mail from other servers arrives; ``key=None`` removes a key."""
    keys: TargetKeys = {
        "host": HOST,
        "port": port,
        "role": "mx",
        "tls": "none",
        "source": SOURCE,
        "client": CLIENT,
        "sender": f"sender@{CLIENT}",
        "recipient": f"alice@{DOMAIN}",
        "recipient2": f"bob@{DOMAIN}",
        "unknown": f"nobody-here@{DOMAIN}",
        "foreign": f"someone@{FOREIGN}",
        "client_welcome": True,
        "timeout": 20,
    }
    return _changed(keys, changes)


def submission(port: int, tls: str = "starttls", **changes: object) -> TargetKeys:
    """Return the target keys of a port where users hand in mail after TLS and AUTH."""
    login = {"user": f"alice@{DOMAIN}", "password_env": PASSWORD_VARIABLE}
    keys = mx(port, role="submission", tls=tls, sender=f"alice@{DOMAIN}", credentials=login)
    return _changed(keys, changes)


def lmtp(port: int, **changes: object) -> TargetKeys:
    """Return the target keys of an LMTP port. LMTP takes local mail only, from whoever may connect."""
    return _changed(mx(port, role="lmtp"), changes)


def _changed(keys: TargetKeys, changes: Mapping[str, object]) -> TargetKeys:
    return {key: value for key, value in (keys | dict(changes)).items() if value is not None}


def write_targets(server: Server) -> list[Path]:
    """Write the server's target files, ``.lab/targets/<name>.yaml``, and return their paths."""
    import yaml

    TARGETS.mkdir(parents=True, exist_ok=True)
    paths = []
    variants = {name: variant.keys for name, variant in server.variants.items()}
    for name, keys in (dict(server.targets) | variants).items():
        observer = observer_of(server, keys)
        values = {k: v for k, v in keys.items() if k != "observer"} | ({"observer": observer} if observer else {})
        text = yaml.safe_dump({"name": name, **values}, sort_keys=False, width=200)
        path = TARGETS / f"{name}.yaml"
        path.write_text(f"# Written by python -m tests.lab up; {PASSWORD_VARIABLE} holds alice's password.\n{text}")
        paths.append(path)
    return paths


def observer_of(server: Server, keys: TargetKeys) -> TargetKeys:
    """Return how a target's mail is read back: as its keys say (not at all: empty), or in the server's own Maildirs."""
    observer: TargetKeys = keys.get("observer", {"maildir": str(server.home.mail / "{local}" / "Maildir")})
    return observer
