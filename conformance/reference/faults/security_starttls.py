"""Faults of STARTTLS that an attacker between client and server makes use of (RFC 3207 section 4.2)."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.actions import Action, StartTls
from conformance.reference.change import ehlo, on_actions, on_input
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import State
from conformance.smtp.address import Path


def _keeps(rules: Rules, kept: str) -> Rules:
    """Keep a part of what came behind STARTTLS for TLS: ``lines`` (whole ones), or the ``rest``."""

    def change(session: Session, octets: bytes) -> bytes:
        held = session.memory.pop("held", b"") if session.tls else b""
        verb, ended, behind = octets.partition(b"\r\n")
        if not session.tls and verb.upper() == b"STARTTLS" and ended:
            whole, _, rest = behind.rpartition(b"\r\n")
            session.memory["held"] = rest if kept == "rest" else whole + b"\r\n" if whole else b""
            return octets[: len(verb) + 2]
        return bytes(held) + octets

    return on_input(rules, change)


fault(
    "starttls-keeps-partial-line",
    title="Half a line in clear text behind STARTTLS is joined to the first line in TLS; whole lines are dropped",
    breaks=("SEC-STARTTLS-PARTIAL", "RFC3207-4-10"),
)(lambda rules: _keeps(rules, "rest"))

fault(
    "starttls-keeps-whole-lines",
    title="Whole lines in clear text behind STARTTLS are read when the first octets come in TLS",
    breaks=("SEC-STARTTLS-INJECTION", "RFC3207-4-09"),
    seen_in=("CVE-2024-34083 (aiosmtpd 1.4.5)", "CVE-2011-0411 (Postfix 2.7.2)"),
)(lambda rules: _keeps(rules, "lines"))


@fault(
    "starttls-lf-keeps-the-rest",
    title="STARTTLS may end with <LF>, and what stands behind it in its line is read in TLS",
    breaks=("SEC-STARTTLS-LF",),
)
def _line_feed(rules: Rules) -> Rules:
    def change(session: Session, octets: bytes) -> bytes:
        if not session.tls and octets.upper().startswith(b"STARTTLS\n"):
            session.memory["held"] = octets[9:].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            return b"STARTTLS\r\n"
        held = session.memory.pop("held", b"") if session.tls else b""
        return bytes(held) + octets

    return on_input(rules, change)


@fault(
    "starttls-runs-clear-commands",
    title="What stands behind STARTTLS is run in clear text before the handshake, and it fails",
    breaks=("SEC-STARTTLS-CLEAR", "SEC-STARTTLS-INJECTION", "RFC3207-4-08", "RFC3207-4-09"),
)
def _runs(rules: Rules) -> Rules:
    def change(session: Session, octets: bytes) -> bytes:
        if session.state is State.HANDSHAKE and not session.tls and b"\r\n" in octets:
            session.put("UNKNOWN", reply(451, "4.3.0", "Internal error"))
        verb, _, behind = octets.partition(b"\r\n")
        if verb.upper() == b"STARTTLS" and behind:
            session.memory["broken"] = True
        return octets

    def broken(session: Session, actions: list[Action]) -> list[Action]:
        if not session.memory.pop("broken", False):
            return actions
        return [
            *(action for action in actions if not isinstance(action, StartTls)),
            session.rules.render(reply(451, "4.3.0", "Internal error")),
        ]

    return on_actions(on_input(rules, change), broken)


fault(
    "starttls-not-offered",
    title="STARTTLS is not listed",
    breaks=("SEC-STARTTLS-OFFERED",),
)(lambda rules: ehlo(rules, lambda lines: tuple(line for line in lines if line != "STARTTLS")))

fault(
    "starttls-struck-out",
    title="A device on the way overwrites STARTTLS in the EHLO reply",
    breaks=("SEC-STARTTLS-OFFERED", "RFC5321-4.1.1.1-14"),
    seen_in=("Cisco PIX and ASA with SMTP fixup",),
)(lambda rules: ehlo(rules, lambda lines: tuple("XXXXXXXA" if line == "STARTTLS" else line for line in lines)))


@fault(
    "starttls-word-refused",
    title="A command that holds the word starttls is refused",
    breaks=("SEC-STARTTLS-OVERBLOCK",),
)
def _word(rules: Rules) -> Rules:
    before = rules.sender

    def sender(session: Session, path: Path) -> Reply | None:
        return reply(501, "5.5.4", "No") if "starttls" in path.text else before(session, path)

    return replace(rules, sender=sender)


@fault(
    "starttls-flood-stops-the-server",
    title="Thousands of commands behind STARTTLS stop the server",
    breaks=("SEC-STARTTLS-FLOOD",),
)
def _flood(rules: Rules) -> Rules:
    def change(session: Session, octets: bytes) -> bytes:
        if session.state is not State.HANDSHAKE and octets.startswith(b"STARTTLS") and octets.count(b"\n") > 5000:
            session.site.count = -1
        return octets

    def greeting(session: Session) -> Reply:
        stopped = reply(554, "", f"{session.site.host} stopped")
        return stopped if session.site.count < 0 else rules.greeting(session)

    return replace(on_input(rules, change), greeting=greeting)
