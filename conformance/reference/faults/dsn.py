"""Faults of DSN (RFC 3461): the parameters of MAIL and RCPT, and the notices."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference import notification, transaction
from conformance.reference.change import anything, handled, listed, parameter
from conformance.reference.extension import dsn
from conformance.reference.faults import fault
from conformance.reference.faults._seen import EXIM, JAMES
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.reference.site import Stored
from conformance.reference.table import Command

_UNKNOWN = reply(555, "5.5.4", "Unknown parameter")

fault(
    "dsn-with-parameter",
    title="DSN is listed with a parameter",
    breaks=("RFC3461-2-01",),
)(lambda rules: listed(rules, "DSN", "DSN YES"))

fault(
    "dsn-mail-parameters-unknown",
    title="DSN is listed, and RET and ENVID are unknown",
    breaks=("RFC3461-5.1-01", "RFC3461-4.3-01", "RFC3461-4-01", "RFC3461-5.4-01", "RFC3461-4-02"),
)(lambda rules: parameter(parameter(rules, "RET", lambda s, value: _UNKNOWN), "ENVID", lambda s, value: dsn._ENVID))


def _alphanumeric(session: Session, value: str | None) -> Reply | None:
    return dsn._ENVID if value and not re.fullmatch(r"[\w+]*", value) else dsn._envid(session, value)


fault(
    "envid-of-letters",
    title="ENVID takes letters and digits only",
    breaks=("RFC3461-4-01", "RFC3461-4-02"),
)(lambda rules: parameter(rules, "ENVID", _alphanumeric))


def _capitals(session: Session, value: str | None) -> Reply | None:
    return dsn._RET if value != (value or "").upper() else dsn._ret(session, value)


fault(
    "ret-in-capitals",
    title="RET takes capital letters only",
    breaks=("RFC3461-4.3-01",),
)(lambda rules: parameter(rules, "RET", _capitals))


def _short(session: Session, value: str | None) -> Reply | None:
    return dsn._ENVID if value and len(value) > 50 else dsn._envid(session, value)


fault(
    "envid-of-50-characters",
    title="ENVID may have 50 characters",
    breaks=("RFC3461-5.4-01",),
)(lambda rules: parameter(rules, "ENVID", _short))


def _not_for_notices(rules: Rules) -> Rules:
    def mail(session: Session, argument: str) -> Reply:
        odd = argument[:7].upper() == "FROM:<>" and "ENVID" in argument.upper()
        return reply(550, "5.5.4", "No notice about a notice") if odd else transaction.mail(session, argument)

    return handled(rules, "MAIL", mail)


fault(
    "envid-refused-of-nobody",
    title="MAIL FROM:<> with ENVID is refused",
    breaks=("RFC3461-5.1-01",),
)(_not_for_notices)

fault(
    "dsn-mail-parameters-anything",
    title="RET and ENVID take anything",
    breaks=("RFC3461-5.1-02", "RFC3461-4.3-01", "RFC3461-4.4-01", "RFC3461-4.4-02", "RFC3461-4-01"),
)(lambda rules: parameter(parameter(rules, "RET", anything), "ENVID", anything))


def _rewritten(rules: Rules, verb: str, pattern: str, instead: str) -> Rules:
    """Read the argument of a command after replacing what matches."""
    handler = rules.commands[verb].handler
    return handled(rules, verb, lambda session, argument: handler(session, re.sub(pattern, instead, argument)))


fault(
    "dsn-equals-sign",
    title="RET= and ENVID= are taken with nothing behind them, and with an equals sign in the value",
    breaks=("RFC3461-4.3-01", "RFC3461-4.4-01", "RFC3461-5.1-02"),
    also_trips=("rfc5321/4.1.2-argument-syntax/*",),
)(lambda rules: _rewritten(rules, "MAIL", r" (?:RET|ENVID)=(?:\w*=\w*)?$", ""))

fault(
    "dsn-refused-550",
    title="A RET or ENVID that is not valid gets 550",
    breaks=("RFC3461-5.1-02", "RFC3461-4.3-01", "RFC3461-4.4-01"),
)(lambda rules: parameter(parameter(rules, "RET", _late(dsn._ret)), "ENVID", _late(dsn._envid)))


def _late(check: Callable[[Session, str | None], Reply | None]) -> Callable[[Session, str | None], Reply | None]:
    def late(session: Session, value: str | None) -> Reply | None:
        found = check(session, value)
        return found._replace(code=550) if found else None

    return late


fault(
    "dsn-mail-parameters-twice",
    title="Of two RET or ENVID parameters the last one counts",
    breaks=("RFC3461-4.5-01",),
    seen_in=(EXIM, f"{JAMES}: both are taken"),
)(lambda rules: _rewritten(rules, "MAIL", r" (?:RET|ENVID)=\w+(?= (?:RET|ENVID)=\w+$)", ""))

# RCPT

fault(
    "dsn-rcpt-parameters-unknown",
    title="DSN is listed, and NOTIFY and ORCPT are unknown",
    breaks=(
        "RFC3461-5.1-03",
        "RFC3461-4.1-03",
        "RFC3461-5.4-04",
        "RFC3461-4.2-02",
        "RFC3461-4-01",
        "RFC3461-4.2-03",
        "RFC3461-5.4-02",
        "RFC3461-5.4-03",
    ),
)(lambda rules: parameter(parameter(rules, "NOTIFY", lambda s, value: _UNKNOWN), "ORCPT", lambda s, value: _UNKNOWN))


def _small(session: Session, value: str | None) -> Reply | None:
    return dsn._NOTIFY if value != (value or "").upper() else dsn._notify(session, value)


fault(
    "notify-in-capitals",
    title="NOTIFY takes capital letters only",
    breaks=("RFC3461-4.1-03",),
)(lambda rules: parameter(rules, "NOTIFY", _small))


def _addresses(session: Session, value: str | None) -> Reply | None:
    fine = re.fullmatch(r"rfc822;[\w.+-]+@[\w.-]+", value or "")
    return None if fine else dsn._ORCPT


fault(
    "orcpt-of-addresses",
    title="ORCPT takes addresses of the Internet only, with a type in small letters",
    breaks=("RFC3461-4.2-03", "RFC3461-4.2-02", "RFC3461-5.4-02"),
    # ORCPT with an address in UTF-8.
    also_trips=("rfc6531-smtputf8/3.1-keyword-and-parameter/with-dsn*",),
)(lambda rules: parameter(rules, "ORCPT", _addresses))


def _line_512(session: Session, command: Command, argument: str) -> Reply | None:
    return reply(500, "5.5.2", "Line too long") if command.verb == "RCPT" and len(session.line) > 510 else None


fault(
    "dsn-rcpt-line-512",
    title="An RCPT line may have 512 octets, whatever extensions are offered",
    breaks=("RFC3461-5.4-02", "RFC3461-5.4-03", "RFC5321-4.5.3.1.4-02"),
)(lambda rules: replace(rules, gates=(_line_512, *rules.gates)))

fault(
    "notify-never-hides-errors",
    title="An unknown recipient with NOTIFY=NEVER is accepted",
    breaks=("RFC3461-5.1-03",),
)(lambda rules: _rewritten(rules, "RCPT", r"TO:<nobody@lab.test> NOTIFY=NEVER", "TO:<postmaster@lab.test>"))

fault(
    "dsn-notify-put-off",
    title="RCPT with NOTIFY gets 451",
    breaks=("RFC3461-4.1-03", "RFC3461-5.1-03", "RFC3461-5.4-04"),
    seen_in=(JAMES,),
)(lambda rules: parameter(rules, "NOTIFY", lambda session, value: reply(451, "4.3.0", "Try again later")))

fault(
    "dsn-rcpt-parameters-anything",
    title="NOTIFY and ORCPT take anything",
    breaks=(
        "RFC3461-5.1-04",
        "RFC3461-4.1-01",
        "RFC3461-4.1-02",
        "RFC3461-4.1-04",
        "RFC3461-4.2-01",
        "RFC3461-4.2-04",
        "RFC3461-4-01",
    ),
)(lambda rules: parameter(parameter(rules, "NOTIFY", anything), "ORCPT", anything))

fault(
    "dsn-rcpt-parameters-empty",
    title="NOTIFY= and ORCPT= are taken with nothing behind them",
    breaks=("RFC3461-4.1-01", "RFC3461-4.2-01"),
)(lambda rules: _rewritten(rules, "RCPT", r" (?:NOTIFY|ORCPT)=$", ""))

fault(
    "dsn-rcpt-parameters-twice",
    title="Of two NOTIFY or ORCPT parameters the last one counts",
    breaks=("RFC3461-4.5-02",),
    seen_in=(EXIM,),
)(lambda rules: _rewritten(rules, "RCPT", r" (NOTIFY|ORCPT)=\S+(?= \1=\S+$)", ""))

# Notices

fault(
    "notice-of-delivery-missing",
    title="NOTIFY=SUCCESS brings no notice",
    breaks=("RFC3461-5.2.3-01",),
)(lambda rules: replace(rules, wanted=lambda session, recipients: []))


def _all(session: Session, recipients: list[Recipient]) -> list[Recipient]:
    return recipients if session.transaction.reverse_path.mailbox is not None else []


fault(
    "notice-of-delivery-always",
    title="Notices of delivery come to who did not ask for them",
    breaks=("RFC3461-5.2.3-02",),
    also_trips=(
        "rfc5321/6.2-unwanted-messages/hostile-content-not-returned",
        "rfc5321/3.9-lists-and-aliases/author-is-member",
    ),
)(lambda rules: replace(rules, wanted=_all))


def _notices(rules: Rules, rewrite: Callable[[bytes], bytes], sender: str = "") -> Rules:
    """Change the notices that are written."""

    def notices(session: Session, recipients: list[Recipient], message: bytes, identity: str) -> list[Stored]:
        found = rules.notices(session, recipients, message, identity)
        return [replace(notice, octets=rewrite(notice.octets), reverse_path=sender) for notice in found]

    return replace(rules, notices=notices)


fault(
    "notice-from-postmaster",
    title="Notices have a reverse-path, so that notices about notices go round",
    breaks=("RFC3461-6.1-01",),
)(lambda rules: _notices(rules, lambda octets: octets, "postmaster@lab.test"))

fault(
    "notice-without-report",
    title="A notice is a letter for people only",
    breaks=("RFC3461-6.2-01",),
)(lambda rules: _notices(rules, lambda octets: octets.replace(b"multipart/report", b"multipart/mixed")))

fault(
    "notice-without-status",
    title="A notice says neither who got the message nor with what status",
    breaks=("RFC3461-6.3-04", "RFC3461-6.3-05"),
)(lambda rules: _notices(rules, lambda octets: re.sub(rb"(?:Final-Recipient|Status): .*\r\n", b"", octets)))

fault(
    "notice-without-reporter",
    title="A notice does not say which server writes it",
    breaks=("RFC3461-6.3-02",),
)(lambda rules: _notices(rules, lambda octets: re.sub(rb"Reporting-MTA: .*\r\n", b"", octets)))

fault(
    "notice-without-originals",
    title="A notice names neither envelope nor original recipient",
    breaks=("RFC3461-6.3-01", "RFC3461-6.3-03"),
)(lambda rules: _notices(rules, lambda octets: re.sub(rb"Original-(?:Envelope-Id|Recipient): .*\r\n", b"", octets)))

fault(
    "notice-with-encoded-envelope",
    title="A notice names the envelope in xtext",
    breaks=("RFC3461-6.3-01",),
)(lambda rules: _notices(rules, lambda octets: octets.replace(b"Id: QQ+314", b"Id: QQ+2B314")))


def _named(octets: bytes) -> bytes:
    if b"Original-Envelope-Id" in octets:
        return octets
    return octets.replace(b"Reporting-MTA:", b"Original-Envelope-Id: 00000001\r\nReporting-MTA:")


fault(
    "notice-with-envelope-of-its-own",
    title="A notice names an envelope though the sender did not",
    breaks=("RFC3461-6.3-01",),
)(lambda rules: _notices(rules, _named))


def _whole(rules: Rules) -> Rules:
    def notices(session: Session, recipients: list[Recipient], message: bytes, identity: str) -> list[Stored]:
        found = rules.notices(session, recipients, message, identity)
        body = message.partition(b"\r\n\r\n")[2]
        return [replace(notice, octets=notice.octets + body) for notice in found]

    return replace(rules, notices=notices)


fault(
    "notice-with-whole-message",
    title="A notice of delivery returns the whole message",
    breaks=("RFC3461-6.2-03",),
)(_whole)


def _injectable(session: Session, value: str | None) -> Reply | None:
    return None if value and "+0D+0A" in value else dsn._orcpt(session, value)


fault(
    "notice-with-lines-of-others",
    title="What ORCPT says is written into the notice, line ends too",
    breaks=("RFC3461-4.2-04", "RFC3461-4-01"),
)(lambda rules: replace(parameter(rules, "ORCPT", _injectable), notices=notification.delivered))
