"""``init``: look at a live server and write a commented target file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from conformance.command.common import UsageError, target_of, tell
from conformance.engine.exit import OK, UNREACHABLE
from conformance.engine.run import UnreachableError, setting_for
from conformance.engine.sanity import foreign
from conformance.engine.talk import Talk, accepted
from conformance.engine.wire import ConnectError
from conformance.report.text import visible
from conformance.smtp.reply import Reply
from conformance.target import Target


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server showed of itself."""

    greeting: str
    domain: str
    offers: tuple[str, ...]
    tls: str
    """The TLS version and cipher, or why there is none."""
    tls_offers: tuple[str, ...] = ()


def main(given: argparse.Namespace) -> int:
    """Look, and write the file; return the exit code."""
    try:
        target = target_of(given)
    except UsageError as error:
        return tell(error)
    output = Path(given.output) if given.output else None
    if output is not None and output.exists():
        return tell(f"{output} exists already: remove it, or name another file with -o")
    try:
        seen = asyncio.run(look(target))
    except (UnreachableError, ConnectError) as error:
        print(f"smtp-conformance: {target.label}: {visible(str(error))}", file=sys.stderr)
        return UNREACHABLE
    text = target_file(target, seen)
    if output is None:
        print(text, end="")
        return OK
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        return tell(f"{output}: {error.strerror}")
    print(f"wrote {output}; fill in the addresses, then: smtp-conformance doctor {output}")
    return OK


async def look(target: Target) -> Seen:
    """Return what a server shows in one session without mail. Raises UnreachableError and ConnectError."""
    talk = Talk(await setting_for(target))
    try:
        await talk.connect()
        seen = await _look(talk, target)
        await talk.close()
    finally:
        talk.session.hang_up()
    return seen


async def _look(talk: Talk, target: Target) -> Seen:
    tls = "not offered"
    if target.tls == "implicit":
        result = await talk.tls()
        if not result.established:
            raise UnreachableError(f"implicit TLS failed: {result.detail}")
        tls = result.detail
    greeting = await talk.event()
    if not (isinstance(greeting, Reply) and greeting.code == 220):
        other = foreign(talk.received)
        raise UnreachableError(f"this is {other}, not an SMTP server" if other else f"no 220 greeting, but {greeting}")
    answer = await talk.hello()
    offers = talk.offers
    if "STARTTLS" in talk.session.offers and accepted(await talk.say("STARTTLS")):
        result = await talk.tls()
        tls = result.detail
        if result.established:
            await talk.hello()
    words = greeting.message.split()
    return Seen(
        str(greeting),
        words[0] if words else "",
        tuple(offers) if accepted(answer) else (),
        tls,
        tuple(word for word in talk.offers if word not in offers),
    )


def target_file(target: Target, seen: Seen) -> str:
    """Return a target file with what was seen, and with what only the owner knows as comments."""
    domain = seen.domain.partition(".")[2] or "example.org"
    domain = domain if domain.isascii() and all(c.isalnum() or c in ".-" for c in domain) else "example.org"
    offered = ", ".join(seen.offers) or "nothing"
    in_tls = f"; in TLS also {', '.join(seen.tls_offers)}" if seen.tls_offers else ""
    host = [f"unix: {target.unix}"] if target.unix else [f"host: {target.host}", f"port: {target.port}"]
    if ":" in target.host:
        host[0] = f'host: "{target.host}"'
    role, tls = _role(target, seen)
    lines = [
        "# A target of smtp-conformance: the server under test, and what you know of it. Only host is needed; what is",
        "# not named leaves the cases that need it untested. smtp-conformance doctor FILE says whether it is right,",
        "# smtp-conformance schema target describes every key.",
        "#",
        f"# It greeted with: {visible(seen.greeting)}",
        f"# It offers: {visible(offered + in_tls)}",
        f"# TLS: {visible(seen.tls)}",
        "",
        *host,
        f"role: {role:<28}# mx | submission | relay | lmtp",
        f"tls: {tls:<29}# none | starttls | implicit: how mail is handed in",
        "",
        "# Who we are.",
        f"client: {target.client:<26}# our name in EHLO",
        f"sender: {target.sender:<26}# our reverse-path; bounces go there",
        "",
        "# Addresses: remove the # where you know one.",
        *(_address(target, name, example, text) for name, example, text in _examples(domain)),
        "",
        "# A user, for AUTH; the password comes from the environment.",
        "# credentials: {user: alice, password_env: SMTP_PASSWORD}",
        "",
        "# How delivered mail is read back ({local}, {domain}, {address} of the recipient are filled in).",
        '# observer: {maildir: "/home/{local}/Maildir"}',
        '# observer: {mbox: "/var/mail/{local}"}',
        "",
        "# Loopback and the own network are often trusted, which hides faults: connect from elsewhere.",
        "# source: 127.0.0.2                # or [127.0.0.2, ...]: cases are shared out among several",
        "# The server has agreed to talk to this client: a refusal on policy grounds is then a finding.",
        "# client_welcome: true",
        "# jobs: 3                          # sessions at once",
        "# timeout: 10s                     # how long a reply may take",
        "# waivers:                         # deviations that you accept",
        "#   - {requirement: RFC5321-4.5.2-01, reason: why, expires: 2027-06-30}",
    ]
    return "\n".join(lines) + "\n"


def _examples(domain: str) -> tuple[tuple[str, str, str], ...]:
    return (
        ("recipient", f"postmaster@{domain}", "is accepted; test messages go there"),
        ("recipient2", f"alice@{domain}", "is accepted too"),
        ("unknown", f"no-such-mailbox@{domain}", "must be refused: no such mailbox"),
        ("foreign", "someone@elsewhere.example", "must not be relayed to"),
        ("alias", f"team@{domain}", "an alias of recipient and recipient2"),
        ("list", f"staff@{domain}", "a mailing list of recipient and recipient2, to which anybody may write"),
    )


def _address(target: Target, name: str, example: str, text: str) -> str:
    known = getattr(target, name)
    entry = f"{name}: {known}" if known else f"# {name}: {example}"
    return f"{entry:<33} # {text}"


def _role(target: Target, seen: Seen) -> tuple[str, str]:
    """Return role and TLS as they seem to be."""
    if target.role != "mx" or target.tls != "none":
        return target.role, target.tls
    if target.port == 587:
        return "submission", "starttls" if "STARTTLS" in seen.offers else "none"
    return "mx", "none"
