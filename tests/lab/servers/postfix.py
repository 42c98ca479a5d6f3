"""Postfix from Debian, as its packages configure an Internet site, with the submission services of its master.cf."""

from tests.lab.kit import Debian, Home, Server, Variant, mx, own, ports, sasldb, spawn, submission

PORTS = ports(2700, "smtp", "smtps", "submission", "normalize", "small")


def prepare(home: Home) -> None:
    """Do what Debian's postinst does."""
    own(home, "postfix", 0o755, "/var/lib/postfix")
    own(home, "root:postdrop", 0o2755, "/usr/sbin/postqueue", "/usr/sbin/postdrop")
    plain = [
        line for line in (home.root / "usr/share/postfix/dynamicmaps.cf").read_text().splitlines() if line[:1] == "#"
    ]
    (home.root / "etc/postfix/dynamicmaps.cf").write_text("\n".join(plain) + "\n")
    (home.root / "etc/aliases").write_text("postmaster: alice\nabuse: alice\n")
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
    targets={
        "postfix": mx(PORTS["smtp"]),
        # Debian's submission service does not look recipients up before it queues: no unknown user is refused.
        "postfix-submission": submission(PORTS["submission"], unknown=None),
        "postfix-smtps": submission(PORTS["smtps"], tls="implicit", unknown=None),
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
    },
)
