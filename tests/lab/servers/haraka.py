"""Haraka from npm, with its own plugins for TLS and AUTH, and one of the lab's for recipients and delivery."""

import os
import shutil

from tests.lab.kit import Home, Npm, Server, mx, ports, spawn, submission
from tests.lab.kit.place import CONF, fill
from tests.lab.kit.process import ENVIRONMENT

PORTS = ports(2800, "smtp", "smtps", "submission")


def prepare(home: Home) -> None:
    """Make its folder, as ``haraka -i`` does."""
    site = home.path / "site"
    fill(home.conf / "site", site, home.values())
    (site / "queue").mkdir()
    shutil.copy(home.path / "node_modules/haraka/config/connection.ini", site / "config")


def start(home: Home) -> None:
    """Run it in the foreground."""
    modules = home.path / "node_modules"
    environment = {
        **ENVIRONMENT,
        "PATH": os.environ["PATH"],
        "NODE_PATH": f"{modules}:{CONF / 'common'}",
        "HARAKA": str(home.path / "site"),
        "LAB_SETTINGS": str(home.path / "settings.json"),
    }
    command = ("node", "--require", CONF / "common/no_dns.js", modules / "haraka/haraka.js")
    spawn(home, *command, label="haraka", in_root=False, env=environment, cwd=home.path / "site")


SERVER = Server(
    name="haraka",
    source=Npm("haraka"),
    ports=PORTS,
    prepare=prepare,
    start=start,
    targets={
        "haraka": mx(PORTS["smtp"]),
        "haraka-submission": submission(PORTS["submission"]),
        "haraka-smtps": submission(PORTS["smtps"], tls="implicit"),
    },
)
