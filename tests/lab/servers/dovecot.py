"""Dovecot from Debian: LMTP delivery, and submission that passes mail on to the lab's Postfix."""

from tests.lab.kit import Debian, Home, Server, lmtp, ports, spawn, submission
from tests.lab.servers.postfix import SERVER as POSTFIX

PORTS = ports(2790, "submission", "smtps", "lmtp")
RELAYED = {"maildir": str(POSTFIX.home.path / "root/home/{local}/Maildir")}
"""What goes to Postfix is read there."""


def start(home: Home) -> None:
    """Run it in the foreground."""
    spawn(home, "dovecot", "-F")


SERVER = Server(
    name="dovecot",
    source=Debian(("dovecot-submissiond", "dovecot-lmtpd"), accounts={"dovecot": 101, "dovenull": 102}),
    ports=PORTS,
    start=start,
    values={"POSTFIX": str(POSTFIX.ports["smtp"])},
    needs=("postfix",),
    targets={
        "dovecot-lmtp": lmtp(PORTS["lmtp"], foreign=None),
        "dovecot-submission": submission(PORTS["submission"], observer=RELAYED),
        "dovecot-smtps": submission(PORTS["smtps"], tls="implicit", observer=RELAYED),
    },
)
