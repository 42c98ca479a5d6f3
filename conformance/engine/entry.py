"""The way in for every front end (command line, pytest): cases against a target, or against the embedded server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from conformance.case.model import Case
from conformance.engine.exit import Exit
from conformance.engine.run import Options, run
from conformance.observer import Observer, joined, open_observer
from conformance.stream import Event, Result
from conformance.target import ROLES, Target


async def play_all(
    cases: Sequence[Case],
    target: Target | str | None,
    options: Options,
    emit: Callable[[Event], None],
    on_result: Callable[[Result], None],
) -> Exit:
    """Play cases against a target, or (None, or the name of a role) against the embedded reference server.

    Raises ObserverError where the target's observer can't be had.
    """
    async with AsyncExitStack() as stack:
        if not isinstance(target, Target):
            from conformance.engine.embedded import embedded

            role = next((role for role in ROLES if role == target), ROLES[0])
            reference, observer = await stack.enter_async_context(embedded(role))
            return await run(cases, reference, _at_least_mail(options), emit, on_result, observer=observer)
        observers = [observer_of(target)]
        if target.sink is not None:
            from conformance.observer.sink import listening

            observers.append(await stack.enter_async_context(listening(target.sink)))
        return await run(cases, target, options, emit, on_result, observer=joined(observers))


def _at_least_mail(options: Options) -> Options:
    """Return the options with the impact that the embedded server can take without asking."""
    return replace(options, impact="mail") if options.impact == "session" else options


def observer_of(target: Target) -> Observer | None:
    """Return the observer of the target's mailboxes, or None. Raises ObserverError."""
    for kind, where in target.observer.items():
        if kind != "sink":
            return open_observer(kind, where)
    return None
