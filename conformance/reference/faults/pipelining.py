"""Faults of command pipelining (RFC 2920)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference.actions import Action, Wait
from conformance.reference.change import (
    allowed,
    answer,
    checked,
    goes,
    handled,
    listed,
    on_actions,
    on_reply,
    stays,
)
from conformance.reference.faults import fault
from conformance.reference.framing import find_end
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import State

_RESET = b"250 2.0.0 Reset\r\n"
_REPLY = re.compile(rb"(?:\d\d\d-.*\r\n)*\d\d\d .*\r\n")


def _replies(octets: bytes) -> list[bytes]:
    return [match[0] for match in _REPLY.finditer(octets)]


fault(
    "pipelining-parameter",
    title="PIPELINING is announced with a parameter",
    breaks=("RFC2920-2-01",),
)(lambda rules: listed(rules, "PIPELINING", "PIPELINING 100"))


def _refusals_first(session: Session, actions: list[Action]) -> list[Action]:
    if len(actions) != 1 or not isinstance(actions[0], bytes):
        return actions
    replies = _replies(actions[0])
    refusals = [octets for octets in replies if octets[:1] >= b"4"]
    return [b"".join([*refusals, *(octets for octets in replies if octets not in refusals)])]


fault(
    "pipelining-refusals-first",
    title="In the replies to a group of commands the refusals come first",
    breaks=("RFC2920-3.2-01",),
    # A login in a group.
    also_trips=("security/auth/group-behind-failed-login",),
)(lambda rules: on_actions(rules, _refusals_first))


def _nothing_behind_refusal(session: Session, actions: list[Action]) -> list[Action]:
    if len(actions) != 1 or not isinstance(actions[0], bytes):
        return actions
    kept = []
    for octets in _replies(actions[0]):
        kept.append(octets)
        if octets[:1] >= b"5":
            break
    return [b"".join(kept)]


fault(
    "pipelining-flush-after-error",
    title="What came in one segment with a refused command, behind it, is never answered",
    breaks=("RFC2920-3.2-09", "RFC2920-3.2-01"),
)(lambda rules: on_actions(rules, _nothing_behind_refusal))


def _nothing_behind_two(session: Session, actions: list[Action]) -> list[Action]:
    if len(actions) != 1 or not isinstance(actions[0], bytes):
        return actions
    replies = _replies(actions[0])
    refused = [number for number, octets in enumerate(replies) if octets[:1] >= b"5"]
    return [b"".join(replies[: refused[1] + 1])] if len(refused) > 1 else actions


fault(
    "pipelining-flush-after-two-errors",
    title="What came in one segment with two refused commands, behind them, is never answered",
    breaks=("RFC2920-3.2-09", "RFC2920-3.2-01"),
)(lambda rules: on_actions(rules, _nothing_behind_two))


def _nothing_behind_reset(session: Session, actions: list[Action]) -> list[Action]:
    if len(actions) != 1 or not isinstance(actions[0], bytes) or _RESET not in actions[0]:
        return actions
    return [actions[0][: actions[0].index(_RESET) + len(_RESET)]]


fault(
    "pipelining-flush-after-reset",
    title="What came in one segment with RSET, behind it, is never answered",
    breaks=("RFC2920-3.1-01", "RFC2920-3.2-09"),
    # The group there has a RSET in it.
    also_trips=("rfc4954-auth/4-auth-command/group-behind-login",),
)(lambda rules: on_actions(rules, _nothing_behind_reset))


def _all_is_text(octets: bytearray, start: int) -> tuple[int, int] | None:
    border = find_end(octets, start)
    return border and (border[0], len(octets))


fault(
    "pipelining-flush-after-data",
    title="What comes in one segment with the end of the data, behind it, is lost",
    breaks=("RFC2920-3.1-02", "RFC2920-3.1-03", "RFC2920-3.2-09"),
)(lambda rules: replace(rules, find_end=_all_is_text))


def _no_recipient(session: Session, text: bytes) -> Reply | None:
    return None if session.transaction.recipients else reply(554, "5.5.1", "No valid recipients")


@fault(
    "pipelining-data-without-recipient",
    title="DATA gets 354 though no recipient was accepted",
    breaks=("RFC2920-3.2-03", "RFC5321-3.3-17", "RFC2033-4.2-01"),
)
def _data_without_recipient(rules: Rules) -> Rules:
    rules = goes(allowed(rules, "DATA", {State.MAIL}), State.MAIL, "DATA", 3, State.TEXT)
    return checked(rules, _no_recipient)


@fault(
    "pipelining-data-needs-all",
    title="DATA is refused where one of several recipients was",
    breaks=("RFC2920-3.2-03", "RFC5321-3.3-08", "RFC5321-4.1.1.3-08"),
    also_trips=("rfc5321/D-scenarios/*",),
)
def _data_needs_all(rules: Rules) -> Rules:
    first = rules.commands["DATA"].handler

    def note(session: Session, event: str, given: Reply) -> Reply:
        if event == "MAIL":
            session.memory["refused"] = False
        elif event == "RCPT" and given.code >= 400:
            session.memory["refused"] = True
        return given

    def data(session: Session, argument: str) -> Reply | None:
        if session.memory.get("refused"):
            return reply(554, "5.5.1", "Not all recipients were valid")
        return first(session, argument)

    return on_reply(handled(rules, "DATA", data), note, ("MAIL", "RCPT"))


@fault(
    "pipelining-reset-ignored",
    title="RSET answers 250 and the transaction stays open",
    breaks=("RFC2920-3.2-08", "RFC5321-4.1.1.5-01"),
)
def _reset_ignored(rules: Rules) -> Rules:
    return stays(stays(rules, State.RCPT, "RSET", 2), State.MAIL, "RSET", 2)


@fault(
    "pipelining-empty-message-accepted",
    title="DATA and an empty message are accepted without a recipient",
    breaks=("RFC2920-3.2-04", "RFC2920-3.2-03", "RFC5321-3.3-17"),
    # DATA is taken after MAIL.
    also_trips=(
        "rfc2033-lmtp/4-changes-to-smtp/data-without-recipient*",
        "rfc5321/4.1.1.5-rset/recipients-do-not-come-back",
        "rfc5321/4.1.4-order-of-commands/out-of-order*",
    ),
)
def _empty_message(rules: Rules) -> Rules:
    return goes(allowed(rules, "DATA", {State.MAIL}), State.MAIL, "DATA", 3, State.TEXT)


@fault(
    "pipelining-replies-held-back",
    title="Replies in a transaction are kept back",
    breaks=("RFC2920-3.2-05", "RFC2920-3.2-06", "RFC2920-3.2-07"),
)
def _held_back(rules: Rules) -> Rules:
    def change(session: Session, actions: list[Action]) -> list[Action]:
        if "mail" in session.memory:
            return [Wait(30.0), *actions] if actions else actions
        if session.line.startswith(b"MAIL"):
            session.memory["mail"] = True
        return actions

    return on_actions(rules, change)


fault(
    "pipelining-replies-all-alike",
    title="RCPT is answered with 250 OK and nothing else",
    breaks=(
        "RFC2920-3.2-10",
        "RFC2034-4-01",
    ),
)(lambda rules: answer(rules, "RCPT", 250, reply(250, "", "OK")))
