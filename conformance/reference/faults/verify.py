"""Faults of VRFY and EXPN (RFC 5321 sections 3.5, 4.1.1.6, 4.1.1.7 and 7.3)."""

from __future__ import annotations

import re
from collections.abc import Callable

from conformance.reference.change import answer, handled, on_reply, without_command
from conformance.reference.faults import fault
from conformance.reference.faults._seen import AIOSMTPD, CHASQUID, OPENSMTPD, POSTFIX, QPSMTPD, SENDMAIL, SMTP_SERVER
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session

_CONFIRMED = reply(250, "2.1.5", "<somebody@lab.test>")
_UNKNOWN = reply(550, "5.1.1", "No such mailbox here")


def _telling(rules: Rules, change: Callable[[str], str]) -> Rules:
    """Let the lines of positive replies to VRFY and EXPN be other ones."""

    def on_the_way(session: Session, event: str, given: Reply) -> Reply:
        return given._replace(lines=tuple(change(line) for line in given.lines))

    return on_reply(rules, on_the_way, ("VRFY", "EXPN"), 250)


fault(
    "vrfy-unknown",
    title="VRFY is not recognised",
    breaks=(
        "RFC5321-4.5.1-01",
        "RFC5321-4.3.2-05",
        "RFC5321-3.5.1-01",
        "RFC5321-4.2.4-03",
        "RFC5321-7.3-02",
        "RFC1123-5.2.3-01",
    ),
    seen_in=(OPENSMTPD,),
)(lambda rules: without_command(rules, "VRFY"))

for _verb, _broken in (("VRFY", "RFC5321-4.3.2-14"), ("EXPN", "RFC5321-4.3.2-15")):
    fault(
        f"{_verb.lower()}-refused-with-554",
        title=f"{_verb} is refused with 554, which is not in its list",
        breaks=(_broken,),
    )(lambda rules, verb=_verb: answer(rules, verb, None, reply(554, "5.7.1", "Not for you")))  # type: ignore[misc]

fault(
    "vrfy-not-implemented",
    title="VRFY is disabled with 502",
    breaks=("RFC5321-3.5.3-05", "RFC5321-7.3-02", "RFC5321-4.5.1-01", "RFC5321-4.2.4-03", "RFC1123-5.2.3-01"),
    seen_in=(CHASQUID,),
)(lambda rules: answer(rules, "VRFY", None, reply(502, "5.5.1", "VRFY is disabled")))

fault(
    "expn-unknown",
    title="EXPN is not recognised",
    breaks=("RFC5321-3.5.1-01", "RFC5321-4.2.4-03", "RFC1123-5.2.3-02", "RFC5321-3.5.2-06", "RFC5321-7.3-04"),
    seen_in=(POSTFIX, OPENSMTPD, QPSMTPD, SMTP_SERVER),
)(lambda rules: without_command(rules, "EXPN"))

fault(
    "expn-not-implemented",
    title="EXPN is answered with 502",
    breaks=("RFC5321-3.5.1-01", "RFC5321-4.2.4-03", "RFC5321-3.5.2-06", "RFC5321-7.3-04"),
    seen_in=(SENDMAIL, CHASQUID, AIOSMTPD),
)(lambda rules: answer(rules, "EXPN", None, reply(502, "5.5.1", "EXPN is disabled")))

fault(
    "vrfy-always-550",
    title="VRFY denies every mailbox",
    breaks=("RFC5321-3.5.1-11", "RFC5321-7.3-03", "RFC5321-3.5.1-12", "RFC5321-7.3-01"),
)(lambda rules: answer(rules, "VRFY", 250, _UNKNOWN))

fault(
    "vrfy-always-250",
    title="VRFY and EXPN confirm whatever is asked",
    breaks=(
        "RFC5321-4.5.3.1.5-01",
        "RFC5321-3.5.3-01",
        "RFC5321-3.5.3-03",
        "RFC5321-3.5.3-04",
        "RFC5321-7.3-01",
        "RFC5321-7.3-03",
        "RFC5321-4.1.1.6-02",
        "RFC5321-4.1.1.7-02",
    ),
    # What it confirms is always the same.
    also_trips=(
        "rfc5321/3.5-vrfy-expn/*",
        "rfc5321/3.9-lists-and-aliases/expn*",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/vrfy-mailbox",
    ),
)(lambda rules: _confirming(rules))


def _confirming(rules: Rules) -> Rules:
    for verb in ("VRFY", "EXPN"):
        rules = handled(rules, verb, lambda session, argument: reply(250, "2.1.5", f"<{argument[:64]}>"))
    return rules


fault(
    "vrfy-local-part-only",
    title="VRFY knows local parts, and no addresses",
    breaks=("RFC5321-3.5.1-12",),
    also_trips=("rfc5321/3.5-vrfy-expn/vrfy-tells*",),
)(lambda rules: handled(rules, "VRFY", _without_domain))


def _without_domain(session: Session, argument: str) -> Reply:
    return _UNKNOWN if "@" in argument else session.rules.verify(session, argument)


fault(
    "vrfy-without-mailbox",
    title="A positive reply to VRFY or EXPN names no mailbox",
    breaks=("RFC5321-3.5.1-02", "RFC5321-3.5.2-01", "RFC5321-3.5.1-05", "RFC5321-3.5.1-10"),
    # A name or an address in UTF-8 is looked for.
    also_trips=(
        "rfc5321/3.5-vrfy-expn/vrfy-full-name",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/vrfy-mailbox",
    ),
)(lambda rules: _telling(rules, lambda line: "User exists"))

fault(
    "vrfy-without-brackets",
    title="Addresses in replies to VRFY and EXPN have no pointed brackets",
    breaks=("RFC5321-3.5.2-03", "RFC5321-3.5.1-10"),
    also_trips=("rfc5321/3.5-vrfy-expn/vrfy-full-name",),
)(lambda rules: _telling(rules, lambda line: re.sub(r".*<(.*)>", r"\1", line)))

fault(
    "vrfy-source-route",
    title="VRFY and EXPN give source routes",
    breaks=("RFC5321-3.5.2-05",),
)(lambda rules: _telling(rules, lambda line: line.replace("<", "<@relay.lab.test:")))

fault(
    "vrfy-unusable-address",
    title="The address in a positive reply to VRFY is no mailbox",
    breaks=("RFC5321-3.5.2-04", "RFC5321-AppD-01"),
    also_trips=("rfc5321/3.5-vrfy-expn/*",),
)(lambda rules: _telling(rules, lambda line: re.sub(r"<(.*)>", r"<\1@uucp>", line)))

fault(
    "vrfy-without-name",
    title="VRFY gives the mailbox and no name",
    breaks=("RFC5321-3.5.1-03",),
)(lambda rules: _telling(rules, lambda line: line[line.index("<") :]))

fault(
    "vrfy-of-nobody",
    title="VRFY and EXPN without argument get 250",
    breaks=("RFC5321-4.1.1.6-02", "RFC5321-4.1.1.7-02"),
)(lambda rules: _of_nobody(rules))


def _of_nobody(rules: Rules) -> Rules:
    return on_reply(rules, lambda session, event, given: _CONFIRMED, ("VRFY", "EXPN"), 501)


fault(
    "expn-members-on-one-line",
    title="EXPN gives all members of a list on one line",
    breaks=("RFC5321-3.5.1-10",),
)(
    lambda rules: answer(
        rules, "EXPN", 250, lambda given: given._replace(lines=(" ".join((*given.lines, "<b@c.test>")),))
    )
)

fault(
    "vrfy-names-another",
    title="VRFY names a mailbox that does not exist",
    breaks=("RFC5321-AppD-01", "RFC5321-3.5.2-04"),
)(lambda rules: _telling(rules, lambda line: line.replace("<", "<former-")))

fault(
    "vrfy-short-domain",
    title="VRFY and EXPN give domains of one label",
    breaks=("RFC5321-3.5.1-02", "RFC5321-3.5.2-01", "RFC5321-3.5.2-03", "RFC5321-3.5.1-10"),
)(lambda rules: _telling(rules, lambda line: re.sub(r"@([^.>]+)[^>]*>", r"@\1>", line)))
