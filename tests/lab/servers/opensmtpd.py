"""OpenSMTPD from Debian 13, with the package's smtpd.conf.

Debian 12's 6.8.0p2 was written for OpenSSL 1.1 and built with OpenSSL 3: it announces STARTTLS and then fails every
handshake (OpenSMTPD issues 1171 and 1239).
"""

from tests.lab.kit import Debian, Home, Server, mx, own, ports, spawn, submission

PORTS = ports(2740, "smtp", "smtps", "submission")
JOBS = 4
"""Its queue of connections holds five: with more at once, some are never greeted."""


def prepare(home: Home) -> None:
    """Do what Debian's postinst does, and protect the table of passwords."""
    own(home, "root", 0o755, "/var/lib/opensmtpd", "/var/lib/opensmtpd/empty")
    own(home, "root", 0o711, "/var/spool/smtpd")
    own(home, "root:opensmtpq", 0o2755, "/usr/sbin/smtpctl")
    own(home, "root", 0o600, "/etc/lab-certificates/good.key")
    (home.root / "etc/aliases").write_text("postmaster: alice\nabuse: alice\n")
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
    targets={
        "opensmtpd": mx(PORTS["smtp"], jobs=JOBS),
        "opensmtpd-submission": submission(PORTS["submission"], jobs=JOBS),
        "opensmtpd-smtps": submission(PORTS["smtps"], tls="implicit", jobs=JOBS),
    },
)
