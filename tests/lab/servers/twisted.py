"""Twisted Mail from PyPI: ESMTP as a library; conf/twisted has the program around it."""

from tests.lab.kit import PyPI, Server, mx, ports, spawn_python, submission

PORTS = ports(2810, "smtp", "smtps", "submission")

REQUIREMENTS = (
    "Twisted==26.10.0",
    "attrs==26.1.0",
    "Automat==25.4.16",
    "constantly==23.10.4",
    "hyperlink==21.0.0",
    "idna==3.20",
    "Incremental==24.11.0",
    "pyOpenSSL==26.4.0",
    "service-identity==26.1.0",
    "typing_extensions==4.16.0",
    "zope.interface==8.7",
    "cryptography==50.0.2",
    "packaging==26.4",
    "cffi==2.1.1",
    "pycparser==3.12",
)
"""The library, and what it needs, in the versions that are tested together."""

SERVER = Server(
    name="twisted",
    source=PyPI(REQUIREMENTS),
    ports=PORTS,
    start=spawn_python,
    targets={
        "twisted": mx(PORTS["smtp"]),
        "twisted-submission": submission(PORTS["submission"]),
        "twisted-smtps": submission(PORTS["smtps"], tls="implicit"),
    },
)
