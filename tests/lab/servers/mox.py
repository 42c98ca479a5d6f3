"""mox from the Go module proxy, as ``mox localserve`` runs it: it takes mail for every address, to try things out."""

import shutil

from tests.lab.kit import DOMAIN, Go, Home, Server, chroot, ports, spawn, submission
from tests.lab.kit.server import TargetKeys

PORTS = ports(2840, "smtp", "smtps", "submission")
FOLDER = "/var/lib/mox"
PASSWORD = "moxmoxmox"
"""What localserve gives to its only account."""


def prepare(home: Home) -> None:
    """Let localserve make its folder, then put the lab's names and ports in its place."""
    (home.root / "var/lib").mkdir(parents=True, exist_ok=True)
    chroot(home, "mox", "localserve", "-initonly", "-dir", FOLDER)
    for name in ("mox.conf", "domains.conf"):
        shutil.copy(home.root / "etc" / name, home.root / FOLDER[1:] / name)


def start(home: Home) -> None:
    """Run it in the foreground."""
    spawn(home, "mox", "localserve", "-dir", FOLDER)


def login() -> TargetKeys:
    """Return the credentials of localserve's account."""
    return {"user": f"alice@{DOMAIN}", "password_env": "SMTP_LAB_PASSWORD_MOX"}


def changes() -> TargetKeys:
    """Return what is special: it takes everything, and its mailboxes are read by IMAP only."""
    # It takes 300 connections and ten failed logins a minute from one address, three times as many from its network.
    sources = [f"127.{8 * number}.0.2" for number in range(1, 25)]
    return {"unknown": None, "foreign": None, "observer": {}, "credentials": login(), "source": sources}


SERVER = Server(
    name="mox",
    source=Go("github.com/mjl-/mox", "github.com/mjl-/mox"),
    ports=PORTS,
    prepare=prepare,
    start=start,
    relays=False,
    passwords={"SMTP_LAB_PASSWORD_MOX": PASSWORD},
    # There is no MX target: that port takes mail only from senders whose domain is in DNS, and there is no DNS here.
    targets={
        "mox-submission": submission(PORTS["submission"], **changes()),
        "mox-smtps": submission(PORTS["smtps"], tls="implicit", **changes()),
    },
)
