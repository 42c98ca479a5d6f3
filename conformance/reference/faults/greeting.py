"""Faults of the greeting, and of servers that refuse every session (RFC 5321 section 3.1, RFC 7504 section 3)."""

from __future__ import annotations

from functools import partial

from conformance.reference.actions import Action
from conformance.reference.change import answer, closing, goes, on_reply, raw
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import State

fault(
    "greeting-250",
    title="The greeting is 250 instead of 220",
    breaks=("RFC5321-4.3.2-08", "RFC5321-4.2-04", "RFC5321-3.1-01"),
)(lambda rules: answer(rules, "GREETING", 220, lambda given: given._replace(code=250)))

fault(
    "greeting-after-first-command",
    title="The server waits for the client to speak first",
    breaks=("RFC5321-3.1-01",),
)(lambda rules: raw(rules, lambda octets: b"", "GREETING"))

fault(
    "greeting-554-closes",
    title="The connection is closed right after a greeting of 554",
    breaks=("RFC5321-3.1-04",),
)(lambda rules: closing(rules, "GREETING", 554))

fault(
    "greeting-554-serves",
    title="The greeting refuses the session, and commands are carried out all the same",
    breaks=("RFC5321-3.1-05", "RFC1846-4.2-01", "RFC7504-3-04"),
)(lambda rules: goes(rules, State.CONNECTED, "GREETING", 5, State.READY))

fault(
    "greeting-521-quit",
    title="QUIT is refused after a greeting that refuses the session",
    breaks=("RFC7504-3-05", "RFC5321-3.1-04"),
)(lambda rules: on_reply(rules, _no_way_out, "QUIT"))


def _no_way_out(session: Session, event: str, given: Reply) -> Reply:
    return reply(521, "5.3.2", "No mail here") if session.site.refuses else given


fault(
    "greeting-554-curt",
    title="The greeting that refuses the session says nothing but No",
    breaks=("RFC5321-3.1-06", "RFC1846-4.1-01"),
)(lambda rules: _curt(_curt(rules, 554), 521))


def _curt(rules: Rules, code: int) -> Rules:
    return answer(rules, "GREETING", code, reply(code, "", "No"))


fault(
    "greeting-521-as-554",
    title="A server that never accepts mail greets with 554",
    breaks=("RFC7504-3-01", "RFC5321-4.3.2-08"),
)(lambda rules: answer(rules, "GREETING", 521, lambda given: given._replace(code=554)))


fault(
    "help-version",
    title="HELP tells what the server runs on",
    breaks=("RFC5321-7.5-01",),
)(lambda rules: answer(rules, "HELP", 214, reply(214, "2.0.0", "Servermail on Linux 6.1.0")))


def _recoded(rules: Rules, code: int) -> Rules:
    return answer(rules, "GREETING", 220, lambda given: given._replace(code=code))


for _code in (450, 550):
    fault(
        f"greeting-{_code}",
        title=f"The greeting is {_code}, and the session goes on",
        breaks=("RFC5321-4.3.2-08", "RFC5321-4.2-04"),
    )(partial(_recoded, code=_code))

fault(
    "greeting-521-as-550",
    title="A server that never accepts mail greets with 550",
    breaks=("RFC7504-3-01", "RFC5321-4.3.2-08"),
)(lambda rules: answer(rules, "GREETING", 521, lambda given: given._replace(code=550)))


@fault(
    "greeting-when-spoken-to",
    title="The server greets when the client has sent something",
    breaks=("RFC5321-3.1-01",),
    # The greeting looks like the reply to the header.
    also_trips=("security/trusted-verbs/proxy-header*",),
)
def _spoken_to(rules: Rules) -> Rules:
    def change(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if event == "GREETING":
            session.memory["greeting"] = given
            return []
        greeting: Reply | None = session.memory.pop("greeting", None)
        return greeting or given

    return on_reply(rules, change)
