"""``python -m tests.bench.delayed GREETING REPLY``: the reference server, as far away as these seconds make it."""

from __future__ import annotations

import asyncio
import sys

from conformance.reference.actions import Action, Wait
from conformance.reference.change import on_actions
from conformance.reference.faults import Fault
from conformance.reference.rules import Rules
from conformance.reference.serve import serving
from conformance.reference.session import Session
from conformance.reference.site import Limits, Site


def delays(greeting: float, each: float) -> Fault:
    """Return a fault that makes the greeting and every reply late."""

    def late(session: Session, actions: list[Action]) -> list[Action]:
        if not actions:
            return actions
        seconds = each if session.memory.setdefault("greeted", 0) else greeting
        session.memory["greeted"] = 1
        return [Wait(seconds), *actions] if seconds else actions

    def change(rules: Rules) -> Rules:
        return on_actions(rules, late)

    return Fault("far", "Everything takes a while", (), change, "bench")


async def serve(greeting: float, each: float) -> None:
    """Serve until killed; say the port first."""
    async with serving(Site(limits=Limits(sessions=1000)), faults=(delays(greeting, each),)) as endpoint:
        print(endpoint.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), float(sys.argv[2])))
