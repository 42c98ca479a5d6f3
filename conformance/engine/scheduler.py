"""The scheduler: several sessions at once in one event loop, longest expected case first, with manners.

Sessions open at once start at 8 on loopback and rise to 40 while greetings stay quick (stock Postfix turns the 51st
away); elsewhere there are 3. A 421 or a refused connection halves them and the case is tried again later: being busy is
no verdict. What failed is played again on a fresh connection; what does not repeat is inconclusive.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from conformance.case.model import Case
from conformance.engine import sanity
from conformance.engine.outcome import Outcome
from conformance.engine.player import play, play_shared
from conformance.engine.setting import Setting
from conformance.engine.sharing import Kept
from conformance.verdict import by_level

FIRST_JOBS = 8
MOST_JOBS = 40
JOBS_ELSEWHERE = 3
"""Sessions open at once on an address that is not loopback."""

MOST_TRIES = 6
"""How often a case is tried when the server asks for patience."""

TRIES_IN_DIALOGUE = 2
"""How often, when it does so in the dialogue of the case itself: that may be its answer to the stimulus."""

FIRST_PAUSE = 0.25
"""The first pause before trying again, in seconds; it doubles each time."""

REFUSALS = 3
"""Refused connections in a row, with pauses between them, after which the target counts as gone."""


@dataclass(frozen=True, slots=True)
class Played:
    """The result of a case: its last outcome, and those before it."""

    case: Case
    outcome: Outcome
    earlier: tuple[Outcome, ...] = ()
    tries: int = 1


@dataclass
class Scheduler:
    """Plays cases and hands each result over as it comes."""

    setting: Setting
    done: Callable[[Played], None]
    note: Callable[[str], None] = lambda text: None
    jobs: int | None = None
    replay: bool = True
    share: int = 1
    stopped: str = ""
    """Why the run was cut short, or nothing."""

    _limit: float = field(init=False, default=FIRST_JOBS)
    _pause_until: float = field(init=False, default=0.0)
    _refused: int = field(init=False, default=0)
    _quickest: float = field(init=False, default=float("inf"))
    _running: int = field(init=False, default=0)
    _count: int = field(init=False, default=0)
    _kept: dict[str, Kept | None] = field(init=False, default_factory=dict)
    _lane: deque[Case] = field(init=False, default_factory=deque)
    _in_lane: bool = field(init=False, default=False)

    async def run(self, cases: Iterable[Case]) -> None:
        """Play the cases; ``stopped`` says whether the target was lost on the way."""
        self._limit = float(self.jobs or (FIRST_JOBS if self.setting.target.on_loopback else JOBS_ELSEWHERE))
        self._limit = max(1.0, self._limit // self.share)
        self._loop = asyncio.get_running_loop()
        self._ready: list[tuple[float, int, Case]] = []
        self._blocked: dict[str, list[Case]] = {}
        self._ended: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._failure: BaseException | None = None
        every = list(cases)
        wanted = {name for case in every for name in case.after}
        known = {case.id for case in every} | {case.base_id for case in every}
        self._rows: dict[str, set[str]] = {}
        for case in every:
            self._rows.setdefault(case.base_id, set()).add(case.id)
        for case in every:
            missing = [name for name in case.after if name in known]
            if missing:
                self._blocked.setdefault(missing[0], []).append(case)
            else:
                self._queue(case, first=case.id in wanted)
        try:
            self._pump()
            if self._tasks:
                await self._idle.wait()
        finally:
            for kept in filter(None, self._kept.values()):
                kept.leave()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    def _queue(self, case: Case, *, first: bool = False) -> None:
        self._count += 1
        heapq.heappush(self._ready, (-1e9 if first else -case.waiting, self._count, case))

    def _pump(self) -> None:
        while len(self._tasks) < int(self._limit) and not self.stopped and (case := self._next()) is not None:
            task = self._loop.create_task(self._one(case))
            self._tasks.add(task)
            task.add_done_callback(self._finished)
        if not self._tasks:
            self._idle.set()

    def _next(self) -> Case | None:
        """Return the next case to play; those that share a session come one after another."""
        if self._lane and not self._in_lane:
            self._in_lane = True
            return self._lane.popleft()
        while self._ready:
            case = heapq.heappop(self._ready)[2]
            if not self._shared(case):
                return case
            if not self._in_lane:
                self._in_lane = True
                return case
            self._lane.append(case)
        return None

    def _shared(self, case: Case) -> bool:
        return case.shared and len(self.setting.target.sources) < 2

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
            self.stopped = self.stopped or "an error in the suite"
        self._pump()

    # ------------------------------------------------------------------ one case

    async def _one(self, case: Case) -> None:
        try:
            await self._play(case)
        finally:
            if self._shared(case):
                self._in_lane = False

    async def _play(self, case: Case) -> None:
        unmet = [name for name in case.after if self._verdict_of(name) not in ("pass", None)]
        if unmet:
            from conformance.smtp.transcript import Transcript

            outcome = Outcome(*self._for_want_of(unmet), Transcript(0.0), 0.0)
            self._end(Played(case, outcome, tries=0))
            return
        played = await self._patiently(case)
        if played is None:
            return
        first = played.outcome
        if self.replay and by_level(first.outcome, case.level) == "fail" and not self.stopped:
            played = await self._again(case, first) or played
        if played.outcome.died and not self.stopped:
            await self._still_alive(case)
        self._end(played)

    def _for_want_of(self, unmet: Sequence[str]) -> tuple[str, str]:
        """Return outcome and reason of a case whose predecessors did not pass; what applies to them applies to it."""
        if all(self._verdict_of(name) == "n/a" for name in unmet):
            return "n/a", f"{unmet[0]} does not apply"
        return "inconclusive", f"{unmet[0]} did not pass"

    async def _again(self, case: Case, first: Outcome) -> Played | None:
        """Play a failed case once more; what does not repeat is inconclusive."""
        second = await self._patiently(case, alone=True)
        if second is None or second.outcome.back_off:
            return None
        if by_level(second.outcome.outcome, case.level) == "fail":
            return Played(case, second.outcome, (first,), 2)
        reason = f"does not repeat: first {first.reason or first.outcome}, then {second.outcome.reason or 'pass'}"
        return Played(case, replace(second.outcome, outcome="inconclusive", reason=reason), (first,), 2)

    async def _patiently(self, case: Case, *, alone: bool = False) -> Played | None:
        """Play a case; where the server asks for patience, wait and try again. None: the run was stopped."""
        pause = FIRST_PAUSE
        for attempt in range(1, MOST_TRIES + 1):
            wait = self._pause_until - self._loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if self.stopped:
                return None
            if self._shared(case) and not alone:
                kept = self._kept.pop(case.shares, None)
                outcome, self._kept[case.shares] = await play_shared(case, self.setting, kept)
            else:
                outcome = await play(case, self.setting.of(case))
            if not outcome.back_off:
                self._went_well(outcome)
                return Played(case, outcome, tries=attempt)
            if outcome.in_dialogue and attempt >= TRIES_IN_DIALOGUE:
                return Played(case, outcome, tries=attempt)
            self._slow_down(outcome, pause)
            if self.stopped:
                return Played(case, outcome, tries=attempt)
            pause *= 2
        return Played(case, outcome, tries=MOST_TRIES)

    def _went_well(self, outcome: Outcome) -> None:
        self._refused = 0
        if outcome.greeting is None or self.jobs is not None or not self.setting.target.on_loopback:
            return
        self._quickest = min(self._quickest, outcome.greeting)
        if outcome.greeting <= 2 * self._quickest + 0.05 and self._limit < MOST_JOBS // self.share:
            self._limit += 1
            self._pump()

    def _slow_down(self, outcome: Outcome, pause: float) -> None:
        now = self._loop.time()
        if now >= self._pause_until:
            before = int(self._limit)
            self._limit = max(1.0, self._limit / 2)
            self._pause_until = now + pause
            self.note(f"{outcome.reason}: waiting {pause:g} s, sessions at once {before} -> {int(self._limit)}")
            self._refused = self._refused + 1 if outcome.refused else 0
            if self._refused >= REFUSALS:
                self.stopped = f"{self.setting.target.label}: {outcome.reason}, {REFUSALS} times in a row"

    async def _still_alive(self, case: Case) -> None:
        """Ask whether the server still answers after a case that ended in close, reset or silence."""
        pause = FIRST_PAUSE
        for _ in range(REFUSALS):
            found = await sanity.check(self.setting)
            if not found.problem:
                return
            await asyncio.sleep(pause)
            pause *= 3
        self.stopped = f"the server no longer answers after {case.id}: {found.problem}"

    def _verdict_of(self, name: str) -> str | None:
        if name in self._ended:
            return self._ended[name]
        verdicts = {self._ended[row] for row in self._rows.get(name, ()) if row in self._ended}
        if not verdicts:
            return None
        return next(iter(verdicts)) if len(verdicts) == 1 else "other"

    def _end(self, played: Played) -> None:
        case = played.case
        if case.control and played.outcome.outcome not in ("pass", "n/a", "untested", "inconclusive", "error"):
            reason = f"the control does not hold: {played.outcome.reason or played.outcome.outcome}"
            played = replace(played, outcome=replace(played.outcome, outcome="inconclusive", reason=reason))
        self._ended[case.id] = played.outcome.outcome
        self.done(played)
        base = case.base_id
        names = [case.id] + ([base] if all(row in self._ended for row in self._rows[base]) else [])
        for name in names:
            for waiting in self._blocked.pop(name, ()):
                still = [other for other in waiting.after if other not in self._ended and self._unfinished(other)]
                if still:
                    self._blocked.setdefault(still[0], []).append(waiting)
                else:
                    self._queue(waiting)
        self._pump()

    def _unfinished(self, name: str) -> bool:
        rows = self._rows.get(name, {name} if any(name in ids for ids in self._rows.values()) else set())
        return any(row not in self._ended for row in rows)
