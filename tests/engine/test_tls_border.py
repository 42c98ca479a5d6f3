"""TLS over sockets: what the cases of RFC 3207 find in memory, where TLS is a switch, they find in real handshakes."""

import asyncio
from dataclasses import replace

from conformance.case.catalog import load_catalogue
from conformance.case.model import Case
from conformance.engine.embedded import observer_for, target_for
from conformance.engine.outcome import Outcome
from conformance.engine.player import play
from conformance.engine.run import setting_for
from conformance.reference.serve import serving
from conformance.reference.site import Role, Site

CASES = {case.id: case for case in load_catalogue().cases if case.id.startswith("rfc3207-starttls/")}


def role_of(case: Case) -> Role:
    """Return the role of the reference server for a case."""
    return "mx" if "mx" in case.needs.role else "submission"


async def play_on_socket(case: Case, *faults: str) -> Outcome:
    """Play a case over TCP and TLS on loopback."""
    site = Site(role=role_of(case))
    async with serving(site, faults=faults) as endpoint:
        target = replace(target_for(site, endpoint.host, endpoint.port), tls="none", timeout=3.0)
        return await play(case, await setting_for(target, observer=observer_for(site)))


FOUND = {
    "4-starttls-command/clear-text-never-runs-in-tls[two-commands]": "starttls-keeps-clear-octets",
    "4-starttls-command/no-line-across-the-border": "starttls-keeps-clear-octets",
    "4-starttls-command/offered-is-possible": "starttls-without-handshake",
    "4-starttls-command/no-clear-text-after-220": "starttls-without-handshake",
    "4.2-result/transaction-forgotten": "starttls-keeps-transaction",
    "4.2-result/hello-forgotten": "starttls-keeps-hello",
    "4.2-result/no-second-greeting": "starttls-greets-again",
    "4.2-result/keyword-gone": "starttls-listed-in-tls",
}
"""Cases and the faults that they find."""


async def play_together(plays: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Play cases side by side, each against a server with its faults; return their outcomes."""
    outcomes = await asyncio.gather(*(play_on_socket(CASES[name], *faults) for name, faults in plays.items()))
    return {name: outcome.outcome for name, outcome in zip(plays, outcomes, strict=True)}


def test_every_case_passes() -> None:
    """Every case passes over a real handshake."""
    assert set(asyncio.run(play_together(dict.fromkeys(CASES, ()))).values()) == {"pass"}


def test_faults_are_found() -> None:
    """A fault that a case finds in memory it finds over a real handshake."""
    outcomes = asyncio.run(play_together({f"rfc3207-starttls/{name}": (fault,) for name, fault in FOUND.items()}))
    assert {name: outcome for name, outcome in outcomes.items() if outcome != "fail"} == {}
