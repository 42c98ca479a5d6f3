"""Courier from Debian, with the package's own files and what the lab needs appended to them."""

from tests.lab.kit import DOMAIN, USERS, Debian, Home, Server, chroot, mx, own, ports, spawn, submission
from tests.lab.kit.debian import PEOPLE

PORTS = ports(2760, "smtp", "smtps", "submission")
STATE = "/var/lib/courier"


def prepare(home: Home) -> None:
    """Do what Debian's postinst does, and make the users' database."""
    root, etc = home.root, home.root / "etc/courier"
    (root / "etc/environment").touch()
    for name in ("makedat", "maildirmake", "deliverquota", "lockmail", "preline"):  # Debian's alternatives
        (root / "usr/bin" / name).symlink_to(f"{name}.courier")
    for name in ("esmtpd", "esmtpd-ssl", "esmtpd-msa"):
        with (etc / name).open("a") as file:
            file.write((etc / f"{name}.lab").read_text())
    with (etc / "courierd").open("a") as file:
        file.write("DEFAULTDELIVERY=./Maildir\nMAILDROPDEFAULT=./Maildir\n")
    own(home, "root:courier", 0o755, "/etc/courier")
    folders = ("aliases", "aliasdir", "hosteddomains", "esmtpacceptmailfor.dir", "filters", "filters/active")
    own(home, "root:courier", 0o750, *(f"/etc/courier/{name}" for name in folders))
    own(home, "root:courier", 0o640, *(f"/etc/courier/{name}" for name in ("authdaemonrc", "aliases/system")))
    own(
        home,
        "courier",
        0o750,
        STATE,
        *(f"{STATE}/{name}" for name in ("allfilters", "filters", "msgq", "msgs", "track")),
    )
    own(
        home, "courier", 0o770, f"{STATE}/tmp", *(f"{STATE}/tmp/{p.name}" for p in (root / STATE[1:] / "tmp").iterdir())
    )
    own(home, "root:courier", 0o775, "/run/courier")
    own(home, "courier", 0o750, "/run/courier/authdaemon")
    own(home, "courier", 0o4755, "/usr/lib/courier/courier/submitmkdir")
    own(home, "root:courier", 0o2755, "/usr/sbin/sendmail")
    users(home)
    # Without this, its client asks DNS for an MTA-STS policy and waits 155 s for nobody.
    own(home, "courier", 0o755, f"{STATE}/sts")
    chroot(home, "testmxlookup", "--sts-cache-disable")
    for step in ("makeuserdb", "makealiases", "makehosteddomains", "makeacceptmailfor", "makesmtpaccess"):
        chroot(home, step)


def users(home: Home) -> None:
    """Write the users' database: who has a mailbox, and who may log in."""
    lines = []
    for user, number in PEOPLE.items():
        secret = ""
        if user in USERS:
            secret = "|systempw=" + chroot(home, "userdbpw", "-md5", feed=f"{USERS[user]}\n{USERS[user]}\n").split()[-1]
        fields = f"uid={number}|gid={number}|home=/home/{user}|shell=/bin/sh{secret}"
        lines += [f"{name}\t{fields}\n" for name in (user, f"{user}@{DOMAIN}")]
    file = home.root / "etc/courier/userdb"
    file.write_text("".join(lines))
    file.chmod(0o600)


def start(home: Home) -> None:
    """Run the daemons as the package's services do; couriertcpd detaches."""
    spawn(home, "sh", "-c", "set -a; . /etc/courier/courierd; exec /usr/lib/courier/courier/courierd", label="courierd")
    for script in ("authdaemond", "esmtpd", "esmtpd-ssl", "esmtpd-msa"):
        chroot(home, script, "start")


SERVER = Server(
    name="courier",
    source=Debian(("courier-mta", "perl", "bash"), accounts={"courier": 101}),
    ports=PORTS,
    prepare=prepare,
    start=start,
    targets={
        "courier": mx(PORTS["smtp"]),
        "courier-submission": submission(PORTS["submission"]),
        "courier-smtps": submission(PORTS["smtps"], tls="implicit"),
    },
)
