"""What holds for any input: segmentation does not matter, nothing raises, memory is bounded, replies fit the tables."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.reference import Limits, Server, StartTls
from conformance.reference.actions import Action
from conformance.reference.change import on_reply
from conformance.reference.faults import Fault, catalogue, changed
from conformance.reference.reply import Reply
from conformance.reference.rules import strict
from conformance.reference.session import Session
from conformance.reference.site import Role
from conformance.reference.table import ALWAYS, TEXT_REPLIES

from .dialogues import site

LINES = st.sampled_from(
    [
        b"EHLO c.test\r\n",
        b"LHLO c.test\r\n",
        b"HELO c.test\r\n",
        b"MAIL FROM:<a@b.test>\r\n",
        b"MAIL FROM:<> BODY=BINARYMIME RET=HDRS\r\n",
        b"RCPT TO:<alice@lab.test>\r\n",
        b"RCPT TO:<staff@lab.test> NOTIFY=SUCCESS\r\n",
        b"RCPT TO:<nobody@lab.test>\r\n",
        b"DATA\r\n",
        b"..text\r\n",
        b"\n.\r\n",
        b".\r\n",
        b"BDAT 7\r\n",
        b"BDAT 3 LAST\r\n",
        b"BDAT 99 LAST\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"VRFY alice\r\n",
        b"EXPN staff\r\n",
        b"HELP\r\n",
        b"AUTH PLAIN\r\n",
        b"AUTH LOGIN\r\n",
        b"AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPWFiYw==\r\n",
        b"AUTH PLAIN AGFsaWNlAGFsaWNlLXNlY3JldA==\r\n",
        b"AGFsaWNlAGFsaWNlLXNlY3JldA==\r\n",
        b"*\r\n",
        b"STARTTLS\r\n",
        b"QUIT\r\n",
        b"NOOP " + b"x" * 700 + b"\r\n",
    ]
)
INPUT = st.lists(st.one_of(LINES, LINES, LINES, st.binary(max_size=30)), max_size=30).map(b"".join)
ROLES = st.sampled_from(["mx", "submission", "lmtp", "relay"])
SMALL = Limits(message=100, storage=2000, command_line=512, auth_line=600, errors=20, logins=3, recipients=3)


def converse(role: Role, segments: list[bytes], *, tls: bool) -> tuple[list[Action], object]:
    """Return all actions for an input, and what is left at its end."""
    where = site(role)
    where.limits = SMALL
    server = Server(where)
    actions = server.connected(tls=tls)
    for segment in segments:
        actions += server.receive(segment)
        assert server.buffered <= 3000 + len(segment)
        while actions and actions[-1] == StartTls() and not server.session.tls:
            actions += server.tls_established()
    joined: list[Action] = []
    for action in actions:
        if isinstance(action, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += action
        else:
            joined.append(action)
    return joined, (server.session.state, [message.octets for message in where.store], len(where.outgoing))


def without_starttls(octets: bytes) -> bytes:
    """Return input in which STARTTLS does not occur: there, segments do matter (RFC 3207)."""
    return re.sub(rb"(?i)STARTTLS", b"STARTLES", octets)


@settings(max_examples=300, deadline=None)
@given(role=ROLES, octets=INPUT.map(without_starttls), cuts=st.lists(st.integers(0, 800)), tls=st.booleans())
def test_segmentation_does_not_matter(role: Role, octets: bytes, cuts: list[int], tls: bool) -> None:
    """Any segmentation gives the same octets, the same state and the same messages."""
    borders = [0, *sorted(cut for cut in cuts if cut < len(octets)), len(octets)]
    segments = [octets[start:end] for start, end in pairwise(borders)]
    assert converse(role, segments, tls=tls) == converse(role, [octets], tls=tls)


@settings(max_examples=100, deadline=None)
@given(role=ROLES, octets=INPUT.map(without_starttls), tls=st.booleans())
def test_single_octets(role: Role, octets: bytes, tls: bool) -> None:
    """One octet at a time is the same as all at once."""
    singles = [octets[index : index + 1] for index in range(len(octets))]
    assert converse(role, singles, tls=tls) == converse(role, [octets], tls=tls)


REPLY = re.compile(rb"(?:([2-5][0-5][0-9])-[\t -~]*\r\n)*([2-5][0-5][0-9]) [\t -~]*\r\n")
STATUS = re.compile(rb"[245]\.\d{1,3}\.\d{1,3} ")


@settings(max_examples=300, deadline=None)
@given(role=ROLES, segments=st.lists(INPUT, max_size=5), tls=st.booleans())
def test_replies_are_well_formed(role: Role, segments: list[bytes], tls: bool) -> None:
    """Every reply keeps the grammar, the line limit, one code, and an enhanced status code of its class."""
    actions, _ = converse(role, segments, tls=tls)
    text = b"".join(action for action in actions if isinstance(action, bytes))
    position = 0
    while position < len(text):
        found = REPLY.match(text, position)
        assert found is not None
        position = found.end()
        codes = {line[:3] for line in found[0].split(b"\r\n")[:-1]}
        assert len(codes) == 1
        assert all(len(line) <= 510 for line in found[0].split(b"\r\n"))
        statuses = {STATUS.match(line, 4) for line in found[0].split(b"\r\n")[:-1]}
        assert all(status is None or status[0][:1] == found[0][:1] for status in statuses)


@settings(max_examples=200, deadline=None)
@given(role=ROLES, segments=st.lists(INPUT, max_size=5), tls=st.booleans())
def test_replies_are_in_the_table(role: Role, segments: list[bytes], tls: bool) -> None:
    """Only those codes answer a command that the table allows."""
    commands = strict(role).commands
    seen: list[tuple[str, int]] = []

    def watch(session: Session, event: str, reply: Reply) -> Reply:
        seen.append((event, reply.code))
        return reply

    server = Server(site(role), [Fault("watch", "", (), lambda rules: on_reply(rules, watch), "test")])
    server.connected(tls=tls)
    for segment in segments:
        server.receive(segment)
    for event, code in seen:
        if event in commands:
            command = commands[event]
            assert code in {*command.success, *command.errors, *ALWAYS, 503}
        elif event in ("END-OF-DATA", "BDAT LAST"):
            assert code in {*TEXT_REPLIES[0], *TEXT_REPLIES[1], 503, 530}
        else:
            assert (event, code) in {("GREETING", 220), ("UNKNOWN", 500), ("SHUTDOWN", 421)}


@pytest.mark.parametrize("role", ["mx", "submission", "lmtp", "relay"])
def test_every_fault_can_be_had_in_every_role(role: Role) -> None:
    """Where a fault does not show, it changes nothing."""
    for fault in catalogue().values():
        rules = changed(role, (fault,))
        assert (role in fault.roles) or rules is strict(role)
