# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return, override, arg-type"
"""smtpd as its documentation sets it up: a class with one method, and the loop of asyncore."""

from __future__ import annotations

import warnings
from typing import Any

warnings.simplefilter("ignore")  # both are deprecated

import asyncore  # noqa: E402
import smtpd  # noqa: E402
import socket  # noqa: E402

from lab_mail import SETTINGS, deliver, received  # noqa: E402


class Server(smtpd.SMTPServer):
    """A sink."""

    def process_message(self, peer: Any, mailfrom: str, rcpttos: list[str], data: bytes, **options: Any) -> str | None:
        """Deliver; the module tells the program neither the name that the client gave nor how it spoke."""
        trace = received(f"[{peer[0]}]", peer[0], "")
        deliver(trace + data, "" if mailfrom == "<>" else mailfrom, rcpttos)  # so it names the null reverse-path
        return None


# It greets with what this machine is called, which is another name on each, and may be "localhost".
socket.getfqdn = lambda name="": SETTINGS["name"]
Server((SETTINGS["host"], SETTINGS["ports"]["smtp"]), None)
asyncore.loop()
