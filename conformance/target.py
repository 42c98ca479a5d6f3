"""The target: the server under test and what the tester knows of it.

A target is named on the command line (``host``, ``host:port``, ``[v6]:port``, ``smtp://``, ``smtps://``, ``submission://``,
``lmtp://``, ``unix:/path``) or described in a YAML file. Secrets come from the environment, by name.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from conformance.verdict import Waiver

if TYPE_CHECKING:
    from conformance.case.yaml import Node

DEFAULT_PORTS = {"smtp": 25, "smtps": 465, "submission": 587, "lmtp": 24}
SCHEMES = {
    "smtp": ("mx", "none"),
    "smtps": ("submission", "implicit"),
    "submission": ("submission", "starttls"),
    "lmtp": ("lmtp", "none"),
}
ADDRESSES = ("sender", "recipient", "recipient2", "unknown", "foreign", "alias", "list")
"""The keys that hold an address."""

ROLES: tuple[Literal["mx", "submission", "relay", "lmtp"], ...] = ("mx", "submission", "relay", "lmtp")
TLS_MODES = ("none", "starttls", "implicit")
DEFAULT_TIMEOUT = 10.0
"""How long a reply may take, in seconds, where a case says nothing else (RFC 5321 section 4.5.3.2 allows minutes)."""

_ADDRESS = re.compile(r"[^\s<>@\x00-\x1f\x7f]+@[^\s<>@\x00-\x1f\x7f]+\Z")


class TargetError(Exception):
    """The target can't be used as described; says where and what would be right."""


@dataclass(frozen=True)
class Target:
    """The server under test."""

    host: str = "127.0.0.1"
    port: int = 25
    unix: str | None = None
    name: str = ""
    role: str = "mx"
    tls: str = "none"
    sources: tuple[str, ...] = ()
    """Local addresses to connect from: each case has one of them, the same whenever it is played."""
    client: str = "client.example.net"
    sender: str = "sender@example.net"
    recipient: str | None = None
    recipient2: str | None = None
    unknown: str | None = None
    foreign: str | None = None
    alias: str | None = None
    list: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    password_env: str | None = None
    observer: dict[str, str] = field(default_factory=dict)
    client_welcome: bool = False
    jobs: int | None = None
    timeout: float = DEFAULT_TIMEOUT
    waivers: tuple[Waiver, ...] = ()

    @property
    def label(self) -> str:
        """What reports call it."""
        if self.name:
            return self.name
        if self.unix:
            return f"unix:{self.unix}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def on_loopback(self) -> bool:
        """Whether the target is on this machine."""
        if self.unix or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def credentials(self) -> bool:
        """Whether a user and a password are known."""
        return bool(self.user and self.password)

    @property
    def sink(self) -> str | None:
        """Where the suite is the next hop of the target, so that relayed mail can be read, or None."""
        return self.observer.get("sink")

    def has(self, need: str) -> bool:
        """Return whether the target names what a case needs (``unknown``, ``credentials``, ``observer`` ...)."""
        return bool(getattr(self, need, None))

    @property
    def source(self) -> str | None:
        """The first local address to connect from."""
        return self.sources[0] if self.sources else None

    @property
    def given(self) -> tuple[str, ...]:
        """What the target names, for the header of the result stream; no values."""
        names = (
            "recipient",
            "recipient2",
            "unknown",
            "foreign",
            "alias",
            "list",
            "credentials",
            "observer",
            "sink",
            "source",
            "client_welcome",
        )
        return tuple(name for name in names if self.has(name))


def how_to_give(need: str) -> str:
    """Return the option or key that would supply a need, for the reason of an untested case."""
    if need in ("credentials", "user", "password"):
        return "--user NAME --password-env VARIABLE (credentials: in the target file)"
    if need == "observer":
        return "--observer maildir:PATH (observer: in the target file), to read delivered messages"
    if need == "sink":
        return "--observer sink:HOST:PORT (observer: in the target file), where the target relays mail for elsewhere to"
    if need == "client_welcome":
        return "client_welcome: true in the target file, if the server has agreed to talk to this client"
    example = {
        "recipient": "an address that is accepted",
        "recipient2": "a second address that is accepted",
        "unknown": "an address in a local domain that does not exist",
        "foreign": "an address elsewhere that must not be relayed to",
        "alias": "an alias of recipient and recipient2",
        "list": "a mailing list of recipient and recipient2, to which anybody may write",
    }.get(need, "a value")
    return f"--{need} ADDRESS, {example}"


def parse_argument(text: str) -> Target:
    """Return the target that a command-line argument names. Raises TargetError."""
    if text.startswith("unix:"):
        return Target(unix=text[5:], host="", port=0, role="lmtp")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "smtp", text
    if scheme not in SCHEMES:
        raise TargetError(f"{text}: the scheme {scheme!r} is none of {', '.join(SCHEMES)}, unix:/path")
    role, tls = SCHEMES[scheme]
    host, port = _host_port(rest.rstrip("/"), DEFAULT_PORTS[scheme], text)
    return Target(host=host, port=port, role=role, tls=tls)


def _host_port(text: str, default: int, argument: str) -> tuple[str, int]:
    match = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?|([^:\[\]\s/@]+)(?::(\d+))?", text)
    if match is None:
        hint = " (an IPv6 address stands in brackets: [::1]:25)" if text.count(":") > 1 else ""
        raise TargetError(f"{argument}: not host, host:port, [v6]:port or a URL such as smtp://host:25{hint}")
    port = int(match[2] or match[4] or default)
    if not 0 < port < 65536:
        raise TargetError(f"{argument}: the port {port} is not between 1 and 65535")
    return match[1] or match[3], port


FILE_KEYS = (
    "host",
    "port",
    "unix",
    "name",
    "role",
    "tls",
    "source",
    "client",
    "sender",
    "recipient",
    "recipient2",
    "unknown",
    "foreign",
    "alias",
    "list",
    "credentials",
    "observer",
    "client_welcome",
    "jobs",
    "timeout",
    "waivers",
)
OBSERVERS = ("maildir", "mbox", "sink", "imap", "pop3")


def read_file(path: Path) -> Target:
    """Return the target that a YAML file describes. Raises TargetError with file, line and column."""
    from conformance.case.yaml import SourceError, load_file

    try:
        documents = load_file(path)
        if len(documents) != 1 or documents[0].value is None:
            raise TargetError(f"{path}: a target file is one YAML mapping with at least 'host'")
        return _from_file(documents[0], path)
    except SourceError as error:
        raise TargetError(str(error)) from None


def _from_file(top: Node, path: Path) -> Target:
    given = top.mapping("a target file", FILE_KEYS)
    if "host" not in given and "unix" not in given:
        top.fail("the target file has no 'host'")
    role = given["role"].choice("role", ROLES) if "role" in given else "mx"
    tls = given["tls"].choice("tls", TLS_MODES) if "tls" in given else "none"
    scheme = {"submission": "smtps" if tls == "implicit" else "submission", "lmtp": "lmtp"}.get(role, "smtp")
    values: dict[str, Any] = {"role": role, "tls": tls, "port": DEFAULT_PORTS[scheme]}
    for key in ("host", "name", "client", "unix"):
        if key in given:
            values[key] = given[key].string(key)
    for key in ADDRESSES:
        if key in given:
            values[key] = address(given[key].string(key), given[key], key)
    if "source" in given:
        values["sources"] = tuple(source(node.string("source"), node) for node in given["source"].one_or_many())
    if "port" in given:
        values["port"] = given["port"].integer("port", 1)
        if values["port"] > 65535:
            given["port"].fail("port is at most 65535")
    if "jobs" in given:
        values["jobs"] = given["jobs"].integer("jobs", 1)
    if "timeout" in given:
        values["timeout"] = given["timeout"].seconds("timeout")
    if "client_welcome" in given:
        values["client_welcome"] = given["client_welcome"].boolean("client_welcome")
    if "credentials" in given:
        values.update(_credentials(given["credentials"]))
    if "observer" in given:
        values["observer"] = _observer(given["observer"], path)
    if "waivers" in given:
        values["waivers"] = tuple(_waiver(node) for node in given["waivers"].items("waivers"))
    return Target(**values)


def address(text: str, node: Node | None, what: str) -> str:
    """Return the address. Raises SourceError (with a place) or TargetError when it is none."""
    if _ADDRESS.match(text):
        return text
    problem = f"{what} is an address such as alice@example.org, not {text!r}"
    if node is not None:
        node.fail(problem)
    raise TargetError(problem)


def _credentials(node: Node) -> dict[str, Any]:
    given = node.mapping("credentials", ("user", "password_env"))
    for key in ("user", "password_env"):
        if key not in given:
            node.fail("credentials are {user: NAME, password_env: VARIABLE}: the password comes from the environment")
    variable = given["password_env"].string("password_env")
    return {
        "user": given["user"].string("user"),
        "password": os.environ.get(variable),
        "password_env": variable,
    }


def source(text: str, node: Node | None = None) -> str:
    """Return a local address to connect from. Raises TargetError, or SourceError where it is in a file."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        problem = f"source is an IP address of this machine, not {text!r}"
        if node is not None:
            node.fail(problem)
        raise TargetError(problem) from None
    return text


def _observer(node: Node, path: Path) -> dict[str, str]:
    given = node.mapping("observer", OBSERVERS)
    if not given or len(given.keys() - {"sink"}) > 1:
        node.fail("observer has one mailbox (maildir: PATH or mbox: PATH), sink: host:port, or both")
    found = {}
    for kind, value in given.items():
        text = value.string(kind)
        if kind in ("imap", "pop3"):
            value.fail_key(f"{kind} is not there yet: maildir, mbox or sink")
        if kind in ("maildir", "mbox") and not Path(text).is_absolute():
            text = str((path.parent / text).resolve())
        found[kind] = text
    return found


def _waiver(node: Node) -> Waiver:
    given = node.mapping("a waiver", ("requirement", "case", "reason", "expires"))
    if "reason" not in given or ("requirement" in given) == ("case" in given):
        node.fail("a waiver has a reason, and a requirement or a case")
    expires = None
    if "expires" in given:
        try:
            expires = datetime.date.fromisoformat(given["expires"].string("expires"))
        except ValueError:
            given["expires"].fail("expires is a date such as 2027-06-30")
    return Waiver(
        given["reason"].string("reason"),
        given["requirement"].string("requirement") if "requirement" in given else None,
        given["case"].string("case") if "case" in given else None,
        expires,
    )


def from_argument(text: str, **fields: Any) -> Target:
    """Return the target of an argument (a file's path, a URL, ``host:port``) with single fields replaced.

    Raises TargetError.
    """
    path = Path(text)
    looks_like_file = path.suffix in (".yaml", ".yml") or ("/" in text and "://" not in text and ":" not in text)
    if looks_like_file and not path.exists():
        raise TargetError(f"{text}: no such file (a target is a file.yaml, host:port or a URL)")
    target = read_file(path) if looks_like_file else parse_argument(text)
    changes = {key: value for key, value in fields.items() if value is not None}
    for key in ADDRESSES:
        if key in changes:
            address(changes[key], None, f"--{key}")
    return replace(target, **changes) if changes else target
