"""OpenSMTPD from Debian, with the package's smtpd.conf.

Debian 12's 6.8.0p2 was written for OpenSSL 1.1 and built with OpenSSL 3: it announces STARTTLS and then fails every
handshake (OpenSMTPD issues 1171 and 1239). So it has neither TLS nor AUTH here, and no submission target.
"""

from tests.lab.kit import Debian, Home, Server, mx, own, ports, spawn

PORTS = ports(2740, "smtp")


def prepare(home: Home) -> None:
    """Do what Debian's postinst does."""
    own(home, "root", 0o755, "/var/lib/opensmtpd", "/var/lib/opensmtpd/empty")
    own(home, "root", 0o711, "/var/spool/smtpd")
    own(home, "root:opensmtpq", 0o2755, "/usr/sbin/smtpctl")
    own(home, "root", 0o600, "/etc/lab-certificates/good.key")
    (home.root / "etc/aliases").write_text("postmaster: alice\nabuse: alice\n")


def start(home: Home) -> None:
    """Run it in the foreground."""
    spawn(home, "smtpd", "-d", "-f", "/etc/smtpd.conf")


SERVER = Server(
    name="opensmtpd",
    source=Debian(("opensmtpd",), accounts={"opensmtpd": 101, "opensmtpq": 102}),
    ports=PORTS,
    prepare=prepare,
    start=start,
    targets={"opensmtpd": mx(PORTS["smtp"])},
)
