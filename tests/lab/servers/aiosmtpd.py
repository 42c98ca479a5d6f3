"""aiosmtpd from PyPI: SMTP in asyncio, a library; conf/aiosmtpd has the program around it."""

from tests.lab.kit import PyPI, Server, mx, ports, spawn_python, submission

PORTS = ports(2710, "smtp", "smtps", "submission")

SERVER = Server(
    name="aiosmtpd",
    source=PyPI(("aiosmtpd==1.4.6", "atpublic==7.0.0", "attrs==25.4.0")),
    ports=PORTS,
    start=spawn_python,
    targets={
        "aiosmtpd": mx(PORTS["smtp"]),
        "aiosmtpd-submission": submission(PORTS["submission"]),
        "aiosmtpd-smtps": submission(PORTS["smtps"], tls="implicit"),
    },
)
