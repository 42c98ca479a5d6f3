"""The standard library's smtpd, where the Python has it (3.11 is the last): a sink that takes every recipient."""

from tests.lab.kit import PyPI, Server, mx, ports, spawn_python

PORTS = ports(2820, "smtp")

SERVER = Server(
    name="smtpd",
    source=PyPI((), module="smtpd", optional=True),
    ports=PORTS,
    start=spawn_python,
    # It has no hook that could refuse a recipient.
    # Its queue of connections holds five: with more at once, some are never greeted.
    targets={"smtpd": mx(PORTS["smtp"], jobs=4, unknown=None, foreign=None)},
)
