"""Servers from npm: installed at the versions of a lock file, without install scripts, run by the lab's programs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit.place import CACHE, CONF, Home, run
from tests.lab.kit.process import ENVIRONMENT, spawn
from tests.lab.kit.pypi import write_settings


@dataclass(frozen=True)
class Npm:
    """A package; ``package.json`` and ``package-lock.json`` of the server's configuration folder pin it."""

    package: str
    optional: bool = False

    def obstacle(self) -> str | None:
        """Return what this machine lacks, or None."""
        missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
        return f"there is no {missing[0]} here" if missing else None

    def install(self, home: Home) -> str:
        """Install what the lock file names and write the settings of the server's program; return the version."""
        home.path.mkdir(parents=True, exist_ok=True)
        write_settings(home)
        modules = self._modules(home)
        if not (modules / ".done").exists():
            shutil.rmtree(modules, ignore_errors=True)
            modules.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(home.conf / name, modules / name)
            options = (
                "--ignore-scripts",
                "--omit=dev",
                "--omit=optional",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            )
            run("npm", "ci", *options, f"--cache={CACHE / 'npm' / 'cache'}", cwd=modules)
            (modules / ".done").touch()
        (home.path / "node_modules").symlink_to(modules / "node_modules")
        return str(json.loads((modules / "node_modules" / self.package / "package.json").read_text())["version"])

    @staticmethod
    def _modules(home: Home) -> Path:
        lock = hashlib.sha256((home.conf / "package-lock.json").read_bytes()).hexdigest()[:12]
        return CACHE / "npm" / f"{home.name}-{lock}"


def spawn_node(home: Home, *argv: str | Path) -> None:
    """Start a program with Node; it finds its packages, and ``lab.js``, by NODE_PATH."""
    environment = {
        **ENVIRONMENT,
        "PATH": os.environ["PATH"],
        "NODE_PATH": f"{home.path / 'node_modules'}:{CONF / 'common'}",
    }
    spawn(home, "node", *argv, label=home.name, in_root=False, env=environment)
