"""Faults of the state machine: RSET, EHLO, QUIT, order of commands."""

from conformance.reference.change import stays
from conformance.reference.faults import fault
from conformance.reference.rules import Rules
from conformance.reference.table import State


@fault(
    "rset-keeps-recipients",
    title="RSET answers 250 and forgets nothing",
    breaks=("RFC5321-4.1.1.5-01",),
)
def rset_keeps_recipients(rules: Rules) -> Rules:
    """Leave the open transaction as it is."""
    return stays(stays(rules, State.RCPT, "RSET", 2), State.MAIL, "RSET", 2)
