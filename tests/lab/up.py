"""Up and down: install what is missing, start, wait; stop. Several servers at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit import Home, InstallError, Server
from tests.lab.kit.certificate import certificates
from tests.lab.kit.place import CACHE
from tests.lab.kit.process import start, stop, supervisor
from tests.lab.kit.server import TargetKeys, observer_of, write_targets
from tests.lab.servers import load, recipe


@dataclass(frozen=True)
class State:
    """How bringing up one server went."""

    server: Server
    problem: str | None = None
    absent: bool = False
    """The machine lacks a tool that only optional servers need."""
    was_up: bool = False

    @property
    def up(self) -> bool:
        """Whether it is up."""
        return self.problem is None


def with_needs(names: Sequence[str]) -> list[Server]:
    """Return the named servers (all, without names) after those that they need. Raises KeyError."""
    servers = load()
    ordered: dict[str, Server] = {}

    def add(name: str) -> None:
        for needed in servers[name].needs:
            add(needed)
        ordered[name] = servers[name]

    for name in names or servers:
        add(name)
    return list(ordered.values())


def up(servers: Sequence[Server]) -> dict[str, State]:
    """Install and start servers; return how it went, by name, in the order given."""
    with _locked():
        certificates()
        states: dict[str, State] = {}
        with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
            for state in pool.map(_install, servers):
                states[state.server.name] = state
        with ThreadPoolExecutor(4) as pool:  # those that others need come first
            for first in (True, False):
                wave = [s for s in servers if any(s.name in o.needs for o in servers) is first and states[s.name].up]
                for state in pool.map(lambda s: _start(s, states), wave):
                    states[state.server.name] = state
        return states


def _install(server: Server) -> State:
    home = server.home
    obstacle = server.source.obstacle()
    if obstacle:
        return _told(State(server, obstacle, absent=server.source.optional), 0)
    wanted, mark = recipe(server), home.path / "recipe"
    if mark.exists() and mark.read_text() == wanted:
        return State(server, was_up=supervisor(home) is not None)
    begin = time.monotonic()
    try:
        stop(home)
        shutil.rmtree(home.path, ignore_errors=True)
        version = server.source.install(home)
        server.prepare(home)
        (home.path / "version").write_text(version)
        mark.write_text(wanted)
    except (InstallError, OSError) as error:
        return _told(State(server, f"not installed: {error}"), time.monotonic() - begin)
    return _told(State(server), time.monotonic() - begin, f"installed {version}")


def _start(server: Server, states: Mapping[str, State]) -> State:
    begin = time.monotonic()
    write_targets(server)
    missing = [name for name in server.needs if not states[name].up]
    if missing:
        return _told(State(server, f"not started: it needs {missing[0]}"), 0)
    if supervisor(server.home):
        return _told(State(server, was_up=True), 0, "is up")
    empty(server)
    try:
        start(server)
    except (InstallError, OSError) as error:
        return _told(State(server, f"not started: {error}"), time.monotonic() - begin)
    return _told(State(server), time.monotonic() - begin, "up")


def _told(state: State, seconds: float, done: str = "") -> State:
    print(
        f"{state.server.name}: {done or ('NOT HERE: ' if state.absent else 'PROBLEM: ') + str(state.problem)}"
        f"{f', {seconds:.1f} s' if seconds else ''}",
        flush=True,
    )
    return state


def down(servers: Sequence[Server]) -> bool:
    """Stop servers; return whether all are down."""
    with _locked(), ThreadPoolExecutor(4) as pool:
        running = [server for server in servers if supervisor(server.home)]
        stopped = list(pool.map(lambda server: stop(server.home), running))
    for server, done in zip(running, stopped, strict=True):
        print(f"{server.name}: {'stopped' if done else 'STILL RUNNING'}")
    return all(stopped)


def maildir(server: Server, keys: TargetKeys, user: str) -> Path:
    """Return the Maildir in which a target's mail for a user is found."""
    return Path(observer_of(server, keys)["maildir"].replace("{local}", user))


def messages(box: Path) -> list[bytes]:
    """Return the messages in a Maildir, oldest first."""
    files = [path for part in ("new", "cur") for path in (box / part).glob("*") if path.is_file()]
    return [path.read_bytes() for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)]


def empty(server: Server) -> None:
    """Remove the messages and logs of earlier runs, and what waits from them."""
    home = server.home
    for folder in (home.mail, home.logs, *(home.root / spool.lstrip("/") for spool in server.spools)):
        for path in folder.rglob("*") if folder.exists() else ():
            if path.is_file():
                path.unlink()


def version(home: Home) -> str:
    """Return the version that is installed, or nothing."""
    mark = home.path / "version"
    return mark.read_text() if mark.exists() else ""


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Hold the cache, so that two commands at once do not set up one server twice."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
