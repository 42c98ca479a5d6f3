"""Servers from the Go module proxy: built with the machine's Go toolchain, where there is one.

``module/go.mod`` and ``go.sum`` in the server's configuration folder pin all that goes into the program. It runs in a
root of its own like the servers from Debian, for its look-ups must not leave the machine either.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit.certificate import certificates
from tests.lab.kit.debian import PEOPLE, SYSTEM, system
from tests.lab.kit.place import CACHE, Home, fill, run


@dataclass(frozen=True)
class Go:
    """A program: ``github.com/foxcpp/maddy/cmd/maddy`` of the module ``github.com/foxcpp/maddy``."""

    package: str
    module: str
    optional: bool = True

    def obstacle(self) -> str | None:
        """Return what this machine lacks, or None."""
        if os.geteuid() != 0:
            return "root is needed (chroot, device nodes)"
        return None if shutil.which("go") else "there is no Go toolchain here"

    def install(self, home: Home) -> str:
        """Build once per go.sum, and make the server's root with its configuration; return the version."""
        module = home.conf / "module"
        digest = hashlib.sha256((module / "go.mod").read_bytes() + (module / "go.sum").read_bytes()).hexdigest()[:12]
        folder = CACHE / "go" / f"{home.name}-{digest}"
        program = folder / "bin" / self.package.rsplit("/", 1)[1]
        if not program.exists():
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("go.mod", "go.sum"):
                shutil.copy(module / name, folder / name)
            flags = {"GOBIN": str(program.parent), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false"}
            run("go", "install", self.package, cwd=folder, env={**os.environ, **flags})
        root = home.root
        (root / "usr/local/bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(program, root / "usr/local/bin" / program.name)
        system(home, SYSTEM | PEOPLE)
        shutil.copytree(certificates(), root / "etc/lab-certificates")
        fill(home.conf / "etc", root / "etc", home.values() | {"CERTS": "/etc/lab-certificates", "MAIL": "/home"})
        return self._version(module / "go.mod")

    def _version(self, file: Path) -> str:
        found = re.search(rf"{re.escape(self.module)} v(\S+)", file.read_text())
        return found[1] if found else "of go.mod"
