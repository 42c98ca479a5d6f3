"""chasquid from Debian, a server written in Go, with the package's configuration."""

import shutil

from tests.lab.kit import DOMAIN, USERS, Debian, Home, Server, chroot, mx, own, ports, spawn, submission

PORTS = ports(2780, "smtp", "smtps", "submission")


def prepare(home: Home) -> None:
    """Give it certificate and users."""
    root = home.root
    folder = root / "etc/chasquid/certs" / home.host_name
    folder.mkdir(parents=True)
    shutil.copy(root / "etc/lab-certificates/good.crt", folder / "fullchain.pem")
    shutil.copy(root / "etc/lab-certificates/good.key", folder / "privkey.pem")
    own(home, "someone", 0o600, f"/etc/chasquid/certs/{home.host_name}/privkey.pem")
    (root / "etc/chasquid/hooks/post-data").unlink(missing_ok=True)  # an example for spam filters that are not here
    own(home, "someone", 0o700, "/var/lib/chasquid")
    own(home, "someone", 0o755, "/var/log")
    for user, password in USERS.items():
        chroot(home, "chasquid-util", "user-add", f"{user}@{DOMAIN}", f"--password={password}")
    chroot(home, "chmod", "-R", "a+rX", "/etc/chasquid")


def start(home: Home) -> None:
    """Run it as an ordinary user, as its documentation says."""
    spawn(home, "chroot", "--userspec=someone:someone", home.root, "chasquid", in_root=False, label="chasquid")


SERVER = Server(
    name="chasquid",
    source=Debian(("chasquid",)),
    ports=PORTS,
    prepare=prepare,
    start=start,
    # It has no smart host: what it relays waits in its queue, for there is no DNS here.
    relays=False,
    targets={
        "chasquid": mx(PORTS["smtp"]),
        # Its password hashes are costly: more logins at once would take longer than anybody waits.
        "chasquid-submission": submission(PORTS["submission"], jobs=4, timeout=60),
        "chasquid-smtps": submission(PORTS["smtps"], tls="implicit", jobs=4, timeout=60),
    },
)
