"""The player: plays one case over connections of its own and says what happened.

A play never raises for what a server does: it ends in an ``Outcome``. Premises that do not hold make it inconclusive, a
judgement decides, a 421 or a refused connection asks for another try later.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import re
import secrets

from conformance.case import model
from conformance.case.model import Alternative, Case, Compare, Crowd, Delivered, Expect, Hangup, Repeat, Send, Tls, Wait
from conformance.case.octets import Octets, TooMuchError
from conformance.case.pattern import Closed, Event, Silence, parse
from conformance.engine import crowd, handshake, ladder, sharing
from conformance.engine.delivery import judge_delivery
from conformance.engine.outcome import BackOff, Finding, Leave, Next, Outcome, Stop
from conformance.engine.session import Session
from conformance.engine.setting import Setting
from conformance.engine.sharing import Kept
from conformance.engine.tls import TlsSettings
from conformance.engine.wire import ConnectError
from conformance.smtp import lint
from conformance.smtp.reply import Reply
from conformance.smtp.transcript import Entry, Transcript
from conformance.stream import escape

SILENCE_FACTOR = 3.0
"""Silence is believed when it lasts so many times longer than the slowest reply of the play: slow is not mute."""

QUIT_SECONDS = 2.0
"""How long the reply to the closing QUIT may take before we hang up."""

GREETING_FACTOR = 6.0
"""A greeting may take so many times longer than a reply: 60 s by default (RFC 5321 section 4.5.3.2.1 allows 300)."""

SHARING = ("pass", "warn", "info", "n/a")
"""Outcomes after which a session may be handed on, if it is found as it was."""

END_OF_DATA = b"\r\n.\r\n"

TLS_ALERT = b"\x15\x03"
"""How a TLS alert begins: where a handshake was due and failed, that is what comes, and no reply."""

_POLICY = re.compile(r"[45]\.7\.")
_PLAIN_COMMAND = re.compile(rb"([A-Za-z0-9]+)(?:[ \t][^\r\n]*)?\r\n\Z")
_SIZE_LIMIT = re.compile(r"^SIZE[ \t]+0*([1-9][0-9]{0,19})[ \t]*$", re.I | re.M)
_RATE_LIMIT = re.compile(r"too (?:many|fast|much)|rate|slow down|throttl|try (?:again )?later|connection limit", re.I)


class Play:
    """One play of one case."""

    def __init__(self, case: Case, setting: Setting, kept: Kept | None = None, *, keep: bool = False) -> None:
        self.case = case
        self.setting = setting
        self.kept = kept
        """The session that is handed on: to the play first, by it in the end."""
        self.keep = keep or kept is not None
        """Whether it may hand its session on."""
        self.loop = asyncio.get_running_loop()
        self.transcript = Transcript(self.loop.time())
        self.timeout = max(setting.target.timeout, case.timeout or 0.0)
        self.sessions: dict[int, Session] = {}
        self.commands: dict[int, str] = {}
        """The verb that each session's next reply answers; empty where that can't be told."""
        self.owed: dict[int, int | None] = {}
        """How many replies each session has yet to get; None where what was sent is not one plain command."""
        self.adrift: set[int] = set()
        """The sessions in which a reply came unasked: which reply answers which command is no longer known."""
        self.enhanced: set[int] = set()
        """The sessions in which ENHANCEDSTATUSCODES was announced."""
        self.refused: set[int] = set()
        """The sessions whose greeting was 5yz."""
        self.utf8_known = False
        self.findings: list[Finding] = []
        self.replies = 0
        self.greeting: float | None = None
        self.slowest = 0.0
        """The longest that a reply of this play took, in seconds: what silence is depends on it."""
        self.pace: float | None = None
        """The slowest reply before the repetition that is under way, which may be what makes the server slower."""
        self.died = False
        self.in_dialogue = False
        self.leaving = False
        """Whether the closing QUIT was sent: what comes before its 221 answers an earlier command."""
        self.values = self._values()

    def _values(self) -> dict[str, bytes]:
        values = dict(self.setting.base)
        token = f"sc-{secrets.token_hex(10)}"
        date = email.utils.formatdate(localtime=False)
        values["token"] = token.encode()
        values["case"] = self.case.id.encode()
        values["date"] = date.encode()
        values["header"] = (
            b"From: <" + values["sender"] + b">\r\nTo: <" + values["recipient"] + b">\r\n"
            b"Subject: smtp-conformance " + values["token"] + b"\r\nDate: " + values["date"] + b"\r\n"
            b"Message-ID: <" + values["token"] + b"@" + values["client"] + b">\r\n"
            b"Auto-Submitted: auto-generated\r\nX-SMTP-Conformance: " + values["case"] + b"\r\n"
        )
        values["message"] = values["header"] + b"\r\nA message of smtp-conformance; it can be deleted.\r\n"
        self._fill_row(values)
        return values

    def named(self, server: bytes) -> None:
        """Note the name that the server gives itself in its greeting."""
        self.values["server"] = server
        self._fill_row(self.values)

    def _fill_row(self, values: dict[str, bytes]) -> None:
        """Give the row's variables their values; one that needs what the server has yet to say is left out."""
        for name, octets in self.case.variables.items():
            with contextlib.suppress(KeyError):
                values[name] = octets.fill(values)

    # ------------------------------------------------------------------ the play

    async def run(self) -> Outcome:
        """Play the case and return what it came to."""
        outcome, reason, back_off, refused = "error", "", False, False
        decided = None
        try:
            await self._steps()
            outcome = "pass"
        except Stop as stop:
            outcome, reason, decided = stop.outcome, stop.reason, stop.decided
        except BackOff as asked:
            outcome, reason, back_off, refused = "inconclusive", asked.reason, True, asked.refused
            self.in_dialogue = asked.mute or self.transcript.phase == ""
        except ConnectError as error:
            outcome, reason, back_off, refused = "inconclusive", str(error), True, True
        except TooMuchError as error:
            outcome, reason = "untested", str(error)
        except (KeyError, ValueError) as error:
            outcome, reason = "error", f"the case can't be played: {error!r}"
        finally:
            await self._leave(good=outcome in SHARING)
        now = self.loop.time()
        return Outcome(
            outcome,
            reason,
            self.transcript,
            now - self.transcript.started,
            tuple(self.findings),
            self.replies,
            self.greeting,
            back_off,
            refused,
            self.died,
            self.in_dialogue,
            decided,
        )

    async def _steps(self) -> None:
        await self.session(1)
        self._check_offers()
        self._fill_row(self.values)
        for step in self.case.dialogue:
            await self.step(step)

    def _check_offers(self) -> None:
        offers = self.sessions[1].offers or self.setting.offers
        if offers is not None:
            missing = [keyword for keyword in self.case.needs.ehlo if keyword not in offers]
            if missing:
                raise Stop("n/a", f"{', '.join(missing)} is not offered")
        if "size_limit" in self.case.uses and "size_limit" not in self.values:
            raise Stop("n/a", "no limit to the size of messages is announced")

    async def session(self, number: int) -> Session:
        """Return a session; it is opened and brought to its start when first asked for."""
        if number in self.sessions:
            return self.sessions[number]
        if self.kept is not None and number == 1:
            return await sharing.take(self, self.kept)
        session = Session(number, self.transcript)
        target = self.setting.target
        phase, self.transcript.phase = self.transcript.phase, "start"
        started = self.loop.time()
        try:
            await self.setting.dialer.connect(session)
        except ConnectError as error:
            if number == 1 or self.case.start2 != "connect" or not error.refused:
                raise
            session.refused()  # the first session was had: that this one is not is for the case to judge
            self.sessions[number] = session
            self.transcript.phase = phase
            return session
        self.sessions[number] = session
        self.transcript.add(self.loop.time(), number, "connect", detail=target.label)
        start = self.case.start if number == 1 else self.case.start2
        if target.tls == "implicit" and start != "tcp":
            result = await session.start_tls(TlsSettings(self.setting.server_name), self.timeout)
            if not result.established:
                raise Stop("inconclusive", f"set-up: implicit TLS failed: {result.detail}")
        await ladder.climb(self, session, start, self.case.impact)
        if self.greeting is None and self.case.start not in ("tcp", "connect"):
            self.greeting = next(
                (e.time - (started - self.transcript.started) for e in self.transcript.entries if e.kind == "S"), None
            )
        self.transcript.phase = phase if phase != "start" or number > 1 else ""
        return session

    async def renew(self) -> None:
        """Leave the first session for a new one."""
        await self.quit(self.sessions.pop(1))
        self.adrift.discard(1)
        self.leaving = False
        await self.session(1)

    async def step(self, step: model.Step) -> None:
        """Play a step. Raises Stop, BackOff, Leave or Next where it decides how the play goes on."""
        if isinstance(step, Send):
            await self._send(step)
        elif isinstance(step, Expect):
            await self._expect(step)
        elif isinstance(step, Tls):
            await handshake.handshake(self, step)
        elif isinstance(step, model.Certificate):
            await handshake.certificate(self, step)
        elif isinstance(step, Wait):
            self.transcript.add(self.loop.time(), 1, "wait", detail=f"{step.seconds:g} s")
            await asyncio.sleep(step.seconds)
        elif isinstance(step, Repeat):
            with contextlib.suppress(Leave):
                await self._repeat(step)
        elif isinstance(step, Crowd):
            await crowd.crowd(self, step.sessions)
        elif isinstance(step, Compare):
            from conformance.engine import samples  # statistics, which few runs need

            await samples.compare(self, step)
        elif isinstance(step, Hangup):
            (await self.session(step.session)).hang_up(step.how)
        else:
            await self.look(step)

    async def _repeat(self, step: Repeat) -> None:
        outer = self.pace
        if outer is None and not step.values:
            self.pace = self.slowest
        try:
            await self._times(step)
        finally:
            self.pace = outer

    async def _times(self, step: Repeat) -> None:
        for count in range(1, step.times + 1):
            self.values["count"] = str(count).encode()
            if step.values:
                self.values[step.name] = step.values[count - 1].fill(self.values)
            with contextlib.suppress(Next):
                for inner in step.steps:
                    await self.step(inner)

    async def _send(self, step: Send) -> None:
        session = await self.session(step.session)
        if step is self.case.dialogue[0] and self.case.start not in ("tcp", "connect"):
            self.no_unsolicited(session)
        pieces = [piece.fill(self.values) for piece in step.pieces]
        hidden = step.pieces[0].shown(self.values) if len(pieces) == 1 and not step.chop else None
        whole = b"".join(pieces)
        self.asks(session, _command(whole, session.last_reply))
        if b"SMTPUTF8" in whole.upper():
            self.utf8_known = True
        if step.chop:
            size = step.chop if isinstance(step.chop, int) else max(1, int(self.values[step.chop.name]))
            pieces = [whole[i : i + size] for i in range(0, len(whole), size)]
        for index, piece in enumerate(pieces):
            if index:
                await asyncio.sleep(step.every)
            session.send(piece, hidden)

    # ------------------------------------------------------------------ replies

    def asks(self, session: Session, command: str) -> None:
        """Note that a command is sent, or "" for what is not one plain command.

        A reply is matched to a command where nothing else is unanswered, and no reply is left over from before.
        """
        number = session.number
        owed = self.owed.get(number, 0)
        if session.waiting and owed == 0:
            self.adrift.add(number)
        alone = not session.waiting if owed is None else owed == 0
        self.commands[number] = command if alone else ""
        self.owed[number] = 1 if command and alone else None

    async def event(self, session: Session, seconds: float) -> Event:
        """Return what comes in a session within so many seconds; a reply is held against the lints."""
        asked = self.loop.time()
        event = await session.event(seconds)
        if isinstance(event, Reply):
            self.replies += 1
            command = self.commands.get(session.number, "")
            owed = self.owed.get(session.number)
            too_many = owed == 0 or (owed == 1 and session.waiting > 0 and not session.over)
            if too_many and not self._several(command):
                self.adrift.add(session.number)
            unmatched = session.number in self.adrift or (self.leaving and event.code != 221)
            if self.owed.get(session.number):
                self.owed[session.number] = 0
            context = lint.Context(
                "" if unmatched else command,
                session.number in self.enhanced,
                self.utf8_known,
                session.number in self.refused,
            )
            for breach in lint.findings(event, context) if not event.octets.startswith(TLS_ALERT) else ():
                self._found(breach, session.entry)
            if command == "CONNECT" and event.code >= 500:
                self.refused.add(session.number)
            if command in ("EHLO", "LHLO") and event.code == 250:
                session.note_offers(event)
                if "ENHANCEDSTATUSCODES" in session.offers:
                    self.enhanced.add(session.number)
                self._note_size_limit(event)
            if session.entry is not None:
                self.slowest = max(self.slowest, session.entry.time - (asked - self.transcript.started))
        return event

    def _several(self, command: str) -> bool:
        """Whether a command may get several replies: in LMTP a message gets one for each recipient."""
        return command == "END-OF-DATA" and self.setting.target.role == "lmtp"

    def _note_size_limit(self, reply: Reply) -> None:
        """Let ``$size_limit`` be what SIZE announces, where it announces a limit (RFC 1870 section 3)."""
        found = _SIZE_LIMIT.search(reply.message)
        if found is not None:
            self.values["size_limit"] = found[1].encode()

    def _found(self, breach: lint.Breach, entry: Entry | None = None) -> None:
        """Note a finding at an entry of the transcript, or at its end (several replies may have come at once)."""
        known = ((finding.breach.lint, finding.breach.requirement) for finding in self.findings)
        if (breach.lint, breach.requirement) not in known:
            last = len(self.transcript.entries) - 1
            place = next((n for n in range(last, -1, -1) if self.transcript.entries[n] is entry), last)
            self.findings.append(Finding(breach, place))

    def no_unsolicited(self, session: Session) -> None:
        """Note a reply that came though everything asked has been answered."""
        if session.waiting and not session.over:
            self._found(lint.Breach(lint.UNSOLICITED, "a reply came before anything was asked"))

    async def need(self, session: Session, expected: str, words: str, what: str) -> Reply:
        """Return the next reply of the set-up, which matches; anything else ends the play."""
        seconds = self.timeout * (GREETING_FACTOR if what == "greeting" else 1.0)
        event = await self.event(session, seconds)
        matched = parse(expected).match(event) is not None
        self.mark(session, expected, matched)
        if matched and isinstance(event, Reply):
            return event
        self._ask_for_patience(event)
        if isinstance(event, Closed) and what == "greeting":
            raise BackOff("the server closed the connection before its greeting")
        if isinstance(event, Silence) and what == "greeting":
            raise BackOff(f"set-up: {words}, got {event}", mute=True)
        raise Stop("inconclusive", f"set-up: {words}, got {event}")

    def mark(self, session: Session, expected: str, met: bool, *, decides: bool = False) -> None:
        """Note in the transcript what was expected, and whether it came."""
        if session.entry is not None:
            session.entry.expected, session.entry.met, session.entry.decides = expected, met, decides

    def _ask_for_patience(self, event: Event) -> None:
        """Raise BackOff where the server says that it is busy: 421, or 45x for reasons of rate."""
        if isinstance(event, Reply) and (
            event.code == 421 or (event.code in (450, 451, 452) and _RATE_LIMIT.search(event.message))
        ):
            raise BackOff(f"the server asks for patience: {event}")

    async def _expect(self, step: Expect) -> None:
        session = await self.session(step.session)
        seconds = self.timeout
        if step.silence is not None:  # a server may answer more slowly each time: no longer than any other reply
            slowest = self.slowest if self.pace is None else self.pace
            seconds = max(step.silence, min(SILENCE_FACTOR * slowest, self.timeout))
        event = await self.event(session, seconds)
        for alternative in step.alternatives:
            bound = alternative.pattern.match(event)
            if bound is None:
                continue
            self.values.update(bound)
            decides = not step.premise and alternative.verdict not in model.ONWARD
            self.mark(session, str(step), alternative.verdict in model.GOOD, decides=decides)
            self._look_at_policy(alternative, event)
            self.decide(alternative, event)
            return
        self.mark(session, str(step), False, decides=step.judges)
        self._unmatched(step, event)

    def _look_at_policy(self, alternative: Alternative, event: Event) -> None:
        """A refusal for want of a login, of TLS, or on policy grounds is no answer, where only its class is named.

        Nor is 421, which may come at any time (RFC 5321 section 3.8).
        """
        pattern = alternative.pattern
        if alternative.verdict not in ("fail", "warn") or not isinstance(event, Reply):
            return
        if pattern.enhanced is not None or pattern.regex is not None or str(event.code) in pattern.codes:
            return
        if event.code == 421:
            self._ask_for_patience(event)
        if event.code == 530:
            raise Stop("inconclusive", f"the server wants a login or TLS first: {event}")
        if event.code >= 500 and _POLICY.match(event.enhanced or "") and not self.setting.target.client_welcome:
            raise Stop("inconclusive", f"refused on policy grounds: {event}")

    def decide(self, alternative: Alternative, event: Event) -> None:
        """Go on where the alternative says so. Raises Stop, Leave or Next where it does not."""
        if alternative.verdict == model.GO:
            return
        if alternative.verdict == model.LEAVE:
            raise Leave
        if alternative.verdict == model.NEXT:
            raise Next
        reason = self.reason(alternative.reason)
        reason = reason or (f"{event}" if alternative.verdict != "pass" else "")
        raise Stop(alternative.verdict, reason, alternative)

    def reason(self, octets: Octets) -> str:
        """Return a reason with its variables shown escaped."""
        return "".join(
            part.decode() if isinstance(part, bytes) else escape(Octets((part,)).fill(self.values))
            for part in octets.parts
        )

    def _unmatched(self, step: Expect, event: Event) -> None:
        self._ask_for_patience(event)
        if not step.judges:
            self.died = not isinstance(event, Reply)
            raise Stop("inconclusive", f"needed {step}, got {event}")
        if isinstance(event, Reply):
            if event.code // 100 == 4:
                raise Stop("inconclusive", f"a temporary refusal proves nothing: {event}")
            if event.code == 530:
                raise Stop("inconclusive", f"the server wants a login or TLS first: {event}")
            policy = event.code // 100 == 5 and _POLICY.match(event.enhanced or "")
            if policy and not self.setting.target.client_welcome:
                raise Stop("inconclusive", f"refused on policy grounds: {event}")
        self.died = not isinstance(event, Reply)
        if isinstance(event, Silence):
            raise Stop("inconclusive", f"{event} (expected {step}; RFC 5321 section 4.5.3.2 allows minutes: --timeout)")
        left = "; RFC 5321 section 3.8 lets a server close after QUIT, 421 or a timeout" if self.died else ""
        raise Stop("unexpected", f"unexpected {event} (expected {step}{left})")

    async def look(self, step: Delivered) -> None:
        """Look into a mailbox. Raises Stop where what is there decides."""
        if self.setting.observer is None:
            raise Stop("untested", "no observer reads the mailbox")
        detail, met, messages = await judge_delivery(
            step, self.values, self.setting.observer, self.setting.clock, self.setting.deliveries
        )
        entry = self.transcript.add(self.loop.time(), 1, "delivered", b"", detail)
        entry.messages = tuple(message.octets for message in messages)
        entry.expected, entry.met, entry.decides = "delivered as described", met, not met or step.met is not None
        if met:
            if step.met not in (None, model.GO):
                raise Stop(step.met, f"{self.reason(step.met_reason)}: {detail}" if step.met_reason else detail, step)
            return
        if step.otherwise is not None and step.otherwise != model.GO:
            raise Stop(step.otherwise, f"{self.reason(step.reason)}: {detail}" if step.reason else detail, step)
        if step.otherwise is None:
            raise Stop("unexpected", detail, step)

    # ------------------------------------------------------------------ the end

    async def _leave(self, *, good: bool) -> None:
        self.transcript.phase = "finally"
        if self.case.finally_ and 1 in self.sessions:
            try:
                for step in self.case.finally_:
                    await self.step(step)
            except (Stop, BackOff, ConnectError, KeyError, ValueError):
                pass
        await crowd.crowd(self, 0)
        self.kept = await sharing.hand_on(self, self.kept) if self.keep and good else None
        for session in self.sessions.values():
            await self.quit(session)

    async def quit(self, session: Session) -> None:
        """Say QUIT where a command can be said, and hang up."""
        last = session.last_reply
        if not session.over and last is not None and last.code not in (0, 354, 334) and not session.waiting:
            self.asks(session, "QUIT")
            self.leaving = True
            session.send(b"QUIT\r\n")
            await self.event(session, min(QUIT_SECONDS, self.timeout))
        session.hang_up()


def _command(octets: bytes, last: Reply | None) -> str:
    """Return what the next reply answers: a verb, ``END-OF-DATA``, or "" where that is not one plain command."""
    if last is not None and last.code // 100 == 3:
        return "END-OF-DATA" if last.code == 354 and octets.find(END_OF_DATA) == len(octets) - len(END_OF_DATA) else ""
    match = _PLAIN_COMMAND.match(octets)
    return match[1].decode("ascii").upper() if match else ""


async def play(case: Case, setting: Setting) -> Outcome:
    """Play a case once and return what it came to; cancelling it closes its connections."""
    return await Play(case, setting).run()


async def play_shared(case: Case, setting: Setting, kept: Kept | None) -> tuple[Outcome, Kept | None]:
    """Play a case in the session that was kept, or in one of its own; return the session that can be handed on."""
    if kept is not None and kept.fit:
        one = Play(case, setting, kept)
        outcome = await one.run()
        if outcome.outcome == "pass" and one.kept is not None:
            return outcome, one.kept
    elif kept is not None:
        kept.leave()
    one = Play(case, setting, keep=True)
    return await one.run(), one.kept
