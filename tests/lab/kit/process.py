"""Start, watch and stop: every server runs under a supervisor of its own.

The supervisor (``python -m tests.lab _serve NAME``) is a child subreaper: daemons may fork and detach as they like and
stay its descendants. So they are stopped by process id, without their pid files, and nothing else is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.lab.kit.place import CACHE, HOST, PROJECT, SOURCE, Home, InstallError
from tests.lab.kit.server import Server

PR_SET_CHILD_SUBREAPER = 36
READY_SECONDS = 120.0
STOP_SECONDS = 5.0
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/"}


def spawn(
    home: Home,
    *argv: str | Path,
    label: str = "",
    in_root: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Start a process that stays in the foreground, in the server's root or not; its output goes to its log."""
    command = [str(word) for word in argv]
    words = ["chroot", str(home.root), *command] if in_root else command
    home.logs.mkdir(parents=True, exist_ok=True)
    with (home.logs / f"{label or Path(command[0]).name}.out").open("ab") as log:
        subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env or ENVIRONMENT, cwd=cwd or Path("/")
        )


def supervise(server: Server) -> None:
    """Be the supervisor of a server until SIGTERM: take its syslog, then stop all of it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    home, stopping = server.home, list[bool]()
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    _pid_file(home).parent.mkdir(parents=True, exist_ok=True)
    _pid_file(home).write_text(f"{os.getpid()} {_started(os.getpid())}")
    syslog = _syslog(home)
    try:
        server.start(home)
        with (home.logs / "syslog").open("ab", buffering=0) as log:
            while not stopping:
                try:
                    log.write(syslog.recv(65536).rstrip(b"\0\n") + b"\n")
                except TimeoutError:
                    _reap()
    finally:
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 2.0)):
            for pid in descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            _wait_until(lambda: not descendants(os.getpid()), seconds)
        _pid_file(home).unlink(missing_ok=True)


def _syslog(home: Home) -> socket.socket:
    """Return the socket at /dev/log of the server's root (one that nobody writes to where there is no root)."""
    home.logs.mkdir(parents=True, exist_ok=True)
    syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    syslog.settimeout(0.2)
    folder = home.root / "dev"
    if folder.is_dir():
        (folder / "log").unlink(missing_ok=True)
        # The path of a socket has at most 107 octets; the cache may lie deeper than that.
        handle = os.open(folder, os.O_PATH)
        syslog.bind(f"/proc/self/fd/{handle}/log")
        os.close(handle)
        (folder / "log").chmod(0o666)
    return syslog


def start(server: Server) -> None:
    """Start the server and wait until every port greets. Raises InstallError with the end of its logs."""
    home = server.home
    busy = [port for port in server.ports.values() if listens(port)]
    if busy:
        raise InstallError(f"something else listens on port {busy[0]} of {HOST}")
    home.logs.mkdir(parents=True, exist_ok=True)
    with (home.logs / "supervisor.out").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab", "_serve", server.name],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=PROJECT,
        )
    waiting = {role: port for role, port in server.ports.items() if role not in server.silent}
    end = time.monotonic() + READY_SECONDS
    while waiting and time.monotonic() < end and process.poll() is None:
        waiting = {r: p for r, p in waiting.items() if not greets(p, implicit=r in server.implicit)}
        if waiting:
            time.sleep(0.05)
    if waiting:
        stop(home)
        gone = "its supervisor ended" if process.poll() is not None else f"after {READY_SECONDS:g} s"
        raise InstallError(f"no greeting on {waiting}, {gone}; see {home.logs}\n{_log_ends(home)}")


def _log_ends(home: Home) -> str:
    logs = [*home.logs.iterdir(), *(p for p in (home.root / "var/log").rglob("*") if home.root.exists())]
    ends = ((path, path.read_text(errors="replace")[-600:].strip()) for path in logs if path.is_file())
    return "\n".join(f"--- {path.name}\n{text}" for path, text in ends if text)


def supervisor(home: Home) -> int | None:
    """Return the process id of the server's supervisor, or None when it is not up."""
    try:
        pid, started = _pid_file(home).read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if _started(int(pid)) == started else None


def stop(home: Home) -> bool:
    """Stop the server if it is up; return whether it is down."""
    pid = supervisor(home)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        _wait_until(lambda: supervisor(home) is None, STOP_SECONDS + 5)
    return supervisor(home) is None


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below a process."""
    _reap()
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def memory_octets(pids: Sequence[int]) -> int:
    """Return the resident memory of processes."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(fields[21]) * page for pid in pids if (fields := _stat(pid)))


def listens(port: int) -> bool:
    """Return whether something accepts connections on a port of the lab."""
    try:
        socket.create_connection((HOST, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def greets(port: int, *, implicit: bool) -> bool:
    """Return whether a port sends an SMTP greeting (a listening port alone proves nothing)."""
    try:
        with socket.create_connection((HOST, port), timeout=1.0, source_address=(SOURCE, 0)) as plain:
            plain.settimeout(8)
            if not implicit:
                return plain.recv(3) == b"220"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain) as wrapped:
                return wrapped.recv(3) == b"220"
    except OSError:
        return False


def _pid_file(home: Home) -> Path:
    return CACHE / "run" / f"{home.name}.pid"


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name (0 state, 1 parent, 19 start, 21 pages); none when gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _started(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[19] if fields and fields[0] != "Z" else None


def _wait_until(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.02)
