"""Exim from Debian, with the configuration that Debian generates for an Internet site.

``update-exim4.conf`` assembles it from the package's own files and from those of the lab: conf/exim/etc/exim4.
"""

import hashlib

from tests.lab.kit import DOMAIN, HOST, USERS, Debian, Home, Server, Variant, chroot, mx, own, ports, spawn, submission
from tests.lab.kit.place import CACHE, NEXT_HOP
from tests.lab.kit.server import TargetKeys

PORTS = ports(2730, "smtp", "smtps", "submission", "sink", "open")
COMMON: TargetKeys = {
    "alias": f"both@{DOMAIN}",
    "list": f"list@{DOMAIN}",
    "foreign": f"someone@{NEXT_HOP}",
    "observer": {
        "maildir": str(CACHE / "servers/exim/root/home/{local}/Maildir"),
        "sink": f"{HOST}:{PORTS['sink']}",
    },
}
RELAYED = "relayed.test"
"""A domain whose mail it takes from everybody and passes on."""


def prepare(home: Home) -> None:
    """Do what Debian's postinst does, and make the password file that its example of a server-side AUTH reads."""
    own(home, "Debian-exim", 0o750, "/var/spool/exim4", "/var/spool/exim4/db", "/var/log/exim4", "/run/exim4")
    own(home, "root:Debian-exim", 0o755, "/var/lib/exim4")
    own(home, "root:Debian-exim", 0o640, "/etc/lab-certificates/good.key")
    lines = (f"{user}@{DOMAIN}:{{sha1}}{hashlib.sha1(word.encode()).hexdigest()}\n" for user, word in USERS.items())
    (home.root / "etc/exim4/passwd").write_text("".join(lines))
    own(home, "root:Debian-exim", 0o640, "/etc/exim4/passwd")
    (home.root / "etc/aliases").write_text("postmaster: alice\nabuse: alice\nboth: alice, bob\nowner-list: alice\n")
    chroot(home, "update-exim4.conf")


def start(home: Home) -> None:
    """Run the daemon in the foreground, as Debian's service does but for that."""
    spawn(home, "exim4", "-bdf", "-q30m")


SERVER = Server(
    name="exim",
    source=Debian(("exim4-daemon-heavy", "util-linux"), accounts={"Debian-exim": 101}),
    ports=PORTS,
    prepare=prepare,
    start=start,
    values={"RELAYED": RELAYED},
    silent=("sink",),
    spools=("/var/spool/exim4/db", "/var/spool/exim4/input", "/var/spool/exim4/msglog"),
    targets={
        "exim": mx(PORTS["smtp"], **COMMON),
        "exim-relay": mx(
            PORTS["smtp"],
            role="relay",
            sender=f"alice@{DOMAIN}",
            recipient=f"alice@{RELAYED}",
            recipient2=f"bob@{RELAYED}",
            unknown=f"nobody-here@{RELAYED}",
            **COMMON,
        ),
        # Debian's ACL takes every recipient of a client that has logged in: no unknown user is refused.
        "exim-submission": submission(PORTS["submission"], **COMMON, unknown=None),
        "exim-smtps": submission(PORTS["smtps"], tls="implicit", **COMMON, unknown=None),
    },
    variants={
        "exim-open": Variant(
            mx(PORTS["open"], **COMMON),
            {
                "security/relay/foreign-recipient[stranger]": "warn",
                "security/relay/delivered[stranger]": "fail",
                "rfc5321/3.5-vrfy-expn/vrfy-knows-addresses": "pass",
                "rfc5321/3.5-vrfy-expn/vrfy-does-not-invent[*": "pass",
            },
        )
    },
)
