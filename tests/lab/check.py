"""``check``: does a server keep what its target files promise? For whoever adds a server; no judgement of the server.

Smtplib talks to each target: mail for the recipients arrives, the unknown user and the foreign address are refused,
TLS and AUTH work, a wrong password does not, and what a user relays lands in someone's Maildir.
"""

from __future__ import annotations

import smtplib
import ssl
import time
import uuid
from collections.abc import Callable, Iterator

from tests.lab.kit import CLIENT, SOURCE, USERS, Server
from tests.lab.kit.place import FOREIGN
from tests.lab.kit.server import TargetKeys, observer_of
from tests.lab.up import maildir, messages

ARRIVAL_SECONDS = 15.0
Answer = tuple[int, bytes]


def check(server: Server) -> bool:
    """Print what holds and what does not; return whether all holds."""
    good = True
    for name, keys in server.targets.items():
        for what, test in promises(server, keys):
            try:
                problem = test()
            except (OSError, smtplib.SMTPException) as error:
                problem = f"{type(error).__name__}: {error}"
            print(f"{name}: {what}: {problem or 'yes'}", flush=True)
            good = good and problem is None
    return good


def promises(server: Server, keys: TargetKeys) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """Yield what the target promises and a function that returns the problem with it, or None."""
    login = "credentials" in keys
    if keys["role"] != "relay":
        yield "mail for recipient arrives", lambda: _arrives(server, keys, keys["recipient"])
        yield "mail for recipient2 arrives", lambda: _arrives(server, keys, keys["recipient2"])
    if keys["role"] == "mx":
        yield "mail for postmaster arrives", lambda: _arrives(server, keys, "postmaster@lab.test", "alice")
    if "unknown" in keys:
        yield "unknown is refused", lambda: _refused(server, keys, keys["unknown"], login=login)
    if "foreign" in keys:
        yield (
            "relaying to foreign is refused without AUTH",
            lambda: _refused(server, keys, keys["foreign"], login=False),
        )
    if login:
        yield "a wrong password is refused", lambda: _wrong_password(server, keys)
        if "foreign" in keys and server.relays:
            yield "relaying with AUTH", lambda: _arrives(server, keys, f"someone@{FOREIGN}", "someone")


def connect(server: Server, keys: TargetKeys, *, login: bool) -> smtplib.SMTP:
    """Return a session after EHLO, in TLS (and logged in) where the target has that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, port, source = keys["host"], keys["port"], (SOURCE, 0)
    smtp: smtplib.SMTP
    if keys["tls"] == "implicit":
        smtp = smtplib.SMTP_SSL(host, port, CLIENT, timeout=20, context=context, source_address=source)
    else:
        kind = smtplib.LMTP if keys["role"] == "lmtp" else smtplib.SMTP
        smtp = kind(host, port, CLIENT, source_address=source)
    smtp.ehlo()
    if keys["tls"] == "starttls":
        smtp.starttls(context=context)
        smtp.ehlo()
    if login:
        password = server.passwords.get(keys["credentials"]["password_env"], USERS["alice"])
        smtp.login(keys["credentials"]["user"], password)
    return smtp


def _arrives(server: Server, keys: TargetKeys, recipient: str, user: str = "") -> str | None:
    token = uuid.uuid4().hex.encode()
    smtp = connect(server, keys, login="credentials" in keys)
    text = b"From: <%s>\r\nSubject: %s\r\n\r\nHello.\r\n" % (keys["sender"].encode(), token)
    smtp.sendmail(keys["sender"], [recipient], text)
    smtp.quit()
    if not observer_of(server, keys):
        return None
    end = time.monotonic() + ARRIVAL_SECONDS
    box = maildir(server, keys, user or recipient.partition("@")[0])
    while time.monotonic() < end:
        found = [message for message in messages(box) if token in message]
        if found:
            return None if b"return-path:" in found[0].lower() else "it arrived without Return-Path"
        time.sleep(0.05)
    return f"accepted, but not in the Maildir of {user} after {ARRIVAL_SECONDS:g} s"


def _refused(server: Server, keys: TargetKeys, recipient: str, *, login: bool) -> str | None:
    smtp = connect(server, keys, login=login)
    smtp.mail(keys["sender"])
    code, text = smtp.rcpt(recipient)
    smtp.close()
    return None if code >= 400 else f"{code} {text.decode(errors='replace')}"


def _wrong_password(server: Server, keys: TargetKeys) -> str | None:
    smtp = connect(server, keys, login=False)
    try:
        smtp.login(keys["credentials"]["user"], "wrong")
    except smtplib.SMTPAuthenticationError:
        return None
    return "accepted"
