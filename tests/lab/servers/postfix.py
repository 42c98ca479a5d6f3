"""Postfix from Debian, as its packages configure an Internet site, with the submission services of its master.cf."""

from tests.lab.kit import DOMAIN, HOST, Debian, Home, Server, Variant, mx, own, ports, sasldb, spawn, submission
from tests.lab.kit.place import CACHE, NEXT_HOP
from tests.lab.kit.server import TargetKeys

PORTS = ports(2700, "smtp", "smtps", "submission", "normalize", "small", "sink", "relay", "open", "clear", "expired")
COMMON: TargetKeys = {
    "alias": f"both@{DOMAIN}",
    "list": f"list@{DOMAIN}",
    "foreign": f"someone@{NEXT_HOP}",
    "observer": {
        "maildir": str(CACHE / "servers/postfix/root/home/{local}/Maildir"),
        "sink": f"{HOST}:{PORTS['sink']}",
    },
}
RELAYED = "relayed.test"
"""A domain whose mail it takes from everybody and passes on."""


def prepare(home: Home) -> None:
    """Do what Debian's postinst does."""
    own(home, "postfix", 0o755, "/var/lib/postfix")
    own(home, "root:postdrop", 0o2755, "/usr/sbin/postqueue", "/usr/sbin/postdrop")
    plain = [
        line for line in (home.root / "usr/share/postfix/dynamicmaps.cf").read_text().splitlines() if line[:1] == "#"
    ]
    (home.root / "etc/postfix/dynamicmaps.cf").write_text("\n".join(plain) + "\n")
    (home.root / "etc/aliases").write_text(
        "postmaster: alice\nabuse: alice\nboth: alice, bob\nlist: alice, bob\nowner-list: alice\n"
    )
    sasldb(home, "/etc/sasldb2", "root:postfix")


def start(home: Home) -> None:
    """Build the alias table (newaliases wants the host's own addresses) and run the master process."""
    spawn(home, "sh", "-c", "postalias /etc/aliases && exec postfix start-fg", label="postfix")


SERVER = Server(
    name="postfix",
    source=Debian(
        ("postfix", "libsasl2-modules", "sasl2-bin", "perl-base"), accounts={"postfix": 101, "postdrop": 102}
    ),
    ports=PORTS,
    prepare=prepare,
    start=start,
    values={"RELAYED": RELAYED},
    silent=("sink",),
    spools=("/var/spool/postfix/deferred", "/var/spool/postfix/active", "/var/spool/postfix/incoming"),
    targets={
        "postfix": mx(PORTS["smtp"], **COMMON),
        "postfix-relay": mx(
            PORTS["relay"],
            role="relay",
            sender=f"alice@{DOMAIN}",
            recipient=f"alice@{RELAYED}",
            recipient2=f"bob@{RELAYED}",
            unknown=f"nobody-here@{RELAYED}",
            **COMMON,
        ),
        # Debian's submission service does not look recipients up before it queues: no unknown user is refused.
        "postfix-submission": submission(PORTS["submission"], **COMMON, unknown=None),
        "postfix-smtps": submission(PORTS["smtps"], tls="implicit", **COMMON, unknown=None),
    },
    variants={
        "postfix-normalize": Variant(
            mx(PORTS["normalize"]),
            {
                "rfc5321/4.1.1.4-data/false-end[*": "pass",
                "rfc5321/4.1.1.4-data/false-end-arrives[*": "pass",
            },
        ),
        "postfix-small": Variant(
            mx(PORTS["small"]), {"rfc5321/4.5.3.1-sizes/hundred-recipients": "fail", "rfc5321/4.5.3.1-sizes/*": "fail"}
        ),
        "postfix-open": Variant(
            mx(PORTS["open"], **COMMON),
            {
                "security/relay/foreign-recipient[stranger]": "warn",
                "security/relay/delivered[stranger]": "fail",
                "security/disclosure/version": "info",
            },
        ),
        "postfix-clear": Variant(
            submission(PORTS["clear"], unknown=None),
            {
                "security/auth/clear-text-password[*": "warn",
                "security/auth/submission-in-clear-text": "warn",
                "security/tls/certificate-name-for-users": "warn",
            },
        ),
        "postfix-expired": Variant(
            mx(PORTS["expired"]),
            {"security/tls/certificate": "warn", "security/tls/certificate-name": "info"},
        ),
    },
)
