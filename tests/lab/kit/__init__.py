"""What a server's file in ``tests/lab/servers`` is written with.

One module per idea: ``place`` (where things lie, the addresses of the lab), ``server`` (what a server is, and a
target), ``debian``, ``pypi``, ``npm``, ``golang`` and ``maven`` (where the software comes from), ``certificate``,
``process`` (start, wait, stop).
"""

from tests.lab.kit.debian import Debian, chroot, own, sasldb
from tests.lab.kit.golang import Go
from tests.lab.kit.maven import Maven, spawn_java
from tests.lab.kit.npm import Npm
from tests.lab.kit.place import (
    CLIENT,
    DOMAIN,
    HOST,
    SOURCE,
    USERS,
    Home,
    InstallError,
    run,
)
from tests.lab.kit.process import spawn
from tests.lab.kit.pypi import PyPI, spawn_python
from tests.lab.kit.server import Server, Variant, lmtp, mx, ports, submission

__all__ = [
    "CLIENT",
    "DOMAIN",
    "HOST",
    "SOURCE",
    "USERS",
    "Debian",
    "Go",
    "Home",
    "InstallError",
    "Maven",
    "Npm",
    "PyPI",
    "Server",
    "Variant",
    "chroot",
    "lmtp",
    "mx",
    "own",
    "ports",
    "run",
    "sasldb",
    "spawn",
    "spawn_java",
    "spawn_python",
    "submission",
]
