"""chasquid from Debian, a server written in Go, with the package's configuration."""

import hashlib
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
    users = root / f"etc/chasquid/domains/{DOMAIN}/users"
    users.write_text("".join(user_entry(user, password) for user, password in USERS.items()))
    chroot(home, "chmod", "-R", "a+rX", "/etc/chasquid")


def user_entry(user: str, password: str) -> str:
    """Return what ``chasquid-util user-add`` writes, with a hash that costs little.

    Its own takes half a second where many log in at once.
    """
    salt, cost = f"salt of {user}", 4
    key = hashlib.scrypt(password.encode(), salt=salt.encode(), n=1 << cost, r=8, p=1, dklen=32)
    octets = "".join(f"\\{octet:03o}" for octet in key)
    scrypt = f'logN: {cost} r: 8 p: 1 keyLen: 32 salt: "{salt}" encrypted: "{octets}"'
    return f'users: {{ key: "{user}" value: {{ scrypt: {{ {scrypt} }} }} }}\n'


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
        "chasquid-submission": submission(PORTS["submission"]),
        "chasquid-smtps": submission(PORTS["smtps"], tls="implicit"),
    },
)
