"""A run: header, sanity, the planned cases, sanity again, lints, footer; everything goes into one stream of events."""

from __future__ import annotations

import asyncio
import datetime
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from conformance import __version__
from conformance.baseline import Known, stale
from conformance.case.model import IMPACTS, Case, used_variables
from conformance.engine import sanity
from conformance.engine.delivery import Deliveries
from conformance.engine.exit import FINDINGS, OK, UNREACHABLE, Exit, decide
from conformance.engine.outcome import Finding, Outcome
from conformance.engine.scheduler import Played, Scheduler
from conformance.engine.setting import Dialer, Setting, base_values
from conformance.engine.wire import SocketDialer
from conformance.observer import Observer
from conformance.smtp.lint import ALL, Lint
from conformance.smtp.secret import Secrets
from conformance.smtp.transcript import Transcript
from conformance.stream import SCHEMA_VERSION, Event, Result
from conformance.target import Target, how_to_give
from conformance.verdict import Adjusting, judge

FIRST_PAUSES = (0.5, 1.0)
"""How long to wait, in seconds, before a server that is busy or refuses the first connection is asked again."""

EXAMPLES = 20
"""So many breaches of one requirement by a lint are in the stream; the others are counted."""

PATIENCE_SECONDS = 5.0
"""After so long without a word from the server the user is told what is waited for."""


@dataclass(frozen=True)
class Options:
    """What a run is asked for, beyond target and cases."""

    profile: Adjusting | None = None
    profile_name: str = "interop"
    impact: str = "session"
    jobs: int | None = None
    share: int = 1
    """How many runs play against the target at the same time: each opens its part of the sessions."""
    replay: bool = True
    fail_on: frozenset[str] = frozenset({"must"})
    baseline: tuple[Known, ...] = ()
    selection: str = ""
    case_set: str = ""


@dataclass
class Recorder:
    """Makes results of plays and events of results, and counts."""

    target: Target
    options: Options
    emit: Callable[[Event], None]
    on_result: Callable[[Result], None] = lambda result: None
    counts: Counter[str] = field(default_factory=Counter)
    results: list[Result] = field(default_factory=list)
    replies: int = 0
    broken: dict[str, list[tuple[Case, Finding, Outcome]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.secrets = Secrets((self.target.password or "").encode())
        self.waivers = (*self.target.waivers, *(known.waiver() for known in self.options.baseline))

    def played(self, played: Played) -> None:
        """Take the result of a play."""
        outcome = played.outcome
        self.replies += outcome.replies
        for finding in outcome.findings:
            self._lint(played.case, finding, outcome)
        earlier = tuple(old.transcript.events(self.secrets) for old in played.earlier)
        self.result(
            replace(
                result_of(played.case, outcome.outcome, outcome.reason),
                duration=round(outcome.duration, 6),
                attempts=played.tries,
                transcript=outcome.transcript.events(self.secrets),
                earlier=earlier,
            )
        )

    def not_played(self, case: Case, outcome: str, reason: str) -> None:
        """Take a case that was not played, with the reason."""
        self.result(replace(result_of(case, outcome, reason), attempts=0))

    def result(self, result: Result) -> None:
        """Judge a result and write it."""
        verdict, remark = judge(
            result.outcome, result.level, result.at_issue, result.id, self.options.profile, self.waivers
        )
        reason = self.secrets.hide_text(result.reason)
        result = replace(result, verdict=verdict, reason=reason, note=remark or result.note)
        self.counts[verdict] += 1
        self.results.append(replace(result, transcript=(), earlier=()))
        self.emit(result.event())
        self.on_result(result)

    def _lint(self, case: Case, finding: Finding, outcome: Outcome) -> None:
        rule, detail, requirement = finding.breach
        found = self.broken.setdefault(rule.id, [])
        alike = sum(other.breach.requirement == requirement for _, other, _ in found)
        found.append((case, finding, outcome if not found else replace(outcome, transcript=Transcript(0.0))))
        if alike >= EXAMPLES:
            return
        entry = outcome.transcript.entries[min(finding.entry, len(outcome.transcript.entries) - 1)]
        self.emit(
            {
                "type": "lint",
                "id": rule.id,
                "case": case.id,
                "requirement": list(requirement or rule.requirement),
                "level": rule.level,
                "detail": self.secrets.hide_text(detail),
                "octets": entry.event(self.secrets).get("octets", ""),
            }
        )

    def lints(self) -> None:
        """Write one result for each lint: what held on every reply of the run."""
        for rule in ALL:
            self.result(self._lint_result(rule))

    def _lint_result(self, rule: Lint) -> Result:
        from conformance.requirement.registry import find

        requirement = find(rule.requirement[0])
        spec = f"RFC {requirement.rfc} section {requirement.section}" if requirement else ""
        found = self.broken.get(rule.id, [])
        base = Result(
            rule.id,
            rule.title,
            "pass",
            "pass",
            f"{self.replies} replies read",
            rule.requirement,
            rule.level,
            spec,
            tags=("lint",),
        )
        if not self.replies:
            return replace(base, outcome="untested", reason="no reply was read", attempts=0)
        if not found:
            return base
        case, finding, outcome = found[0]
        events = outcome.transcript.events(self.secrets)
        around = events[max(0, finding.entry - 1) : finding.entry + 1]
        others = len({other.id for other, _, _ in found}) - 1
        also = f", and in {others} other cases" if others else ""
        return replace(
            base,
            outcome="unexpected",
            reason=f"{finding.breach.detail} (in {case.id}{also})",
            broken=tuple(dict.fromkeys(name for _, other, _ in found for name in other.breach.requirement)),
            transcript=around,
        )


def result_of(case: Case, outcome: str, reason: str) -> Result:
    """Return the result of a case with an outcome, not yet judged."""
    return Result(
        id=case.id,
        title=case.title,
        outcome=outcome,
        verdict="",
        reason=reason,
        requirement=case.requirement,
        level=case.level,
        spec=case.spec,
        severity=case.severity,
        tags=case.tags,
        impact=case.impact,
        file=case.file,
        line=case.line,
        case_hash=case.hash,
        remedy=case.remedy or None,
        cwe=case.cwe,
        cve=case.cve,
        about=case.note,
        meaning=case.meaning,
    )


def gate(
    case: Case, target: Target, impact: str, offers: frozenset[str] | None, refusal: int = 0
) -> tuple[str, str] | None:
    """Return why a case is not played, or None; ``refusal`` is the code of a greeting that refuses every session."""
    if case.needs.greeting != refusal:
        return "n/a", f"the greeting is {refusal or 220}, not {case.needs.greeting or 220}"
    if target.role not in case.needs.role:
        return "n/a", f"for role {' or '.join(case.needs.role)}, the target is {target.role}"
    if case.start == "tcp" and target.tls != "implicit":
        return "n/a", "for ports that begin with TLS"
    if case.needs.clear_text and target.tls == "implicit":
        return "n/a", "for sessions that begin in clear text, the target takes TLS only"
    if case.needs.loopback and not target.on_loopback:
        return "n/a", "for targets on loopback: a password is sent in clear text"
    if IMPACTS.index(case.impact) > IMPACTS.index(impact):
        return "untested", f"has the impact {case.impact}: allow it with --impact {case.impact}"
    for need in case.needs.target:
        if need == "recipient" and case.impact == "session" and not (target.recipient or _asks_for_domain(case)):
            continue
        if not target.has(need):
            return "untested", f"the target names no {need}: {how_to_give(need)}"
    if offers is not None and (missing := [k for k in case.needs.ehlo if k not in offers]):
        return "n/a", f"{', '.join(missing)} is not offered"
    return None


def _asks_for_domain(case: Case) -> bool:
    """Whether a case uses the domain of the recipient, which postmaster alone does not have."""
    names = used_variables((*case.dialogue, *case.finally_)) | {
        name for value in case.variables.values() for name in value.variables()
    }
    return any(name.startswith("recipient_") for name in names)


async def setting_for(target: Target, dialer: Dialer | None = None, observer: Observer | None = None) -> Setting:
    """Return the setting for plays against a target; its host name is looked up once."""
    address, source = target.host, target.source or "127.0.0.1"
    if dialer is None:
        if not target.unix:
            address = await _resolve(target)
        dialer = SocketDialer(address, target.port, target.unix, target.source, target.timeout)
    return Setting(
        target=target,
        dialer=dialer,
        observer=observer,
        address=address,
        server_name=target.host if target.host and not target.host.replace(".", "").isdigit() else None,
        base=base_values(target, address, source),
    )


async def _resolve(target: Target) -> str:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnreachableError(f"{target.host}: no address is known for this name") from None
    return str(found[0][4][0])


class UnreachableError(Exception):
    """The target can't be reached or is no SMTP server."""


def header(target: Target, options: Options, planned: int) -> Event:
    """Return the header of the stream."""
    return {
        "type": "header",
        "schema_version": SCHEMA_VERSION,
        "tool": "smtp-conformance",
        "version": __version__,
        "case_set": options.case_set,
        "started": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "target": {
            "name": target.label,
            "host": target.host,
            "port": target.port,
            "role": target.role,
            "tls": target.tls,
            "given": list(target.given),
        },
        "profile": options.profile_name,
        "impact": options.impact,
        "selection": options.selection,
        "planned": planned,
    }


async def run(
    cases: Sequence[Case],
    target: Target,
    options: Options,
    emit: Callable[[Event], None],
    on_result: Callable[[Result], None] = lambda result: None,
    dialer: Dialer | None = None,
    observer: Observer | None = None,
) -> Exit:
    """Play cases against a target, write the stream, and return how the run ends. A cancelled run keeps what it has."""
    emit(header(target, options, len(cases)))
    loop = asyncio.get_running_loop()
    started = loop.time()
    recorder = Recorder(target, options, emit, on_result)
    ending: Exit | None = None
    try:
        ending = await _run(cases, target, options, recorder, dialer, observer)
        ending = replace(ending, reason=recorder.secrets.hide_text(ending.reason))
    except asyncio.CancelledError:
        ending = Exit(2, "interrupted: what was done is written")
        recorder.lints()
        raise
    finally:
        if ending is None:
            ending = Exit(3, "an error in the suite")
        emit(
            {
                "type": "footer",
                "counts": dict(recorder.counts),
                "duration": round(loop.time() - started, 3),
                "exit": ending.code,
                "exit_reason": ending.reason,
                "interrupted": ending.code == 2,
            }
        )
    return ending


async def _run(
    cases: Sequence[Case],
    target: Target,
    options: Options,
    recorder: Recorder,
    dialer: Dialer | None,
    observer: Observer | None,
) -> Exit:
    try:
        setting = await setting_for(target, dialer, observer)
    except UnreachableError as error:
        return Exit(UNREACHABLE, str(error))
    setting = replace(setting, deliveries=Deliveries())
    may_send = bool(target.recipient) and (target.role != "submission" or bool(target.user))
    transaction = options.impact != "session" and may_send
    first = await _first_sanity(setting, recorder)
    if first.problem:
        return await _refused(cases, setting, options, recorder, first)
    if transaction and not first.remark:
        await _message(setting, recorder)
    setting = replace(setting, offers=first.offers)
    planned = _planned(cases, setting, options, recorder)
    scheduler = Scheduler(
        setting, recorder.played, _noting(recorder), options.jobs or target.jobs, options.replay, options.share
    )
    await scheduler.run(planned)
    if scheduler.stopped:
        ended = {result.id for result in recorder.results}
        for case in planned:
            if case.id not in ended:
                recorder.not_played(case, "inconclusive", f"not played: {scheduler.stopped}")
        recorder.lints()
        return Exit(UNREACHABLE, scheduler.stopped)
    last = await sanity.check(setting)
    recorder.lints()
    if last.problem:
        return Exit(UNREACHABLE, f"the server no longer answers after the last case: {last.problem}")
    return decide(recorder.results, options.fail_on, stale(options.baseline, recorder.results))


def _planned(
    cases: Sequence[Case], setting: Setting, options: Options, recorder: Recorder, refusal: int = 0
) -> list[Case]:
    """Return the cases to play; the others are told with the reason."""
    planned = []
    for case in cases:
        reason = gate(case, setting.target, options.impact, setting.offers, refusal)
        if reason is None:
            planned.append(case)
        else:
            recorder.not_played(case, *reason)
    return planned


async def _refused(
    cases: Sequence[Case], setting: Setting, options: Options, recorder: Recorder, first: sanity.Sanity
) -> Exit:
    """Ask a server that refuses every session what can be asked of it: whether it does so as it should."""
    if any(first.refusal and case.needs.greeting == first.refusal for case in cases):
        planned = _planned(cases, setting, options, recorder, first.refusal)
        scheduler = Scheduler(setting, recorder.played, _noting(recorder), options.jobs or 1, options.replay)
        await scheduler.run(planned)
        recorder.lints()
        found = decide(recorder.results, options.fail_on)
        if found.code == FINDINGS:
            return found
    return Exit(UNREACHABLE, first.problem)


def _noting(recorder: Recorder) -> Callable[[str], None]:
    return lambda text: recorder.emit({"type": "note", "text": recorder.secrets.hide_text(text)})


async def _first_sanity(setting: Setting, recorder: Recorder) -> sanity.Sanity:
    """Return what the first sanity dialogue finds; a server that says 421 is asked again, a few times."""
    patience = f"waiting for {setting.target.label}, which is slow to answer"
    waiting = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, _noting(recorder), patience)
    try:
        found = await sanity.check(setting, "secure")
    finally:
        waiting.cancel()
    for pause in FIRST_PAUSES:
        if not found.outcome.back_off or not found.problem:
            break
        await asyncio.sleep(pause)
        found = await sanity.check(setting, "secure")
    if found.remark:
        _noting(recorder)(f"the sanity dialogue did not go as it should: {found.remark}")
    return found


async def _message(setting: Setting, recorder: Recorder) -> None:
    """Send one message, and note where it is not taken, or does not arrive where the observer looks."""
    full = await sanity.check(setting, transaction=True)
    if full.problem or full.remark:
        _noting(recorder)(f"the sanity transaction did not go as it should: {full.problem or full.remark}")


__all__ = ["OK", "Options", "run"]
