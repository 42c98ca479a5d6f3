"""The pages: tables of the reference server, the catalogue of faults, the lints, the proof matrix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from conformance.reference.faults import catalogue
from conformance.reference.rules import strict
from conformance.reference.table import ALWAYS, NEXT, State
from conformance.smtp import codes, keyword, status
from conformance.smtp.lint import ALL as ALL_LINTS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def reference_server() -> str:
    """Return the page of the reference server."""
    commands: dict[str, list[str]] = {}
    for role in ("mx", "submission", "lmtp"):
        for verb, command in strict(role).commands.items():
            if verb in commands:
                continue
            commands[verb] = [
                f"`{verb}{' ' + command.argument if command.argument else ''}`".replace("|", "\\|"),
                ", ".join(state.value for state in State if state in command.states),
                ", ".join(map(str, command.success)),
                ", ".join(map(str, command.errors)),
                ", ".join(command.requirement),
            ]
    steps: dict[tuple[str, str, str], list[str]] = {}
    for (state, event, digit), to in NEXT.items():
        steps.setdefault((event, f"{digit}yz", to.value), []).append(state.value)
    machine = [[event, digit, ", ".join(_ordered(states)), to] for (event, digit, to), states in steps.items()]
    return "\n".join(
        [
            "# The reference server",
            "",
            "Made from `conformance/reference/table.py` by `python -m tests.generated`. The server is strict, has no",
            "I/O, and is what every case passes on. `smtp-conformance serve` runs it; `serve --fault NAME` runs it",
            "broken ([faults](faults.md)).",
            "",
            "## Which reply may answer which command",
            "",
            f"Codes {', '.join(map(str, ALWAYS))} may answer any command. In a state that is not listed a command gets",
            "503.",
            "",
            *_table(["command", "allowed in", "success", "refusal", "requirements"], commands.values()),
            "",
            "## The state machine",
            "",
            "The first digit of the reply decides; what is not listed leaves the state as it is.",
            "",
            *_table(["event", "reply", "from", "to"], machine),
            "",
        ]
    )


def _ordered(states: Iterable[str]) -> list[str]:
    order = [state.value for state in State]
    return sorted(states, key=order.index)


def faults() -> str:
    """Return the page of the faults."""
    lines = [
        "# The catalogue of faults",
        "",
        "Made from `conformance/reference/faults/` by `python -m tests.generated`. Each fault breaks the reference",
        "server in one way: `smtp-conformance serve --fault NAME` runs it, to try the suite and SMTP clients.",
    ]
    areas: dict[str, list[list[str]]] = {}
    for fault in catalogue().values():
        breaks = ", ".join(fault.breaks) or fault.kind
        row = [f"`{fault.name}`", fault.title.replace("|", "\\|"), breaks, "; ".join(fault.seen_in)]
        areas.setdefault(fault.area, []).append(row)
    for area, rows in areas.items():
        lines += ["", f"## {area.replace('_', ' ')}", "", *_table(["fault", "what it does", "breaks", "seen in"], rows)]
    return "\n".join([*lines, ""])


def matrix(tripped: Mapping[str, Iterable[str]]) -> str:
    """Return the page of the proof: which cases each fault trips."""
    rows = [[f"`{name}`", "<br>".join(sorted(cases))] for name, cases in sorted(tripped.items())]
    count = len({case for cases in tripped.values() for case in cases})
    return "\n".join(
        [
            "# The proof",
            "",
            "Made by `python -m tests.generated matrix`: every fault of the reference server, played against every",
            f"case. Every case passes without faults; {len(rows)} faults trip {count} cases and lints.",
            "",
            *_table(["fault", "trips"], rows),
            "",
        ]
    )


def lints() -> str:
    """Return the page of the lints and of the tables behind them."""
    rules = [[f"`{rule.id}`", rule.title, rule.level, ", ".join(rule.requirement)] for rule in ALL_LINTS]
    answers = [[verb, ", ".join(map(str, sorted(listed)))] for verb, listed in codes.COMMANDS.items()]
    keywords = [
        [f"`{word.name}`", ", ".join(f"RFC {rfc}" for rfc in word.rfc), word.status, _grammar(word.parameters)]
        for word in keyword.known().values()
    ]
    statuses = [
        [f"`{known.code}`", known.meaning, ", ".join(map(str, sorted(known.replies)))]
        for known in status.known().values()
    ]
    return "\n".join(
        [
            "# Lints",
            "",
            "Made from `conformance/smtp/lint/` by `python -m tests.generated`. Every reply of every case is looked at",
            "under these rules; each is one result of the run ([why](decisions/0011-lints.md)).",
            "",
            *_table(["lint", "what holds", "level", "requirements"], rules),
            "",
            "## Which code may answer which command",
            "",
            f"Codes {', '.join(map(str, sorted(codes.ANY)))} may answer any command,",
            f"{codes.LOGIN_OR_TLS_FIRST} any but {', '.join(sorted(codes.ALWAYS_OPEN))}.",
            "",
            *_table(["command", "codes"], answers),
            "",
            "## EHLO keywords",
            "",
            "The registry of November 2026. Parameters are a regular expression over what follows keyword and space.",
            "",
            *_table(["keyword", "document", "status", "parameters"], keywords),
            "",
            "## Enhanced status codes",
            "",
            *_table(["code", "meaning", "goes with"], statuses),
            "",
        ]
    )


def _grammar(pattern: re.Pattern[str] | None) -> str:
    if pattern is None:
        return ""
    return f"`{pattern.pattern}`".replace("|", "\\|") if pattern.pattern else "none"


def _table(head: list[str], rows: Iterable[Iterable[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


PAGES: Mapping[str, Callable[[], str]] = {
    "reference-server.md": reference_server,
    "faults.md": faults,
    "lints.md": lints,
}
