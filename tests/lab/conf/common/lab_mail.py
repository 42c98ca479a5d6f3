"""What the programs for Python's library servers share: settings, the recipient policy, and delivery.

The library does the protocol; a program says who gets mail here. These programs add nothing that would hide what the
library does: the octets it hands over are stored as they are, below the Return-Path that final delivery adds and the
Received field that the libraries leave to the program.
"""

from __future__ import annotations

import email.utils
import itertools
import json
import os
import re
import ssl
import sys
import time
from pathlib import Path
from typing import Any

SETTINGS: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
_number = itertools.count()


def mailbox(address: str) -> str | None:
    """Return the user who gets the mail for an address of the lab, or None."""
    local, _, domain = address.rpartition("@")
    if address.lower() == "postmaster":  # RFC 5321 section 4.5.1: without a domain, too
        return "alice"
    if domain.lower() == SETTINGS["foreign"]:
        return "someone"
    if domain.lower() != SETTINGS["domain"]:
        return None
    name = unquoted(local).lower()
    return "alice" if name in ("postmaster", "abuse") else name if name in SETTINGS["users"] else None


def unquoted(local: str) -> str:
    """Return a local part without its quoting; all quoted forms are equal (RFC 5321 section 4.1.2)."""
    quoted = len(local) > 1 and local.startswith('"') and local.endswith('"')
    return re.sub(r"\\(.)", r"\1", local[1:-1], flags=re.DOTALL) if quoted else local


def is_local(address: str) -> bool:
    """Return whether an address is in the lab's own domain."""
    return address.lower() == "postmaster" or address.lower().rpartition("@")[2] == SETTINGS["domain"]


def refusal(address: str, authenticated: bool) -> str | None:
    """Return the reply that refuses a recipient, or None when it is welcome."""
    if not is_local(address):
        return None if authenticated else "550 5.7.1 Relaying denied"
    return None if mailbox(address) else "550 5.1.1 No such user here"


def password_is(user: str, password: str) -> bool:
    """Return whether a login is right."""
    users: dict[str, str] = SETTINGS["users"]
    return users.get(user.removesuffix(f"@{SETTINGS['domain']}")) == password


def deliver(octets: bytes, sender: str, recipients: list[str]) -> None:
    """Store a message in the Maildir of each recipient; mail for nobody here is thrown away."""
    for user in {user for address in recipients if (user := mailbox(address))}:
        name = f"{time.time_ns()}.{os.getpid()}_{next(_number)}.lab"
        box = Path(SETTINGS["mail"]) / user / "Maildir"
        (box / "tmp" / name).write_bytes(f"Return-Path: <{sender}>\r\n".encode() + octets)
        (box / "tmp" / name).rename(box / "new" / name)


def received(greeted: str, address: str, protocol: str) -> bytes:
    """Return the trace field of a message (RFC 5321 section 4.4): the client's own name, its address, how it spoke."""
    name = re.sub(r"[^A-Za-z0-9.:\[\]_-]", "?", greeted)[:255]  # it is the client's, who may have put anything there
    spoken = f" with {protocol}" if protocol else ""
    date = email.utils.formatdate(localtime=True)
    field = f"Received: from {name} ([{address}])\r\n by {SETTINGS['name']}{spoken}; {date}\r\n"
    return field.encode()


def tls_context() -> ssl.SSLContext:
    """Return the context with the lab's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SETTINGS["certificate"], SETTINGS["key"])
    return context
