"""The keeper: installs the servers of the zoo at their versions, starts them on a free port, and stops them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance.reference.certificate import make
from tests.lab.kit.certificate import certificates
from tests.lab.kit.place import CACHE, CONF, DOMAIN, FOREIGN, HOST, USERS, Home, InstallError, fill, maildirs, run
from tests.lab.kit.process import ENVIRONMENT
from tests.lab.kit.pypi import PyPI
from tests.lab.kit.server import mx
from tests.lab.servers.twisted import REQUIREMENTS as TWISTED
from tests.lab.zoo.pairs import Animal

PROGRAMS = Path(__file__).with_name("programs")
COMMON = CONF / "common"

START_SECONDS = 30.0
STOP_SECONDS = 5.0

REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "aiosmtpd": ("atpublic==7.0.0", "attrs==25.4.0"),
    "twisted": TWISTED[1:],
}
"""What the servers from PyPI need, in versions that suit each of their own."""


class Cage:
    """The folder of one server of the zoo: its packages, its settings, and the Maildirs that it delivers to."""

    def __init__(self, animal: Animal) -> None:
        self.animal = animal
        self.packages = CACHE / "zoo" / "packages" / f"{animal.product.lower()}-{animal.version}"
        self.path = CACHE / "zoo" / animal.name
        self.target = self.path / "target.yaml"
        self.port = 0
        self.sink = 0
        """Where the suite listens during its run: an open relay sends there what is for elsewhere."""

    def install(self) -> None:
        """Fetch the packages once. Raises InstallError."""
        if (self.packages / ".done").exists():
            return
        shutil.rmtree(self.packages, ignore_errors=True)
        self.packages.mkdir(parents=True)
        exact = f"{self.animal.product}=={self.animal.version}"
        if self.animal.product in REQUIREMENTS:
            obstacle = PyPI((exact,)).obstacle()
            if obstacle:
                raise InstallError(obstacle)
            needed = REQUIREMENTS[self.animal.product]
            run(sys.executable, "-m", "pip", "install", "--quiet", "--target", self.packages, exact, *needed)
        else:
            (self.packages / "package.json").write_text("{}")
            options = (
                "--ignore-scripts",
                "--omit=dev",
                "--omit=optional",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            )
            package = f"{self.animal.product}@{self.animal.version}"
            run("npm", "install", *options, f"--cache={CACHE / 'npm' / 'cache'}", package, cwd=self.packages)
        (self.packages / ".done").touch()

    def _prepare(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        maildirs(self.path / "home", [*USERS])
        self.port, self.sink = _free_port(), _free_port()
        certificate = self._certificate()
        settings = {
            "host": HOST,
            "name": f"zoo.{DOMAIN}",
            "ports": {"smtp": self.port, "sink": self.sink},
            "certificate": str(certificate.with_suffix(".crt")),
            "key": str(certificate.with_suffix(".key")),
            "domain": DOMAIN,
            "foreign": FOREIGN,
            "users": USERS,
            "mail": str(self.path / "home"),
            "options": dict(self.animal.options),
        }
        (self.path / "settings.json").write_text(json.dumps(settings, indent=2))
        self._write_target()

    def _certificate(self) -> Path:
        """Return the path, without suffix, of the certificate and the key that the server shows."""
        kind = self.animal.options.get("certificate", "good")
        if kind != "short":
            return certificates() / kind
        made = make(f"zoo.{DOMAIN}", "short-key")
        path = self.path / "short"
        path.with_suffix(".crt").write_bytes(made.chain)
        path.with_suffix(".key").write_bytes(made.key)
        return path

    def _write_target(self) -> None:
        import yaml

        observer = {"maildir": str(self.path / "home" / "{local}" / "Maildir"), "sink": f"{HOST}:{self.sink}"}
        keys = mx(self.port, role=self.animal.role, observer=observer)
        self.target.write_text(yaml.safe_dump({"name": self.animal.name, **keys}, sort_keys=False, width=200))

    def _command(self) -> tuple[list[str], dict[str, str], Path]:
        """Return how the server is started: command, environment, folder."""
        settings = self.path / "settings.json"
        if self.animal.product in REQUIREMENTS:
            paths = {"PYTHONPATH": f"{self.packages}:{COMMON}", "PYTHONDONTWRITEBYTECODE": "1"}
            return [sys.executable, str(PROGRAMS / f"{self.animal.product}_server.py"), str(settings)], paths, self.path
        modules = self.packages / "node_modules"
        paths = {"PATH": os.environ["PATH"], "NODE_PATH": f"{modules}:{COMMON}"}
        if self.animal.product == "smtp-server":
            return ["node", str(PROGRAMS / "smtp_server.js"), str(settings)], paths, self.path
        return self._haraka(modules, paths | {"LAB_SETTINGS": str(settings)})

    def _haraka(self, modules: Path, paths: dict[str, str]) -> tuple[list[str], dict[str, str], Path]:
        site = self.path / "site"
        home = Home("haraka", {"smtp": self.port, "submission": _free_port(), "smtps": _free_port()})
        fill(CONF / "haraka" / "site", site, home.values())
        (site / "queue").mkdir(exist_ok=True)
        if self.animal.options.get("auth") == "none":
            plugins = site / "config" / "plugins"
            plugins.write_text(plugins.read_text().replace("auth/flat_file\n", ""))
        certificate = self._certificate()
        (site / "config" / "tls.ini").write_text(f"key={certificate}.key\ncert={certificate}.crt\n")
        package = next(modules / name for name in ("haraka", "Haraka") if (modules / name).is_dir())
        connection = package / "config" / "connection.ini"
        if connection.exists():
            text = connection.read_text()
            if self.animal.options.get("syntax") == "strict":
                text = text.replace("; strict_rfc1869 = false", "strict_rfc1869 = true")
            (site / "config" / "connection.ini").write_text(text)
        command = ["node", "--require", str(COMMON / "no_dns.js"), str(package / "haraka.js")]
        return command, paths | {"HARAKA": str(site)}, site

    @contextlib.contextmanager
    def running(self) -> Iterator[Path]:
        """Run the server while the context lasts; give its target file. Raises InstallError."""
        self.install()
        self._prepare()
        command, environment, folder = self._command()
        log = self.path / "output"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**ENVIRONMENT, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            _wait_for(self.port, process, log)
            yield self.target
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # Haraka leaves openssl at work on parameters
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1) as connection:
            if connection.recv(3) == b"220":
                return
        time.sleep(0.1)
    raise InstallError(f"it does not greet: {log.read_text(errors='replace')[-500:]}")
