"""Servers from the Go module proxy: built at one version with the machine's Go toolchain, where there is one."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from tests.lab.kit.certificate import certificates
from tests.lab.kit.place import CACHE, USERS, Home, fill, maildirs, run


@dataclass(frozen=True)
class Go:
    """A command of a module: ``github.com/foxcpp/maddy/cmd/maddy`` at ``v0.8.1``."""

    command: str
    version: str
    optional: bool = True

    def obstacle(self) -> str | None:
        """Return what this machine lacks, or None."""
        return None if shutil.which("go") else "there is no Go toolchain here"

    def install(self, home: Home) -> str:
        """Build once per version and copy the configuration; return the version."""
        binaries = CACHE / "go" / f"{home.name}-{self.version}"
        name = self.command.rsplit("/", 1)[1]
        if not (binaries / name).exists():
            environment = {**os.environ, "GOBIN": str(binaries), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
            run("go", "install", f"{self.command}@{self.version}", env=environment)
        certificates()
        home.path.mkdir(parents=True, exist_ok=True)
        (home.path / name).symlink_to(binaries / name)
        maildirs(home.path / "home", [*USERS, "someone"])
        if home.conf.is_dir():
            fill(home.conf, home.path, home.values())
        return self.version.removeprefix("v")
