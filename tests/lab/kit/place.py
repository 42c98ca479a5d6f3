"""Where things lie, and the names and addresses that every server of the lab shares."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
PROJECT = LAB.parent.parent
CONF = LAB / "conf"
CACHE = Path(os.environ.get("SMTP_LAB_DIR") or PROJECT / ".lab").resolve()

HOST = "127.0.0.1"
SOURCE = "127.0.0.2"
"""Where the suite connects from. Servers tend to trust 127.0.0.1, and trust hides faults."""

DOMAIN = "lab.test"
CLIENT = "client.test"
FOREIGN = "elsewhere.test"
"""A domain that is nobody's here. What is relayed to ``someone`` there must end on this machine."""
NEXT_HOP = "next-hop.test"
"""Another one; mail for it, where a server's targets name a sink, is routed to the suite itself while it plays."""

USERS = {"alice": "alice-secret", "bob": "bob-secret"}
PASSWORD_VARIABLE = "SMTP_LAB_PASSWORD"
"""The environment variable that target files name; ``run`` sets it to alice's password."""


class InstallError(Exception):
    """A server can't be installed or started; says why."""


@dataclass(frozen=True)
class Home:
    """The folder of one server in the cache, and its ports by role."""

    name: str
    ports: Mapping[str, int]
    more: Mapping[str, str] = field(default_factory=dict)
    """Values of its own for configuration files."""

    @property
    def path(self) -> Path:
        """Everything of this server; removed and made anew when its recipe changes."""
        return CACHE / "servers" / self.name

    @property
    def root(self) -> Path:
        """What a server from Debian sees as ``/``."""
        return self.path / "root"

    @property
    def logs(self) -> Path:
        """What the server says, one file per process, and ``syslog``."""
        return self.path / "log"

    @property
    def conf(self) -> Path:
        """The folder of the checkout with this server's configuration."""
        return CONF / self.name

    @property
    def mail(self) -> Path:
        """The folder with one home per user; their Maildirs are ``<user>/Maildir``."""
        return self.root / "home" if self.root.exists() else self.path / "home"

    @property
    def host_name(self) -> str:
        """The name that the server goes by."""
        return f"{self.name}.{DOMAIN}"

    def values(self) -> dict[str, str]:
        """What ``@@NAME@@`` stands for in configuration files."""
        domains = {"DOMAIN": DOMAIN, "CLIENT": CLIENT, "FOREIGN": FOREIGN, "NEXT_HOP": NEXT_HOP}
        shared = {"HOST": HOST, "NAME": self.host_name} | domains
        places = {"CERTS": str(CACHE / "certificates"), "HOME": str(self.path), "MAIL": str(self.mail)}
        numbers = {f"PORT_{role.upper()}": str(port) for role, port in self.ports.items()}
        return shared | places | numbers | dict(self.more)


def maildirs(base: Path, names: Sequence[str], owner: Mapping[str, int] | None = None) -> None:
    """Make an empty Maildir for each user, open to whichever account the server delivers as."""
    for name in names:
        box = base / name / "Maildir"
        for part in ("new", "cur", "tmp"):
            (box / part).mkdir(parents=True, exist_ok=True)
        if owner is None:
            continue
        for folder in (base / name, box, box / "new", box / "cur", box / "tmp"):
            os.chown(folder, owner.get(name, 0), owner.get(name, 0))
            folder.chmod(0o755 if folder.name == name else 0o777)


def fill(source: Path, target: Path, values: Mapping[str, str]) -> None:
    """Copy a folder of configuration files, with ``@@NAME@@`` replaced. Raises InstallError for an unknown name."""
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        text = path.read_text()
        for name, value in values.items():
            text = text.replace(f"@@{name}@@", value)
        if "@@" in text:
            raise InstallError(f"{path}: @@{text.split('@@')[1]}@@ stands for nothing")
        file = target / path.relative_to(source)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def run(
    *argv: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    feed: str | None = None,
    seconds: float = 900,
) -> str:
    """Run a command and return what it wrote to stdout. Raises InstallError with the end of what it said."""
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, input=feed, capture_output=True, text=True, timeout=seconds, check=False
        )
    except FileNotFoundError:
        raise InstallError(f"there is no command {command[0]!r} on this machine") from None
    except subprocess.TimeoutExpired:
        raise InstallError(f"{' '.join(command)}: not done after {seconds:g} s") from None
    if done.returncode:
        said = (done.stderr + done.stdout).strip()[-1500:]
        raise InstallError(f"{' '.join(command)[:300]}: exit code {done.returncode}\n{said}")
    return done.stdout
