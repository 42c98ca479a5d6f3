"""Faults of a relay as client of the next hop: what it says there before a message (RFC 5321 sections 3.3, 4.1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference.change import on_store
from conformance.reference.faults import fault
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.site import Role, Stored

ROLES: tuple[Role, ...] = ("submission", "relay")


def _saying(rules: Rules, change: Callable[[Stored], tuple[str, ...]]) -> Rules:
    """Let other commands hand messages over."""

    def changed(session: Session, stored: Stored) -> Stored:
        return replace(stored, commands=change(stored)) if stored.commands else stored

    return on_store(rules, changed)


def _each(pattern: str, new: str) -> Callable[[Stored], tuple[str, ...]]:
    return lambda stored: tuple(re.sub(pattern, new, line) for line in stored.commands)


def _recipient_first(hello: str, mail: str, recipient: str, *rest: str) -> tuple[str, ...]:
    return (hello, mail, recipient, *rest) if len(rest) > 1 else (hello, recipient, mail, *rest)


for _name, _title, _breaks, _change in (
    ("says-helo", "says HELO", ("RFC5321-4.1.1.1-05", "RFC5321-2.2.1-03"), _each("^EHLO", "HELO")),
    ("says-who-it-is", "adds text to EHLO", ("RFC5321-4.1.1.1-02",), _each("^(EHLO .*)", r"\1 (a relay)")),
    ("is-localhost", "calls itself localhost", ("RFC5321-4.1.4-07",), _each("^EHLO .*", "EHLO localhost")),
    ("puts-spaces", "puts a space behind the colon", ("RFC5321-3.3-14",), _each("(?<=FROM:|..TO:)<", " <")),
    (
        "sends-routes",
        "puts its name in front of the paths",
        (
            "RFC5321-AppC-01",
            "RFC5321-4.1.1.3-01",
            "RFC5321-F.2-03",
            "RFC5321-3.3-06",
            "RFC5321-3.6.1-01",
            "RFC5321-4.1.2-02",
        ),
        _each("<(?=.*@)", "<@mx.lab.test:"),
    ),
    (
        "says-no-hello",
        "begins with MAIL",
        ("RFC5321-4.1.1.1-08", "RFC5321-4.1.1.1-05", "RFC5321-4.1.4-07"),
        lambda stored: stored.commands[1:],
    ),
    (
        "names-recipients-first",
        "says RCPT before MAIL",
        ("RFC5321-3.3-23",),
        lambda stored: _recipient_first(*stored.commands),
    ),
    ("adds-to-data", "adds an argument to DATA", ("RFC5321-4.1.1-03",), _each("^DATA$", "DATA now")),
    ("says-no-size", "does not declare sizes", ("RFC5321-4.5.3.1.7-03",), _each(" SIZE=[0-9]+", "")),
    (
        "sends-copies",
        "sends a copy for each recipient",
        ("RFC5321-4.5.4.1-10",),
        lambda stored: (*stored.commands[:3], stored.commands[-1]),
    ),
):
    fault(f"relay-{_name}", title=f"To the next hop the server {_title}", breaks=_breaks, roles=ROLES)(
        lambda rules, change=_change: _saying(rules, change)  # type: ignore[misc]
    )


@fault(
    "relay-forgets-body",
    title="Eight-bit text goes to the next hop without BODY=8BITMIME",
    breaks=("RFC5321-2.4-10",),
    roles=ROLES,
)
def _undeclared(rules: Rules) -> Rules:
    def changed(session: Session, stored: Stored) -> Stored:
        return replace(stored, parameters={n: v for n, v in stored.parameters.items() if n != "BODY"})

    return on_store(rules, changed)
