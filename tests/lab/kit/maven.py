"""Servers from Maven Central: the jars that a pom names, and classes of the lab's own, run by the machine's Java.

``pom.xml`` in the server's configuration folder pins the server, and with it all that it depends on.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass

from tests.lab.kit.certificate import certificates
from tests.lab.kit.place import CACHE, USERS, Home, fill, maildirs, run
from tests.lab.kit.process import ENVIRONMENT, spawn

COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"


@dataclass(frozen=True)
class Maven:
    """An artifact, ``james-server-memory-app``, that the pom depends on."""

    artifact: str
    optional: bool = True

    def obstacle(self) -> str | None:
        """Return what this machine lacks, or None."""
        missing = [tool for tool in ("mvn", "javac", "java") if shutil.which(tool) is None]
        return f"there is no {missing[0]} here" if missing else None

    def install(self, home: Home) -> str:
        """Fetch the jars once per pom, compile, and fill in the configuration; return the version."""
        pom = home.conf / "pom.xml"
        jars = CACHE / "maven" / f"{home.name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
        if not (jars / ".done").exists():
            shutil.rmtree(jars, ignore_errors=True)
            options = ("-DincludeScope=runtime", f"-DoutputDirectory={jars}")
            repository = f"-Dmaven.repo.local={CACHE / 'maven/repository'}"
            run("mvn", "-q", "-B", repository, "-f", pom, COPY, *options, env=os.environ)
            (jars / ".done").touch()
        home.path.mkdir(parents=True, exist_ok=True)
        (home.path / "lib").symlink_to(jars)
        sources = sorted((home.conf / "java").glob("*.java"))
        classes = home.path / "classes"
        run("javac", "-proc:none", "-nowarn", "-d", classes, "-cp", f"{jars}/*", *sources)
        fill(home.conf / "conf", home.path / "conf", home.values())
        for name in ("good.crt", "good.key"):
            shutil.copy(certificates() / name, home.path / "conf" / name)
        maildirs(home.path / "home", [*USERS, "someone"])
        found = re.search(rf"<artifactId>{re.escape(self.artifact)}</artifactId>\s*<version>(.+?)<", pom.read_text())
        return found[1] if found else "of pom.xml"


def spawn_java(home: Home, main: str, *options: str, folder: str = ".") -> None:
    """Start a class in a folder of the server's. Names are looked up in its ``conf/hosts`` and nowhere else."""
    environment = {**ENVIRONMENT, "PATH": os.environ["PATH"]}
    path = home.path / folder
    classes = ("-cp", f"{home.path / 'classes'}:{home.path / 'lib'}/*")
    words = ("java", *options, f"-Djdk.net.hosts.file={path / 'conf/hosts'}", *classes, main)
    spawn(home, *words, label=path.name, in_root=False, env=environment, cwd=path)
