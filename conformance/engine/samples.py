"""``compare:``: the samples of two kinds of exchange, taken in random order; ``timing`` says what comes of them."""

from __future__ import annotations

import random
from statistics import median
from typing import TYPE_CHECKING

from conformance.case import model
from conformance.case.model import Compare
from conformance.engine import timing
from conformance.engine.outcome import BackOff, Stop
from conformance.engine.wire import ConnectError

if TYPE_CHECKING:
    from conformance.engine.player import Play


async def compare(play: Play, step: Compare) -> None:
    """Take the samples and compare them. Raises Stop where the result decides, or nothing can be told."""
    times, ended = await _samples(play, step)
    found = timing.compare(*times, step.error, step.least)
    told = [f"{name} {median(of) * 1000:.1f} ms" for name, of in zip(step.names, times, strict=True) if of]
    numbers = " and ".join(str(len(of)) for of in times)
    detail = f"{', '.join(told)} (medians of {numbers}; by chance in {found.chance:.1g} of runs)"
    entry = play.transcript.add(play.loop.time(), 1, "timing", detail=detail)
    entry.expected = f"a difference below {step.least * 1000:g} ms"
    if found.result == timing.FEW:
        raise Stop("inconclusive", f"{numbers} samples are too few: {ended}")
    if found.result == timing.NOISY:
        raise Stop("inconclusive", f"the times vary too much to tell: {detail}")
    alternative = next(a for a in step.alternatives if a.pattern.source == found.result)
    entry.met = alternative.verdict in model.GOOD
    entry.decides = alternative.verdict not in model.ONWARD
    if entry.decides:
        reason = ": ".join(filter(None, (play.reason(alternative.reason), detail)))
        raise Stop(alternative.verdict, reason, alternative)


async def _samples(play: Play, step: Compare) -> tuple[tuple[list[float], list[float]], str]:
    """Return the times of each exchange, and what ended the series early."""
    times: tuple[list[float], list[float]] = ([], [])
    order = [0, 1] * step.samples
    random.Random(play.values["token"]).shuffle(order)
    for count, kind in enumerate(order):
        play.values["count"] = str(count + 1).encode()
        try:
            if step.renew and count and count % step.renew == 0:
                await play.renew()
            times[kind].append(await _timed(play, step.exchanges[kind]))
        except (Stop, BackOff, ConnectError) as ended:
            if isinstance(ended, Stop) and ended.outcome != "inconclusive":
                raise
            return times, str(ended)
    return times, ""


async def _timed(play: Play, exchange: tuple[model.Step, ...]) -> float:
    """Play an exchange and return its time, in seconds: to when its last reply came, not to when it was read."""
    session, started = await play.session(1), play.loop.time()
    for step in exchange:
        await play.step(step)
    came = session.entry.time + play.transcript.started if session.entry is not None else started
    return came - started
