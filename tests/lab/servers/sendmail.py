"""Sendmail from Debian, with the package's sendmail.mc and what TLS, AUTH and the lab need."""

import shutil

from tests.lab.kit import DOMAIN, HOST, Debian, Home, Server, chroot, mx, own, ports, sasldb, spawn, submission
from tests.lab.kit.place import CACHE, NEXT_HOP
from tests.lab.kit.server import TargetKeys

PORTS = ports(2750, "smtp", "smtps", "submission", "sink")
PROGRAMS = "/usr/libexec/sendmail"
JOBS = 8
"""Its queue of connections holds ten: with more at once, some are never greeted."""
COMMON: TargetKeys = {
    "jobs": JOBS,
    "alias": f"both@{DOMAIN}",
    "list": f"list@{DOMAIN}",
    "foreign": f"someone@{NEXT_HOP}",
    "observer": {
        "maildir": str(CACHE / "servers/sendmail/root/home/{local}/Maildir"),
        "sink": f"{HOST}:{PORTS['sink']}",
    },
}


def prepare(home: Home) -> None:
    """Do what Debian's postinst and sendmailconfig do."""
    root = home.root
    for name in ("dialup", "provider"):
        (root / f"etc/mail/m4/{name}.m4").parent.mkdir(parents=True, exist_ok=True)
        (root / f"etc/mail/m4/{name}.m4").touch()
    chroot(home, "sh", "-c", "m4 /etc/mail/sendmail.mc > /etc/mail/sendmail.cf")
    for table in ("access", "mailertable"):
        chroot(home, "sh", "-c", f"{PROGRAMS}/makemap hash /etc/mail/{table} < /etc/mail/{table}")
    own(home, "root:smmsp", 0o2755, f"{PROGRAMS}/sendmail")
    own(home, "root:smmsp", 0o750, "/var/spool/mqueue")
    own(home, "smmta:smmsp", 0o755, "/var/lib/sendmail")
    own(home, "root", 0o755, "/etc/mail", "/run/sendmail", "/run/sendmail/mta")
    own(home, "root", 0o600, "/etc/lab-certificates/good.key")
    (root / "usr/lib/sasl2").mkdir(parents=True, exist_ok=True)
    shutil.copy(root / "etc/mail/sasl/Sendmail.conf", root / "usr/lib/sasl2/Sendmail.conf")
    sasldb(home, "/etc/sasldb2", "root:smmsp")
    chroot(home, f"{PROGRAMS}/newaliases", "-C", "/etc/mail/sendmail.cf")


def start(home: Home) -> None:
    """Run the daemon in the foreground."""
    spawn(home, f"{PROGRAMS}/sendmail", "-bD", "-q30m", "-C", "/etc/mail/sendmail.cf")


SERVER = Server(
    name="sendmail",
    source=Debian(
        ("sendmail-bin", "sendmail-base", "sendmail-cf", "m4", "libsasl2-modules", "sasl2-bin"),
        accounts={"smmta": 101, "smmsp": 102},
    ),
    ports=PORTS,
    prepare=prepare,
    start=start,
    silent=("sink",),
    spools=("/var/spool/mqueue", "/var/spool/mqueue-client"),
    targets={
        "sendmail": mx(PORTS["smtp"], **COMMON),
        "sendmail-submission": submission(PORTS["submission"], **COMMON),
        "sendmail-smtps": submission(PORTS["smtps"], tls="implicit", **COMMON),
    },
)
