"""``doctor``: whether a target can be tested as it is described, and what would be right where it can't.

It looks and does not judge: DNS, TCP, greeting, EHLO, STARTTLS, credentials, each address, the observer. No message is
sent unless the impact ``mail`` is allowed (as by default on loopback), and then one, to the recipient.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance.case.catalog import load_catalogue
from conformance.case.model import IMPACTS
from conformance.case.pattern import Closed, Event
from conformance.command.common import UsageError, target_of, tell
from conformance.engine.entry import observer_of
from conformance.engine.exit import FINDINGS, OK, UNREACHABLE
from conformance.engine.run import UnreachableError, setting_for
from conformance.engine.sanity import foreign
from conformance.engine.setting import Setting
from conformance.engine.talk import Talk, accepted, refused
from conformance.engine.wire import ConnectError
from conformance.observer import Observer, ObserverError, place
from conformance.report.text import visible
from conformance.smtp.reply import Reply
from conformance.smtp.secret import Secrets
from conformance.target import ADDRESSES, Target, how_to_give

GOOD, BAD, LOOK, MISSING = "ok", "BAD", "?", "--"

PORTS = "25: mail from the Internet, 587: submission, 465: submission with implicit TLS, 24: LMTP"

ARRIVAL_SECONDS = 10.0
"""How long a message may take to the mailbox."""


class GoneError(Exception):
    """The server can't be reached, or is none; what was to be said about it is said."""


def main(given: argparse.Namespace) -> int:
    """Look at the target and print what was found; return the exit code."""
    try:
        target = target_of(given)
        observer = observer_of(target)
    except (UsageError, ObserverError) as error:
        return tell(error)
    impact = given.impact or ("mail" if target.on_loopback else "session")
    print(f"{target.label} (role {target.role}, tls {target.tls})")
    doctor = Doctor(target, observer, deliver=IMPACTS.index(impact) >= IMPACTS.index("mail"))
    try:
        asyncio.run(doctor.examine())
    except GoneError:
        print(f"exit {UNREACHABLE}: not reachable, or not SMTP")
        return UNREACHABLE
    code = FINDINGS if doctor.bad else OK
    things = f"{doctor.bad} thing{'s' * (doctor.bad != 1)} to mend in the target's description, or in the server"
    print(f"exit {code}: {things if doctor.bad else 'the target can be tested as described'}")
    return code


@dataclass
class Doctor:
    """One look at a target."""

    target: Target
    observer: Observer | None
    deliver: bool
    bad: int = 0
    recipient_taken: bool = False
    offers: list[str] = field(default_factory=list)
    untested: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.secrets = Secrets((self.target.password or "").encode())

    def say(self, mark: str, what: str, said: object, advice: str = "") -> None:
        """Print a line, and what would be right below it."""
        self.bad += mark == BAD
        print(f"  {mark:<4} {what:<12}{visible(self.secrets.hide_text(str(said)))}", flush=True)
        if advice:
            print(f"       {'':<12}{visible(advice)}", flush=True)

    async def examine(self) -> None:
        """Look at everything. Raises GoneError."""
        self.untested = _needs(self.target)
        setting = await self._address()
        talk = Talk(setting)
        try:
            await self._connect(talk)
            await self._greeting(talk)
            await self._hello(talk)
            await self._tls(talk)
            await self._credentials(talk)
            await self._addresses(talk)
            await talk.close()
        finally:
            talk.session.hang_up()
        await self._mailbox(setting)

    # ------------------------------------------------------------------ the way to the server

    async def _address(self) -> Setting:
        try:
            setting = await setting_for(replace(self.target))
        except UnreachableError as error:
            self.say(BAD, "address", error, "is the name spelled right, and does DNS answer here?")
            raise GoneError from None
        if self.target.unix:
            self.say(GOOD, "address", self.target.unix)
        else:
            found = await asyncio.get_running_loop().getaddrinfo(self.target.host, None, type=socket.SOCK_STREAM)
            others = dict.fromkeys(str(entry[4][0]) for entry in found)
            self.say(GOOD, "address", ", ".join(others) + (f" (tested: {setting.address})" if len(others) > 1 else ""))
        return setting

    async def _connect(self, talk: Talk) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await talk.connect()
        except ConnectError as error:
            self.say(BAD, "connection", error, f"does the server listen there? ({PORTS})")
            raise GoneError from None
        source = f" from {self.target.source}" if self.target.source else ""
        self.say(GOOD, "connection", f"in {1000 * (loop.time() - started):.0f} ms{source}")
        if self.target.tls == "implicit":
            result = await talk.tls()
            if not result.established:
                advice = "tls: implicit (smtps://) is for port 465; elsewhere it is tls: starttls or none"
                self.say(BAD, "TLS", result.detail, advice)
                raise GoneError
            self.say(GOOD, "TLS", result.detail)

    async def _greeting(self, talk: Talk) -> None:
        event = await talk.event()
        if isinstance(event, Reply) and event.code == 220:
            self.say(GOOD, "greeting", event)
            return
        other = foreign(talk.received)
        if other is None and not isinstance(event, Reply) and self.target.tls != "implicit":
            other = "nothing that greets: a server with implicit TLS (smtps://) waits for the client to begin"
        self.say(BAD, "greeting", event, f"this is {other}" if other else "a server that is ready greets with 220")
        raise GoneError

    async def _hello(self, talk: Talk) -> None:
        answer = await talk.hello()
        if accepted(answer):
            self.offers = talk.offers
            self.say(GOOD, "EHLO", ", ".join(self.offers) or "no extension is offered")
        else:
            advice = f"our name in EHLO is {self.target.client}: another one with --client NAME"
            self.say(BAD, "EHLO", answer, advice)

    async def _tls(self, talk: Talk) -> None:
        if self.target.tls == "implicit":
            return
        if "STARTTLS" not in talk.session.offers:
            mark = BAD if self.target.tls == "starttls" else MISSING
            advice = "the target says tls: starttls" if mark == BAD else ""
            self.say(mark, "STARTTLS", f"not offered{self._count('STARTTLS')}", advice)
            return
        answer = await talk.say("STARTTLS")
        result = await talk.tls() if accepted(answer) else None
        if result is None or not result.established:
            self.say(BAD, "STARTTLS", result or answer, "offered, but the handshake does not come about")
            return
        await talk.hello()
        more = [keyword for keyword in talk.offers if keyword not in self.offers]
        self.say(GOOD, "STARTTLS", result.detail + (f"; then also {', '.join(more)}" if more else ""))

    async def _credentials(self, talk: Talk) -> None:
        if not self.target.credentials:
            self._missing("credentials")
        elif "AUTH" not in talk.session.offers:
            self.say(BAD, "credentials", "AUTH is not offered", "a submission server offers it, mostly in TLS only")
        else:
            answer = await talk.auth()
            advice = f"user {self.target.user}, password from the variable {self.target.password_env}"
            self.say(*(GOOD, "credentials", answer) if accepted(answer) else (BAD, "credentials", answer, advice))

    # ------------------------------------------------------------------ the addresses

    async def _addresses(self, talk: Talk) -> None:
        answer = await talk.say(f"MAIL FROM:<{self.target.sender}>")
        if not accepted(answer):
            self.say(BAD, "sender", f"{self.target.sender}: {answer}", self._advice(answer, "sender"))
            return
        self.say(GOOD, "sender", f"{self.target.sender}: {answer}")
        for name in (name for name in ADDRESSES if name != "sender"):
            address = getattr(self.target, name)
            if address is None:
                self._missing(name)
                continue
            answer = await talk.say(f"RCPT TO:<{address}>")
            wanted = name not in ("unknown", "foreign")
            good = accepted(answer) if wanted else refused(answer)
            self.recipient_taken |= name == "recipient" and good
            mark = GOOD if good else BAD if wanted and refused(answer) else LOOK
            self.say(mark, name, f"{address}: {answer}", "" if good else self._advice(answer, name))

    def _advice(self, answer: Event, name: str) -> str:
        """Return what would be right where an address does not do what it is for."""
        if isinstance(answer, Reply) and answer.code // 100 == 4:
            return "a temporary refusal (greylisting, limits?): cases that need it will be inconclusive"
        policy = isinstance(answer, Reply) and (answer.code == 530 or (answer.enhanced or "").startswith("5.7."))
        if policy and not self.target.credentials and name != "foreign":
            return "does it want a login? submission://HOST:PORT with --user NAME --password-env VARIABLE"
        if policy:
            return "refused on policy grounds: let this client in, then say client_welcome: true in the target file"
        return {
            "sender": "--sender ADDRESS: a reverse-path that the server takes from this client",
            "recipient": how_to_give("recipient"),
            "recipient2": how_to_give("recipient2"),
            "alias": how_to_give("alias"),
            "list": how_to_give("list"),
            "unknown": "a mailbox that does not exist must be refused: does it exist after all? The cases will tell",
            "foreign": "it relays, or trusts this client (loopback often is: --source 127.0.0.2), or it is not foreign",
        }[name]

    def _missing(self, need: str) -> None:
        self.say(MISSING, need, f"not named{self._count(need)}", how_to_give(need) if self.untested[need] else "")

    def _count(self, need: str) -> str:
        count = self.untested[need]
        return f": {count} case{'s' * (count != 1)} can't be played" if count else ""

    # ------------------------------------------------------------------ the mailbox

    async def _mailbox(self, setting: Setting) -> None:
        if self.observer is None:
            self._missing("observer")
            return
        recipient = self.target.recipient
        where = ", ".join(f"{kind} {path}" for kind, path in self.target.observer.items())
        if recipient is None:
            self.say(MISSING, "observer", f"{where}: not tried, no recipient is named")
            return
        token = b"sc-" + secrets.token_hex(10).encode()
        try:
            self.observer.find(token, recipient)
        except ObserverError as error:
            self.say(BAD, "observer", error, "{local}, {domain} and {address} stand for parts of the recipient")
            return
        if not (self.deliver and self.recipient_taken):
            self._not_delivered(where, recipient)
            return
        await self._deliver(setting, token, recipient, where)

    def _not_delivered(self, where: str, recipient: str) -> None:
        there = any(Path(place(path, recipient)).exists() for path in self.target.observer.values())
        said = "can be read" if there else "is not there; it may come with the first message"
        advice = "no message was sent to see it arrive: --impact mail allows that" if not self.deliver else ""
        self.say(GOOD if there else LOOK, "observer", f"{where} {said}", advice)

    async def _deliver(self, setting: Setting, token: bytes, recipient: str, where: str) -> None:
        assert self.observer is not None
        problem = await _send(setting, token, recipient)
        if problem is not None:
            self.say(BAD, "observer", f"a message to {recipient} was not taken: {problem}")
            return
        loop = asyncio.get_running_loop()
        started = loop.time()
        while loop.time() < started + ARRIVAL_SECONDS:
            if self.observer.find(token, recipient):
                self.say(GOOD, "observer", f"{where}: a message arrived in {loop.time() - started:.1f} s")
                return
            await asyncio.sleep(0.1)
        advice = "is it this recipient's mailbox, and may this user read it?"
        self.say(BAD, "observer", f"{where}: a message was taken and is not there in {ARRIVAL_SECONDS:g} s", advice)


async def _send(setting: Setting, token: bytes, recipient: str) -> Event | None:
    """Send a message with a token; return what refused it, or None."""
    talk = Talk(setting)
    try:
        await talk.connect()
        return await _message(talk, token, recipient)
    except ConnectError as error:
        return Closed(cut=str(error))
    finally:
        talk.session.hang_up()


async def _message(talk: Talk, token: bytes, recipient: str) -> Event | None:
    target = talk.setting.target
    if target.tls == "implicit":
        await talk.tls()
    await talk.event()
    await talk.hello()
    if (target.tls == "starttls" or target.credentials) and "STARTTLS" in talk.session.offers:
        await talk.say("STARTTLS")
        await talk.tls()
        await talk.hello()
    if target.credentials and target.role == "submission":
        await talk.auth()
    message = (
        f"From: <{target.sender}>\r\nTo: <{recipient}>\r\nSubject: smtp-conformance doctor {token.decode()}\r\n"
        "Auto-Submitted: auto-generated\r\n\r\nA message of smtp-conformance doctor; it can be deleted.\r\n.\r\n"
    )
    for line in (f"MAIL FROM:<{target.sender}>", f"RCPT TO:<{recipient}>"):
        answer = await talk.say(line)
        if not accepted(answer):
            return answer
    answer = await talk.say("DATA")
    if not (isinstance(answer, Reply) and answer.code == 354):
        return answer
    answer = await talk.send(message.encode())
    await talk.close()
    return None if accepted(answer) else answer


def _needs(target: Target) -> Counter[str]:
    """Return how many cases for the target's role need each thing that it may lack."""

    def needs() -> Iterator[str]:
        for case in load_catalogue().cases:
            if target.role in case.needs.role:
                yield from (need for need in case.needs.target if need != "recipient" or case.impact != "session")
                yield from case.needs.ehlo

    return Counter(needs())
