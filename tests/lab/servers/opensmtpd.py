"""OpenSMTPD from Debian 13, with the package's smtpd.conf.

Debian 12's 6.8.0p2 was written for OpenSSL 1.1 and built with OpenSSL 3: it announces STARTTLS and then fails every
handshake (OpenSMTPD issues 1171 and 1239).
"""

from tests.lab.kit import DOMAIN, HOST, Debian, Home, Server, mx, own, ports, spawn, submission
from tests.lab.kit.place import CACHE, NEXT_HOP
from tests.lab.kit.server import TargetKeys

PORTS = ports(2740, "smtp", "smtps", "submission", "sink")
JOBS = 4
"""Its queue of connections holds five: with more at once, some are never greeted."""
COMMON: TargetKeys = {
    "jobs": JOBS,
    "alias": f"both@{DOMAIN}",
    "foreign": f"someone@{NEXT_HOP}",
    "observer": {
        "maildir": str(CACHE / "servers/opensmtpd/root/home/{local}/Maildir"),
        "sink": f"{HOST}:{PORTS['sink']}",
    },
}


def prepare(home: Home) -> None:
    """Do what Debian's postinst does, and protect the table of passwords."""
    own(home, "root", 0o755, "/var/lib/opensmtpd", "/var/lib/opensmtpd/empty")
    own(home, "root", 0o711, "/var/spool/smtpd")
    own(home, "root:opensmtpq", 0o2755, "/usr/sbin/smtpctl")
    own(home, "root", 0o600, "/etc/lab-certificates/good.key")
    (home.root / "etc/aliases").write_text("postmaster: alice\nabuse: alice\nboth: alice, bob\n")
    own(home, "root:opensmtpd", 0o640, "/etc/credentials")


def start(home: Home) -> None:
    """Run it in the foreground."""
    spawn(home, "smtpd", "-d", "-f", "/etc/smtpd.conf")


SERVER = Server(
    name="opensmtpd",
    source=Debian(("opensmtpd",), accounts={"opensmtpd": 101, "opensmtpq": 102}, release="trixie"),
    ports=PORTS,
    prepare=prepare,
    start=start,
    silent=("sink",),
    targets={
        "opensmtpd": mx(PORTS["smtp"], **COMMON),
        "opensmtpd-submission": submission(PORTS["submission"], **COMMON),
        "opensmtpd-smtps": submission(PORTS["smtps"], tls="implicit", **COMMON),
    },
)
