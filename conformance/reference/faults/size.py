"""Faults of SIZE (RFC 1870)."""

from __future__ import annotations

from conformance.reference import transaction
from conformance.reference.change import (
    answer,
    anything,
    checked,
    closing,
    extension,
    handled,
    limited,
    listed,
    on_input,
    parameter,
)
from conformance.reference.extension import size
from conformance.reference.faults import fault
from conformance.reference.faults._seen import EXIM
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import State

fault(
    "size-with-unit",
    title="SIZE is listed with a unit",
    breaks=("RFC1870-3-01",),
)(lambda rules: listed(rules, "SIZE", "SIZE 10MB"))

fault(
    "size-zero-and-a-limit",
    title="SIZE 0 is listed, and large messages are refused",
    breaks=("RFC1870-3-02",),
    also_trips=("security/disclosure/size-limit",),
)(lambda rules: listed(rules, "SIZE", "SIZE 0"))

fault(
    "size-parameter-unknown",
    title="SIZE is listed, and MAIL with SIZE gets 555",
    breaks=("RFC1870-4-01", "RFC1870-3-04"),
    # MAIL with SIZE, beside others or with the null reverse-path.
    also_trips=(
        "rfc3463-status/3-codes/too-big",
        "rfc5321/4.1.1.11-parameters/several-parameters*",
        "rfc5321/4.1.1.2-mail/parameters*",
        "rfc5321/4.5.5-null-reverse-path/parameters*",
    ),
)(lambda rules: parameter(rules, "SIZE", lambda session, value: reply(555, "5.5.4", "Unknown parameter")))


def _short(session: Session, value: str | None) -> Reply | None:
    """Take no number of more than ten digits."""
    return reply(501, "5.5.4", "Number too long") if value and len(value) > 10 else size._check(session, value)


fault(
    "size-ten-digits",
    title="A SIZE of more than ten digits is a syntax error",
    breaks=("RFC1870-3-04",),
    # A size with twelve digits is too big there.
    also_trips=("rfc3463-status/3-codes/too-big",),
)(lambda rules: parameter(rules, "SIZE", _short))

fault(
    "size-unchecked",
    title="SIZE takes any value, whatever its size or syntax",
    breaks=("RFC1870-6.1-01", "RFC1870-6.1-04", "RFC1870-3-04"),
    seen_in=(EXIM,),
)(lambda rules: parameter(rules, "SIZE", anything))


def _wrapping(session: Session, value: str | None) -> Reply | None:
    if not value or not value.isdigit():
        return size._check(session, value)
    return size._check(session, str(int(value) % 1000))


fault(
    "size-wraps",
    title="SIZE is read into a number that is too small for it",
    breaks=("RFC1870-6.1-01", "RFC1870-3-04"),
)(lambda rules: parameter(rules, "SIZE", _wrapping))


def _last_wins(rules: Rules) -> Rules:
    """Leave out all SIZE parameters of MAIL but the last one."""

    def mail(session: Session, argument: str) -> Reply:
        head, *sizes = argument.split(" SIZE=")
        return transaction.mail(session, f"{head} SIZE={sizes[-1]}" if sizes else argument)

    return handled(rules, "MAIL", mail)


fault(
    "size-twice",
    title="Of two SIZE parameters the last one counts",
    breaks=("RFC1870-6-01",),
    seen_in=(EXIM,),
)(_last_wins)

fault(
    "size-refused-as-policy",
    title="A declared size above the limit gets 554",
    breaks=("RFC1870-6.1-01",),
)(lambda rules: answer(rules, "MAIL", 552, reply(554, "5.3.4", "Message too big")))

fault(
    "size-limit-excluded",
    title="A declared size of just the limit is refused",
    breaks=("RFC1870-6.1-02",),
)(lambda rules: parameter(rules, "SIZE", _below))


def _below(session: Session, value: str | None) -> Reply | None:
    return size._TOO_BIG if value == str(session.limits.message) else size._check(session, value)


@fault(
    "size-refused-begins-transaction",
    title="MAIL that is refused for its size begins a transaction",
    breaks=("RFC1870-6.2-01", "RFC5321-4.1.4-12"),
)
def _begins(rules: Rules) -> Rules:
    def mail(session: Session, argument: str) -> Reply:
        answer = transaction.mail(session, argument)
        if answer.code == 552:
            session.state = State.MAIL
        return answer

    return handled(rules, "MAIL", mail)


def _empty(rules: Rules) -> Rules:
    """Take "SIZE=" for no parameter at all."""
    return handled(rules, "MAIL", lambda s, argument: transaction.mail(s, argument.removesuffix(" SIZE=")))


fault(
    "size-empty",
    title="MAIL with SIZE= and no number behind it is taken",
    breaks=("RFC1870-6.1-04",),
    also_trips=("rfc5321/4.1.2-argument-syntax/parameters-malformed*",),
)(_empty)

# The message


@fault(
    "size-ends-data",
    title="The message ends where the declared size is reached",
    breaks=("RFC1870-6-02",),
)
def _ends(rules: Rules) -> Rules:
    def finder(session: Session, octets: bytes) -> bytes:
        declared = int(session.transaction.parameters.get("SIZE") or 0)
        if not 0 < declared < 100:
            return octets
        return octets[:declared] + b"\r\n.\r\n" + octets[declared:]

    return on_input(rules, finder, State.TEXT)


@fault(
    "size-waited-for",
    title="The message does not end before the declared size is reached",
    breaks=("RFC1870-6-02",),
)
def _waits(rules: Rules) -> Rules:
    def finder(session: Session, octets: bytes) -> bytes:
        declared = int(session.transaction.parameters.get("SIZE") or 0)
        waits = len(octets) < declared and declared > 10000
        return octets.replace(b"\r\n.\r\n", b"\r\n") if waits else octets

    return on_input(rules, finder, State.TEXT)


@fault(
    "size-declared-is-too-much",
    title="A message is refused for its size after its declared size was accepted",
    breaks=("RFC1870-6.3-01",),
)
def _counts(rules: Rules) -> Rules:
    def check(session: Session, message: bytes) -> Reply | None:
        declared = session.transaction.parameters.get("SIZE")
        dots = message.count(b"\r\n.")
        return size._TOO_BIG if declared == "4000" and len(message) + dots > int(declared) else None

    return checked(rules, check)


def _announced(session: Session) -> str:
    return f"SIZE {session.site.limits.message}"


fault(
    "size-not-enforced",
    title="Messages above the announced limit are accepted",
    breaks=("RFC1870-4-02", "RFC1870-6.1-01", "RFC1870-3-04", "RFC3030-2-18"),
)(lambda rules: extension(limited(rules, message=0), "SIZE", offer=_announced))

fault(
    "size-refused-later-as-policy",
    title="A message above the limit gets 554",
    breaks=("RFC1870-4-02",),
)(lambda rules: answer(rules, "END-OF-DATA", 552, reply(554, "5.3.4", "Message too big")))


def _counting_trace(session: Session, message: bytes) -> Reply | None:
    return size._TOO_BIG if len(message) + 300 > session.limits.message else None


fault(
    "size-counts-trace",
    title="The limit counts the trace fields that the server adds",
    breaks=("RFC1870-5-01",),
)(lambda rules: checked(rules, _counting_trace))

fault(
    "size-refused-later-for-now",
    title="A message above the limit gets 452",
    breaks=("RFC1870-4-02",),
)(lambda rules: answer(rules, "END-OF-DATA", 552, reply(452, "4.3.1", "Message too big")))

fault(
    "size-refused-later-closes",
    title="A message above the limit ends the connection without a reply",
    breaks=("RFC1870-4-02",),
)(lambda rules: closing(rules, "END-OF-DATA", 552, silent=True))

fault(
    "size-counts-trace-554",
    title="The limit counts the trace fields that the server adds, and what is too large gets 554",
    breaks=("RFC1870-5-01", "RFC1870-4-02"),
)(lambda rules: answer(checked(rules, _counting_trace), "END-OF-DATA", 552, reply(554, "5.3.4", "Message too big")))
