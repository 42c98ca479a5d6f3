"""Servers from PyPI: installed at one version into a folder of the cache, run by a short program of the lab's."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit.certificate import certificates
from tests.lab.kit.place import (
    CACHE,
    CONF,
    DOMAIN,
    FOREIGN,
    HOST,
    USERS,
    Home,
    maildirs,
    run,
)
from tests.lab.kit.process import ENVIRONMENT, spawn


@dataclass(frozen=True)
class PyPI:
    """Requirements with pinned versions (``aiosmtpd==1.4.6``), the server's own first; none: the standard library."""

    requirements: tuple[str, ...]
    optional: bool = False
    module: str = ""
    """A module of the standard library that the server is, where there are no requirements."""

    def obstacle(self) -> str | None:
        """Return what this machine lacks, or None."""
        if self.module and importlib.util.find_spec(self.module) is None:
            return f"this Python has no module {self.module}"
        if self.requirements and _pip() is None:
            return "there is no pip here"
        return None

    def install(self, home: Home) -> str:
        """Install the requirements and write the settings of the server's program; return the version."""
        home.path.mkdir(parents=True, exist_ok=True)
        write_settings(home)
        if not self.requirements:
            return "Python " + ".".join(str(part) for part in sys.version_info[:3])
        site = site_of(home)
        if not (site / ".done").exists():
            shutil.rmtree(site, ignore_errors=True)
            run(*(_pip() or ()), "install", "--quiet", "--target", site, *self.requirements)
            (site / ".done").touch()
        (home.path / "site").symlink_to(site)
        return self.requirements[0].partition("==")[2]


def site_of(home: Home) -> Path:
    """Return the folder of the server's packages; they may hold code for one Python only."""
    return CACHE / "pypi" / f"{home.name}-{sys.implementation.cache_tag}"


def _pip() -> tuple[str, ...] | None:
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip")
    pip = shutil.which("pip") or shutil.which("pip3")
    return (pip, "--python", sys.executable) if pip else None


def spawn_python(home: Home) -> None:
    """Start the server's program, ``conf/<server>/<server>_server.py``, with its own packages."""
    paths = f"{home.path / 'site'}:{CONF / 'common'}"
    program = home.conf / f"{home.name.replace('-', '_')}_server.py"
    environment = {**ENVIRONMENT, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    spawn(home, sys.executable, program, home.path / "settings.json", label=home.name, in_root=False, env=environment)


def write_settings(home: Home) -> None:
    """Write what the programs for library servers read, and make the mailboxes."""
    settings = {
        "host": HOST,
        "name": home.host_name,
        "ports": dict(home.ports),
        "certificate": str(certificates() / "good.crt"),
        "key": str(certificates() / "good.key"),
        "domain": DOMAIN,
        "foreign": FOREIGN,
        "users": USERS,
        "mail": str(home.path / "home"),
    }
    (home.path / "settings.json").write_text(json.dumps(settings, indent=2))
    maildirs(home.path / "home", [*USERS, "someone"])
