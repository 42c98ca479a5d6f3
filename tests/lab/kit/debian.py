"""Servers from Debian's packages, unpacked side by side, each into a root of its own.

The packages conflict with each other, so apt can't install them together; and it would start them on port 25. Instead
apt names and downloads what a package needs, the archives are unpacked without their maintainer scripts, and the server
runs by chroot(2) in what results. Needed: root with CAP_SYS_CHROOT and CAP_MKNOD (an ordinary container has both),
apt-get, dpkg-deb, tar. Not needed: systemd, mounts, namespaces, an entry in the machine's own /etc.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.kit.certificate import certificates
from tests.lab.kit.place import (
    CACHE,
    CLIENT,
    DOMAIN,
    HOST,
    SOURCE,
    USERS,
    Home,
    InstallError,
    fill,
    maildirs,
    run,
)
from tests.lab.kit.process import ENVIRONMENT

ARCHIVES = CACHE / "debian"
APT = CACHE / "apt"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
"""What another release's lists are checked with."""

TOOLS = ("dash", "coreutils", "sed", "grep", "findutils", "mawk", "hostname", "base-files")
"""A shell and the small programs that start scripts call; in every root."""

_UNUSED = """
    usrmerge adduser debconf dpkg init-system-helpers libsemanage-common libsemanage2 libsepol2 passwd
    sensible-utils ucf lsb-base e2fsprogs libext2fs2 libss2 logsave cron cron-daemon-common gcc-12-base util-linux
    util-linux-extra exim4-daemon-light mariadb-common mysql-common cpio procps
    """
UNUSED = frozenset(_UNUSED.split())
"""Dependencies that only maintainer scripts need, which are never run."""

UNREAD = ("doc", "man", "info", "locale", "lintian", "bug", "doc-base", "bash-completion")

SYSTEM = {"root": 0, "daemon": 1, "mail": 8, "uucp": 10, "nobody": 65534}
PEOPLE = {"someone": 5000, "alice": 5001, "bob": 5002}
"""The owners of Maildirs; mail that was relayed lands with someone."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Debian:
    """Packages of a Debian release, by default the machine's own; the first one gives the version."""

    packages: tuple[str, ...]
    accounts: Mapping[str, int] = field(default_factory=dict)
    """System accounts that maintainer scripts would have made."""
    release: str = ""
    """Another Debian release (``trixie``), where the machine's own has a version that is broken."""
    optional: bool = False

    def obstacle(self) -> str | None:
        """Return what this machine lacks, or None."""
        if os.geteuid() != 0:
            return "root is needed (chroot, device nodes)"
        missing = [tool for tool in ("apt-get", "dpkg-deb", "tar", "chroot") if shutil.which(tool) is None]
        return f"there is no {missing[0]} here: servers from Debian need Debian" if missing else None

    def install(self, home: Home) -> str:
        """Unpack into the server's root, with accounts, devices and configuration; return the version."""
        files = fetch((*self.packages, *TOOLS), self.release)
        root = home.root
        root.mkdir(parents=True, mode=0o755)
        unpack(list(files.values()), root)
        system(home, SYSTEM | PEOPLE | dict(self.accounts))
        shutil.copytree(certificates(), root / "etc/lab-certificates")
        trusted = root / "etc/ssl/certs/ca-certificates.crt"
        trusted.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(certificates() / "ca.crt", trusted)
        if home.conf.is_dir():
            fill(home.conf, root, home.values() | {"CERTS": "/etc/lab-certificates", "MAIL": "/home"})
        return files[self.packages[0]].split("_")[1].replace("%3a", ":")


def fetch(packages: Sequence[str], release: str = "") -> dict[str, str]:
    """Return archive names by package, for packages and what they depend on, all downloaded. Raises InstallError."""
    try:
        return _fetch(packages, release)
    except InstallError:
        with _one_at_a_time:  # no package lists yet, or lists so old that what they name is gone
            _apt("update", release=release)
        return _fetch(packages, release)


def _fetch(packages: Sequence[str], release: str) -> dict[str, str]:
    said = _apt("--print-uris", "install", *packages, release=release)
    uris = [line for line in said.splitlines() if line.startswith("'")]
    files = {name.split("_")[0]: name for name in (line.split()[1] for line in uris)}
    files = {package: name for package, name in files.items() if package not in UNUSED or package in packages}
    with _one_at_a_time:
        ARCHIVES.mkdir(parents=True, exist_ok=True)
        missing = sorted(name for name in files.values() if not (ARCHIVES / name).exists())
        if missing:
            parts = (name.rsplit("_", 2) for name in missing)
            wanted = [f"{package}={version.replace('%3a', ':')}" for package, version, _ in parts]
            _apt("download", *wanted, release=release, cwd=ARCHIVES)
        lacking = [name for name in missing if not (ARCHIVES / name).exists()]
        if lacking:
            raise InstallError(f"apt-get download did not bring {lacking[0]}")
    return files


def _apt(*argv: str, release: str = "", cwd: Path | None = None) -> str:
    """Run apt-get as if no package were installed, with the lists of a release and none of the machine's other state.

    Without a release, the lists are the machine's.
    """
    (APT / "archives/partial").mkdir(parents=True, exist_ok=True)
    (APT / "status").touch()
    options = [
        f"Dir::State::status={APT}/status",
        f"Dir::Cache::archives={APT}/archives",  # --print-uris leaves out what the machine's own cache holds
        "APT::Install-Recommends=0",
        "APT::Sandbox::User=root",
    ]
    if release:
        options += _lists(release)
    return run("apt-get", "-qq", *(word for option in options for word in ("-o", option)), *argv, cwd=cwd)


def _lists(release: str) -> list[str]:
    """Return apt's options for another release, from where the machine gets its own. Raises InstallError."""
    folder = APT / release
    if not (folder / "sources.list").exists():
        (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
        wanted = ("Created-By: Packages", "Origin: Debian", "Label: Debian")
        sites = run("apt-get", "-qq", "indextargets", "--format", "$(REPO_URI)", *wanted).split()
        if not sites:
            raise InstallError("apt-get has no lists of Debian: run apt-get update")
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {sites[0]} {release} main\n")
    return [
        f"Dir::State::Lists={folder}/lists",
        f"Dir::Etc::SourceList={folder}/sources.list",
        "Dir::Etc::SourceParts=/dev/null",
        f"Dir::Cache::pkgcache={folder}/pkgcache.bin",
        f"Dir::Cache::srcpkgcache={folder}/srcpkgcache.bin",
    ]


def unpack(archives: Sequence[str], root: Path) -> None:
    """Unpack archives into a root, keeping the links of a merged /usr."""
    for top in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / top).mkdir(parents=True, exist_ok=True)
        (root / top).symlink_to(f"usr/{top}")
    unread = [f"--exclude=./usr/share/{name}/*" for name in UNREAD]
    for archive in archives:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", ARCHIVES / archive], stdout=subprocess.PIPE) as deb:
            tar: list[str | Path] = ["tar", "-x", "-C", root, "--keep-directory-symlink", "--numeric-owner", *unread]
            done = subprocess.run(tar, stdin=deb.stdout, capture_output=True, text=True, check=False)
        if done.returncode or deb.returncode:
            (ARCHIVES / archive).unlink()  # half a download: the next try fetches it again
            raise InstallError(f"{archive} can't be unpacked: {done.stderr.strip()[-500:]}")


def system(home: Home, accounts: Mapping[str, int]) -> None:
    """Make what a root needs to run programs: accounts, names, devices, folders, mailboxes."""
    root, etc = home.root, home.root / "etc"
    etc.mkdir(exist_ok=True)
    homes = {name: f"/home/{name}" for name in PEOPLE}
    people = (f"{n}:x:{i}:{i}::{homes.get(n, '/nonexistent')}:/bin/sh\n" for n, i in accounts.items())
    (etc / "passwd").write_text("".join(people))
    (etc / "group").write_text("".join(f"{name}:x:{number}:\n" for name, number in accounts.items()))
    (etc / "hosts").write_text(
        f"{HOST} localhost\n{HOST} {DOMAIN} {home.host_name} {home.name} {os.uname().nodename}\n{SOURCE} {CLIENT}\n"
    )
    # Nothing answers at 127.0.0.1:53: a stray look-up fails at once and leaves the machine never.
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    (etc / "nsswitch.conf").write_text(
        "".join(f"{n}: files\n" for n in ("passwd", "group", "shadow", "services", "protocols")) + "hosts: files dns\n"
    )
    (etc / "mailname").write_text(f"{DOMAIN}\n")
    folders = {"tmp": 0o1777, "var/tmp": 0o1777, "run": 0o755, "dev": 0o755, "var/log": 0o755, "var/spool": 0o755}
    for name, mode in (folders | {"proc": 0o555, "root": 0o700, "home": 0o755}).items():
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(mode)
    if not (root / "var/run").exists():
        (root / "var/run").symlink_to("/run")
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(root / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        (root / "dev" / name).chmod(0o666)
    try:
        (root / "dev/null").write_bytes(b"x")
    except PermissionError:
        raise InstallError(f"{CACHE} is on a file system without devices (nodev): set SMTP_LAB_DIR elsewhere") from None
    maildirs(root / "home", list(PEOPLE), accounts)


def chroot(home: Home, *argv: str, feed: str | None = None) -> str:
    """Run a command inside the server's root and return its output. Raises InstallError."""
    return run("chroot", home.root, *argv, env=ENVIRONMENT, feed=feed)


def own(home: Home, owner: str, mode: int, *paths: str) -> None:
    """Give folders (made when missing) and files of the root an owner (``user`` or ``user:group``) and a mode."""
    user, _, group = owner.partition(":")
    lines = (line.split(":") for line in (home.root / "etc/passwd").read_text().splitlines())
    numbers = {fields[0]: int(fields[2]) for fields in lines}
    for name in paths:
        path = home.root / name.lstrip("/")
        if not path.exists():
            path.mkdir(parents=True)
        os.chown(path, numbers[user], numbers[group or user])
        path.chmod(mode)


def sasldb(home: Home, path: str, owner: str) -> None:
    """Make a Cyrus SASL password file with the lab's users."""
    for user, password in USERS.items():
        chroot(home, "saslpasswd2", "-c", "-p", "-f", path, "-u", DOMAIN, user, feed=password)
    own(home, owner, 0o640, path)
