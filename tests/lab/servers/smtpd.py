"""The standard library's smtpd, where the Python has it (3.11 is the last): a sink that takes every recipient."""

from tests.lab.kit import PyPI, Server, mx, ports, spawn_python

PORTS = ports(2820, "smtp")

SERVER = Server(
    name="smtpd",
    source=PyPI((), module="smtpd", optional=True),
    ports=PORTS,
    start=spawn_python,
    # It has no hook that could refuse a recipient.
    targets={"smtpd": mx(PORTS["smtp"], unknown=None, foreign=None)},
)
