"""The scheduler in virtual time: patience, the second look, controls, and a target that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from conformance.case.load import load_text
from conformance.case.model import Case
from conformance.engine import virtual
from conformance.engine.embedded import observer_for, target_for
from conformance.engine.exit import Exit
from conformance.engine.memory import MemoryDialer
from conformance.engine.run import Options, run
from conformance.engine.session import Session
from conformance.engine.wire import ConnectError
from conformance.reference.actions import Action, Wait
from conformance.reference.faults import Fault
from conformance.reference.rules import Rules
from conformance.reference.server import Server
from conformance.reference.session import Session as ServerSession
from conformance.reference.site import Site
from conformance.stream import Event, Result

HEAD = "title: t\nspec: RFC 5321\ncases:\n"
NOOP = "[C: NOOP, S: {250: pass}]"


def cases(*entries: str) -> list[Case]:
    """Return cases of one-line mappings without requirement and title."""
    text = "".join(f"  - {{requirement: RFC5321-4.1.1.9-01, title: t, {entry}}}\n" for entry in entries)
    return list(load_text(HEAD + text, "own/x.yaml").cases)


def answering(verb: bytes, answers: Iterable[bytes]) -> Fault:
    """Return a fault with which a command gets these answers, one each time, and after them the right one."""
    left = list(answers)

    def change(rules: Rules) -> Rules:
        def instead(session: ServerSession, wanted: list[Action]) -> list[Action]:
            if session.line.lower().startswith(verb) and left:
                return [left.pop(0)]
            return wanted

        return replace(rules, on_actions=(instead,))

    return Fault("own", "own", (), change, "test")


@dataclass
class Played:
    """What a run came to."""

    ending: Exit
    results: dict[str, Result] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    most: int = 0
    """The most sessions that were open at once."""


def play(
    wanted: list[Case],
    *faults: Fault,
    refuse: Callable[[int], bool] = lambda number: False,
    latency: float = 0.0,
    **options: Any,
) -> Played:
    """Play cases against the reference server in memory; ``refuse`` says which connections are refused."""

    async def main() -> Played:
        site = Site()
        inner = MemoryDialer(lambda: Server(site, faults))
        numbers = iter(range(10**6))
        played = Played(Exit(3, ""))
        open_now: set[Session] = set()

        class Dialer:
            async def connect(self, session: Session) -> None:
                if refuse(next(numbers)):
                    raise ConnectError("connection refused", refused=True)
                await asyncio.sleep(latency)
                await inner.connect(session)
                open_now.add(session)
                open_now.difference_update([other for other in open_now if other.over])
                played.most = max(played.most, len(open_now))

        def emit(event: Event) -> None:
            if event["type"] == "note":
                played.notes.append(event["text"])

        def take(result: Result) -> None:
            played.results[result.id] = result

        target = replace(target_for(site), tls="none", timeout=5.0)
        started = asyncio.get_running_loop().time()
        played.ending = await run(
            wanted,
            target,
            replace(Options(impact="session"), **options),
            emit,
            take,
            Dialer(),
            observer_for(site),
        )
        played.seconds = asyncio.get_running_loop().time() - started
        return played

    result: Played = virtual.run(main())
    return result


def test_silence_costs_wall_time_once() -> None:
    """Forty cases that wait two seconds for silence take two seconds together, not eighty."""
    waits = '[C: {raw: "NOOP"}, S: {silence 2s: pass}]'
    played = play(cases(*(f"id: wait-{n}, dialogue: {waits}" for n in range(40))), jobs=40)
    assert all(played.results[f"own/x/wait-{n}"].verdict == "pass" for n in range(40))
    assert 2.0 <= played.seconds < 3.0


def test_longest_case_comes_first() -> None:
    """With one session at a time the one that waits longest is played first."""
    order: list[str] = []
    wanted = cases(
        f"id: short, dialogue: {NOOP}",
        "id: long, dialogue: [wait: 9s, C: NOOP, S: {250: pass}]",
        "id: middle, dialogue: [wait: 3s, C: NOOP, S: {250: pass}]",
    )
    played = play(wanted, jobs=1)
    order = [name for name in played.results if name.startswith("own/")]
    assert order == ["own/x/long", "own/x/middle", "own/x/short"]


def test_sessions_at_once_grow_while_greetings_stay_quick() -> None:
    """From 8 to at most 40."""
    wanted = cases(*(f"id: case-{n}, dialogue: [wait: 1s, C: NOOP, S: {{250: pass}}]" for n in range(200)))
    assert 30 < play(wanted, latency=0.01).most <= 40


@pytest.mark.parametrize(("options", "most"), [({"jobs": 3}, 3), ({"share": 4}, 10), ({"jobs": 8, "share": 4}, 2)])
def test_sessions_at_once_are_limited(options: dict[str, Any], most: int) -> None:
    """By ``--jobs``, and by how many runs share the target."""
    wanted = cases(*(f"id: case-{n}, dialogue: [wait: 1s, C: NOOP, S: {{250: pass}}]" for n in range(60)))
    assert play(wanted, latency=0.01, **options).most <= most


def test_busy_server_is_no_verdict() -> None:
    """A 421 in the set-up is waited for; the case is played again and passes; a note says so."""
    played = play(cases(f"id: noop, dialogue: {NOOP}"), answering(b"noop", []), refuse=lambda number: number in (1, 2))
    assert played.results["own/x/noop"].verdict == "pass"
    assert played.results["own/x/noop"].attempts > 1
    assert any("sessions at once 8 -> 4" in note for note in played.notes)


def test_421_in_the_dialogue_is_asked_twice_only() -> None:
    """It may be the answer to the stimulus."""
    played = play(cases(f"id: noop, dialogue: {NOOP}"), answering(b"noop", [b"421 4.3.2 busy\r\n"] * 9))
    result = played.results["own/x/noop"]
    assert result.verdict == "inconclusive"
    assert result.attempts == 2
    assert "asks for patience: 421 4.3.2 busy" in result.reason


def test_failure_is_played_again() -> None:
    """What repeats is a failure, with both transcripts."""
    played = play(cases(f"id: noop, dialogue: {NOOP}"), answering(b"noop", [b"502 5.5.1 no\r\n"] * 2))
    result = played.results["own/x/noop"]
    assert (result.verdict, result.attempts, len(result.earlier)) == ("fail", 2, 1)


def test_failure_that_does_not_repeat_is_inconclusive() -> None:
    """A flaky answer proves nothing."""
    played = play(cases(f"id: noop, dialogue: {NOOP}"), answering(b"noop", [b"502 5.5.1 no\r\n"]))
    result = played.results["own/x/noop"]
    assert result.verdict == "inconclusive"
    assert result.reason.startswith("does not repeat: first unexpected 502 5.5.1 no (expected 250), then pass")
    assert len(result.earlier) == 1


def test_target_that_refuses_from_the_beginning() -> None:
    """Three refused connections, then exit code 6; no case is judged."""
    tried: list[int] = []

    def refuse(number: int) -> bool:
        tried.append(number)
        return True

    played = play(cases(f"id: noop, dialogue: {NOOP}"), refuse=refuse)
    assert played.ending.code == 6
    assert played.ending.reason.endswith("connection refused")
    assert len(tried) == 3
    assert played.results == {}


def test_target_that_goes_away() -> None:
    """The circuit breaks after three refused connections in a row; the rest says why it was not played."""
    wanted = cases(*(f"id: case-{n}, dialogue: {NOOP}" for n in range(30)))
    played = play(wanted, refuse=lambda number: number > 6, jobs=1)
    assert played.ending.code == 6
    assert "connection refused, 3 times in a row" in played.ending.reason
    verdicts = [result.verdict for name, result in played.results.items() if name.startswith("own/")]
    assert len(verdicts) == 30
    assert 1 <= verdicts.count("pass") < 10
    assert verdicts.count("inconclusive") == 30 - verdicts.count("pass")


def test_control_that_fails_makes_its_rows_inconclusive() -> None:
    """No row may pass because everything is refused."""
    table = "id: table, each: {verb: {good: NOOP, bad: BAD}}, control: good, dialogue: [C: $verb, S: {250: pass}]"
    played = play(cases(table), answering(b"noop", [b"502 5.5.1 no\r\n"] * 9))
    assert played.results["own/x/table[good]"].reason.startswith("the control does not hold: unexpected 502")
    assert played.results["own/x/table[bad]"].reason == "own/x/table[good] did not pass"
    assert {result.verdict for name, result in played.results.items() if "table" in name} == {"inconclusive"}


def test_cases_come_after_others() -> None:
    """``after`` is kept: played when the other passed, inconclusive when it did not."""
    wanted = cases(
        f"id: second, after: first, dialogue: {NOOP}",
        f"id: first, dialogue: {NOOP}",
        "id: third, after: broken, dialogue: [C: NOOP, S: {250: pass}]",
        "id: broken, dialogue: [C: NOOP, S: {250: fail - wrong}]",
    )
    played = play(wanted)
    names = list(played.results)
    assert names.index("own/x/first") < names.index("own/x/second")
    assert played.results["own/x/second"].verdict == "pass"
    assert played.results["own/x/third"].reason == "own/x/broken did not pass"


def test_slow_answer_is_not_silence() -> None:
    """A server that takes two seconds for everything is not mute after one."""

    def change(rules: Rules) -> Rules:
        return replace(rules, on_actions=(lambda session, wanted: [Wait(2.0), *wanted],))

    wanted = cases("id: noop, dialogue: [C: NOOP, S: {250: pass, silence 1s: fail - mute}]")
    played = play(wanted, Fault("slow", "slow", (), change, "test"))
    assert played.results["own/x/noop"].verdict == "pass"


def test_a_session_without_greeting_is_tried_once_more() -> None:
    """So it goes where more clients come at once than a server's queue of connections holds."""
    seen: list[ServerSession] = []

    def mute(session: ServerSession, wanted: list[Action]) -> list[Action]:
        if session not in seen:
            seen.append(session)
        return [] if seen.index(session) == 3 else wanted

    change = Fault("mute", "mute", (), lambda rules: replace(rules, on_actions=(mute,)), "test")
    played = play(cases(*(f"id: noop{number}, dialogue: {NOOP}" for number in range(6))), change)
    assert {played.results[f"own/x/noop{number}"].verdict for number in range(6)} == {"pass"}


def test_answers_that_come_later_each_time_end_in_silence() -> None:
    """A server that doubles its delay with each command is not waited for longer than for any other reply."""
    answers: dict[int, int] = {}

    def later(session: ServerSession, wanted: list[Action]) -> list[Action]:
        answers[id(session)] = answers.get(id(session), 0) + 1
        return [Wait(0.01 * 2 ** answers[id(session)]), *wanted]

    repeat = "repeat: {times: 30, steps: [C: NOOP, S: {250: go, silence 1s: pass}]}"
    wanted = cases(
        f"id: noop, start: greeting, timeout: 60s, dialogue: [{repeat}, C: NOOP, S: {{250: fail - answers}}]"
    )
    change = Fault("later", "later", (), lambda rules: replace(rules, on_actions=(later,)), "test")
    assert play(wanted, change).results["own/x/noop"].verdict == "pass"


def test_interrupted_run_keeps_what_it_has() -> None:
    """A cancelled run writes its footer, and the lints of what was read."""
    events: list[Event] = []

    async def main() -> None:
        site = Site()
        dialer = MemoryDialer(lambda: Server(site, ()))
        wanted = cases(f"id: noop, dialogue: {NOOP}", "id: wait, dialogue: [wait: 100s, C: NOOP, S: {250: pass}]")
        target = replace(target_for(site), tls="none")
        task = asyncio.create_task(run(wanted, target, Options(), events.append, dialer=dialer))
        await asyncio.sleep(50)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    virtual.run(main())
    assert next(event["id"] for event in events if event["type"] == "case") == "own/x/noop"
    assert any(event["type"] == "case" and event["id"].startswith("lint/") for event in events)
    assert events[-1]["type"] == "footer"
    assert events[-1]["interrupted"] is True
