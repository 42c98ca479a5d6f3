"""Apache James from Maven Central, with its sample configuration; it keeps all in memory but delivered mail."""

import os
import shutil

from tests.lab.kit import DOMAIN, HOST, USERS, Home, Maven, Server, Variant, lmtp, mx, ports, spawn_java, submission
from tests.lab.kit.place import CACHE, NEXT_HOP, fill
from tests.lab.kit.server import TargetKeys

PORTS = ports(2850, "smtp", "smtps", "submission", "lmtp", "sink", "lf")
JOBS = 8
"""Sixteen threads carry out commands, and a login keeps one busy: with more at once, new sessions wait."""
MAIN = "org.apache.james.MemoryJamesServerMain"
ACCOUNTS = ",".join(f"{user}:{password}" for user, password in USERS.items())
OPTIONS = (
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dworking.directory=.",
    "-Dlogback.configurationFile=conf/logback.xml",
    f"-Dlab.domain={DOMAIN}",
    f"-Dlab.users={ACCOUNTS}",
)
COMMON: TargetKeys = {
    "alias": f"both@{DOMAIN}",
    "foreign": f"someone@{NEXT_HOP}",
    "observer": {
        "maildir": str(CACHE / "servers/james/home/{local}/Maildir"),
        "sink": f"{HOST}:{PORTS['sink']}",
    },
}


def prepare(home: Home) -> None:
    """Make the folder of a second server, whose smtpserver.xml has one port."""
    shutil.copytree(home.path / "conf", home.path / "lf/conf")
    fill(home.conf / "lf", home.path / "lf/conf", home.values())


def start(home: Home) -> None:
    """Run both in the foreground; what the second one does otherwise is said to all of its JVM."""
    spawn_java(home, MAIN, *OPTIONS)
    spawn_java(home, MAIN, *OPTIONS, "-Djames.prevent.smtp.smuggling=false", folder="lf")


SERVER = Server(
    name="james",
    source=Maven("james-server-memory-app"),
    ports=PORTS,
    prepare=prepare,
    start=start,
    silent=("sink",),
    values={"MACHINE": os.uname().nodename},
    targets={
        "james": mx(PORTS["smtp"], **COMMON),
        "james-submission": submission(PORTS["submission"], jobs=JOBS, **COMMON),
        "james-smtps": submission(PORTS["smtps"], tls="implicit", jobs=JOBS, **COMMON),
        "james-lmtp": lmtp(PORTS["lmtp"], foreign=None),
    },
    variants={
        # As it was before 3.8.1 (CVE-2023-51747).
        "james-lf": Variant(
            mx(PORTS["lf"]),
            {
                "security/smuggling/producible[lf-crlf]": "fail",
                "security/smuggling/scan[line-feed]": "fail",
                "security/smuggling/smuggled-message[lf-crlf]": "fail",
            },
        ),
    },
)
