"""The servers of the lab, one file each: a module of this package that names a SERVER is one."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil

from tests.lab.kit import Server
from tests.lab.kit.place import CONF, LAB


def load() -> dict[str, Server]:
    """Return the servers by name. Raises ValueError when two of them want one port or one target name."""
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    servers = {server.name: server for server in (module.SERVER for module in modules)}
    taken: dict[object, str] = {}
    for server in servers.values():
        for claim in (*server.ports.values(), *server.targets, *server.variants):
            if claim in taken:
                raise ValueError(f"{server.name} and {taken[claim]} both want {claim}")
            taken[claim] = server.name
    return servers


def recipe(server: Server) -> str:
    """Return a digest of all that decides how a server is set up; another digest means: set up anew."""
    module = LAB / "servers" / f"{server.name.replace('-', '_')}.py"
    source = LAB / "kit" / f"{type(server.source).__module__.rpartition('.')[2]}.py"
    kit = {source, *(LAB / "kit" / name for name in ("place.py", "certificate.py", "debian.py"))}
    files = [module, *kit, *(CONF / server.name).rglob("*")]
    digest = hashlib.sha256()
    for path in sorted(p for p in files if p.is_file() and p.suffix != ".pyc"):
        digest.update(f"{path.relative_to(LAB)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
