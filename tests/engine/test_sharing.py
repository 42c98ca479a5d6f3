"""Cases that share a session come to what they come to alone, and open fewer connections."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.case.catalog import load_catalogue
from conformance.case.load import load_text
from conformance.case.yaml import SourceError
from conformance.engine import virtual
from conformance.engine.embedded import target_for
from conformance.engine.memory import MemoryDialer
from conformance.engine.run import setting_for
from conformance.engine.scheduler import Played, Scheduler
from conformance.reference.change import on_reply
from conformance.reference.faults import Fault, catalogue
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.server import Server
from conformance.reference.session import Session
from conformance.reference.site import Site

CASES = [case for case in load_catalogue().cases if case.shared and "mx" in case.needs.role]


def played(*faults: str | Fault, shared: bool = True) -> tuple[dict[str, Played], int]:
    """Play the cases that share sessions; return what they came to, and the number of connections."""
    site, servers = Site(), []
    cases = CASES if shared else [replace(case, shared=False) for case in CASES]
    done: list[Played] = []

    def server() -> Server:
        servers.append(Server(site, faults))
        return servers[-1]

    async def run() -> None:
        setting = await setting_for(target_for(site), MemoryDialer(server))
        await Scheduler(replace(setting, clock=site.clock), done.append).run(cases)

    virtual.run(run())
    return {one.case.id: one for one in done}, len(servers)


def test_a_polite_run_opens_fewer_connections() -> None:
    """Less than half of them, and each case says in whose session it was."""
    together, few = played()
    alone, many = played(shared=False)
    assert {name: one.outcome.outcome for name, one in together.items()} == {
        name: one.outcome.outcome for name, one in alone.items()
    }
    assert many == len(CASES) > 2 * few
    told = [entry.detail for one in together.values() for entry in one.outcome.transcript.entries]
    assert sum(detail in together for detail in told) == many - few


@pytest.mark.parametrize(
    "name", ["xclient-for-everybody", "debugging-doors", "control-characters-in-paths", "size-taken-whatever-it-is"]
)
def test_what_is_wrong_is_found_in_a_session_of_its_own(name: str) -> None:
    """Findings are the same, and their transcripts begin with a greeting."""
    together, _ = played(name)
    alone, _ = played(name, shared=False)
    outcomes = {key: (one.outcome.outcome, one.outcome.reason) for key, one in together.items()}
    assert outcomes == {key: (one.outcome.outcome, one.outcome.reason) for key, one in alone.items()}
    found = [one for one in together.values() if one.outcome.outcome in ("fail", "warn")]
    assert found
    assert all(one.outcome.transcript.entries[0].kind == "connect" for one in found)


def _sulks(rules: Rules) -> Rules:
    """Refuse all recipients and senders of a client that was refused once."""

    def change(session: Session, event: str, given: Reply) -> Reply:
        sulks, session.memory["sulks"] = session.memory.get("sulks"), session.memory.get("sulks") or given.code >= 400
        return reply(550, "5.7.0", "You again") if sulks and event in ("MAIL", "RCPT", "UNKNOWN") else given

    return on_reply(rules, change)


def test_no_case_passes_for_what_another_one_did() -> None:
    """A server that refuses everything behind a first refusal is not asked twice in a session: a door is found open."""
    sulking = Fault("sulking", "", (), _sulks, "tests")
    door = catalogue()["control-characters-in-paths"]
    together, many = played(door, sulking)
    assert together["security/commands/control-character[bell]"].outcome.outcome == "warn"
    assert many > 30


@pytest.mark.parametrize("line", ["start: tls", "start: connect", "impact: mail"])
def test_what_can_not_be_shared(line: str) -> None:
    """The way there must be the same for all, and nothing may stay behind."""
    suite = f"""
title: t
spec: RFC 5321 section 7.8
cases:
  - id: c
    title: t
    requirement: SEC-LIMIT-SURVIVES
    session: shared
    {line}
    dialogue: [C: NOOP, S: {{250: pass}}]
"""
    with pytest.raises(SourceError, match="a shared session starts at"):
        load_text(suite)
