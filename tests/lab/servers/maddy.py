"""maddy from the Go module proxy, with its default configuration; local mail goes to the lab's Dovecot by LMTP."""

from tests.lab.kit import DOMAIN, USERS, Go, Home, Server, chroot, mx, own, ports, spawn, submission
from tests.lab.servers.dovecot import SERVER as DOVECOT

PORTS = ports(2830, "smtp", "smtps", "submission")
READ_AT = {"maildir": str(DOVECOT.home.path / "root/home/{local}/Maildir")}
COMMAND = ("maddy", "--config", "/etc/maddy/maddy.conf")


def prepare(home: Home) -> None:
    """Make its folders and the file of passwords."""
    own(home, "root", 0o755, "/var/lib/maddy", "/run/maddy")
    file = home.root / "etc/maddy/passwords"
    hashes = {
        user: chroot(home, *COMMAND, "hash", "--bcrypt-cost", "4", "--password", password).strip()
        for user, password in USERS.items()
    }
    file.write_text("".join(f"{user}@{DOMAIN}: {secret}\n" for user, secret in hashes.items()))


def start(home: Home) -> None:
    """Run it in the foreground."""
    spawn(home, *COMMAND, "run")


SERVER = Server(
    name="maddy",
    source=Go("github.com/foxcpp/maddy/cmd/maddy", "github.com/foxcpp/maddy"),
    ports=PORTS,
    prepare=prepare,
    start=start,
    needs=("postfix", "dovecot"),
    values={"LMTP": str(DOVECOT.ports["lmtp"])},
    relays=False,
    targets={
        "maddy": mx(PORTS["smtp"], observer=READ_AT),
        "maddy-submission": submission(PORTS["submission"], jobs=8, observer=READ_AT),
        "maddy-smtps": submission(PORTS["smtps"], tls="implicit", jobs=8, observer=READ_AT),
    },
)
