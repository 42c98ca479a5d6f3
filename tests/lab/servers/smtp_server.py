"""nodemailer's smtp-server from npm, a library; conf/smtp-server has the program around it."""

from tests.lab.kit import Home, Npm, Server, mx, ports, submission
from tests.lab.kit.npm import spawn_node

PORTS = ports(2720, "smtp", "smtps", "submission")


def start(home: Home) -> None:
    """Run the program."""
    spawn_node(home, home.conf / "server.js", home.path / "settings.json")


SERVER = Server(
    name="smtp-server",
    source=Npm("smtp-server"),
    ports=PORTS,
    start=start,
    targets={
        "smtp-server": mx(PORTS["smtp"]),
        "smtp-server-submission": submission(PORTS["submission"]),
        "smtp-server-smtps": submission(PORTS["smtps"], tls="implicit"),
    },
)
