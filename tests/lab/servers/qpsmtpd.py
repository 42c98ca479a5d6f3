"""qpsmtpd from Debian: plugins for TLS, AUTH, recipients and delivery to Maildirs."""

import os
from pathlib import Path

from tests.lab.kit import HOST, Debian, Home, Server, mx, own, ports, spawn, submission

PORTS = ports(2770, "smtp", "smtps")


def prepare(home: Home) -> None:
    """Teach the package what it can't be told by configuration."""
    own(home, "someone", 0o700, "/var/spool/qpsmtpd")
    own(home, "root:someone", 0o640, "/etc/lab-certificates/good.key")
    # The tls plugin starts TLS at once on port 465 only.
    edit(home.root / "usr/share/qpsmtpd/plugins/tls", "!= 465", f"!= {PORTS['smtps']}")
    # The forkserver does not hand --no-rdns on, and each connection would wait a second for a DNS that is not there.
    module = home.root / "usr/share/perl5/Qpsmtpd/TcpServer.pm"
    edit(module, "if ($no_rdns) {", "if (1) {")
    edit(module, "[$ENV{TCPREMOTEIP}]", "[$TCPREMOTEIP]")
    for name in ("postmaster", "abuse"):
        (home.root / "home" / name).symlink_to("alice")
    for name in ("alice", "bob"):  # it delivers under its own account
        box = home.root / "home" / name / "Maildir"
        for path in (box, *box.iterdir()):
            os.chown(path, 5000, 5000)


def edit(file: Path, old: str, new: str) -> None:
    """Replace what must be there. Raises ValueError where it is not."""
    text = file.read_text()
    if old not in text:
        raise ValueError(f"{file} has no {old!r}")
    file.write_text(text.replace(old, new))


def start(home: Home) -> None:
    """Run the forking server, with more connections allowed than the suite opens."""
    listen = [f"--listen-address={HOST}:{port}" for port in home.ports.values()]
    limits = ("--limit-connections", "100", "--max-from-ip", "100")
    command = ("env", "QPSMTPD_CONFIG=/etc/qpsmtpd", "qpsmtpd-forkserver", "--user", "someone", "--no-rdns")
    spawn(home, *command, *limits, *listen, label="qpsmtpd")


SERVER = Server(
    name="qpsmtpd",
    # libnet-ip-perl is missing from the package's dependencies: the relay plugin needs it.
    source=Debian(("qpsmtpd", "perl", "libio-socket-ssl-perl", "libnet-ip-perl")),
    ports=PORTS,
    prepare=prepare,
    start=start,
    targets={
        "qpsmtpd": mx(PORTS["smtp"]),
        "qpsmtpd-smtps": submission(PORTS["smtps"], tls="implicit", role="mx"),
    },
)
