"""Faults in paths, mailboxes, domains and address literals (RFC 5321 sections 4.1.1.2, 4.1.1.3, 4.1.2 and 4.1.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.reference.change import answer, arguments, goes, without_gate
from conformance.reference.faults import fault
from conformance.reference.faults._seen import AIOSMTPD, CHASQUID, EXIM, JAMES, OPENSMTPD, POSTFIX, QPSMTPD, SENDMAIL
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.reference.table import State
from conformance.smtp.address import AddressError, Mailbox, Path, split_path

_UNKNOWN = reply(550, "5.1.1", "No such mailbox here")
_NOTHING = "(?!)"
"""What no text matches."""


def _paths(rules: Rules, **productions: Any) -> Rules:
    """Change productions of the grammar of paths; the argument of EHLO keeps the strict one."""
    grammar = replace(rules.grammar, **productions)

    def path(session: Session, text: str, forward: bool) -> tuple[Path, str]:
        found, rest = split_path(text, grammar=grammar, utf8=not text.isascii())
        if forward and found.mailbox is None:
            raise AddressError("the null path is no forward-path")
        return found, rest

    return replace(rules, path=path)


def _refusing(rules: Rules, refuse: Callable[[Session, Path], Reply | None]) -> Rules:
    """Refuse some forward-paths that would be accepted."""
    before = rules.recipient

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        return refuse(session, path) or before(session, path)

    return replace(rules, recipient=recipient)


# The commands

fault(
    "mail-without-path",
    title="MAIL without a path starts a transaction with the null reverse-path",
    breaks=(
        "RFC5321-4.1.1.2-03",
        "RFC5321-4.1.4-11",
    ),
    seen_in=(QPSMTPD,),
    # A positive reply has another second digit.
    also_trips=("rfc5321/4.2-replies/second-digit*",),
)(lambda rules: arguments(rules, lambda text: text if "<" in text else "FROM:<>", "MAIL"))

fault(
    "rcpt-without-path",
    title="RCPT without a path, or with the null path, adds postmaster",
    breaks=("RFC5321-4.1.1.3-09", "RFC5321-4.1.2-05", "RFC5321-4.1.2-04"),
    seen_in=(f"{AIOSMTPD}: the null path",),
)(lambda rules: arguments(rules, lambda text: text if re.search("<.*[^:]>", text) else "TO:<postmaster>", "RCPT"))


def _bracketed(text: str) -> str:
    keyword, colon, path = text.partition(":")
    found = re.search(r"[^\s<>,\"]+@[^\s<>,\"]+", path)
    return f"{keyword}{colon}<{found[0]}>" if found and colon else text


fault(
    "path-without-brackets",
    title="The first thing with an at sign in it is taken for the path, with or without angle brackets",
    breaks=("RFC5321-4.1.1.2-03", "RFC5321-4.1.1.3-09", "RFC5321-4.1.2-05", "RFC5321-4.1.4-11", "RFC5321-4.1.2-07"),
    seen_in=(POSTFIX, EXIM, SENDMAIL, CHASQUID, AIOSMTPD),
    # What stands behind the first address is lost, parameters too.
    also_trips=(
        "rfc*/*",
        "security/*",
    ),
)(lambda rules: arguments(rules, _bracketed))

fault(
    "path-keyword-ignored",
    title="MAIL TO:, RCPT FROM: and a missing colon are no mistakes",
    breaks=(
        "RFC5321-4.1.1.2-03",
        "RFC5321-4.1.1.3-09",
        "RFC5321-4.1.4-11",
    ),
)(
    lambda rules: arguments(
        arguments(rules, lambda text: re.sub(r"^[A-Za-z]+:? ?(?=<)", "FROM:", text), "MAIL"),
        lambda text: re.sub(r"^[A-Za-z]+:? ?(?=<)", "TO:", text),
        "RCPT",
    )
)

fault(
    "path-keyword-in-upper-case-only",
    title="from:, to: and size= in lower case are syntax errors",
    breaks=("RFC5321-2.4-03",),
    # The same is asked of the parameters of extensions.
    also_trips=(
        "rfc1870-size/6-mail-command/accepted*",
        "rfc3030-chunking/3-binarymime/accepted*",
        "rfc3461-dsn/4-parameters/mail-parameters*",
        "rfc3461-dsn/4-parameters/rcpt-parameters*",
        "rfc4954-auth/5-mail-parameter/accepted*",
        "rfc6152-8bitmime/2-keyword-and-parameter/body-values*",
        "rfc6531-smtputf8/3.1-keyword-and-parameter/accepted*",
    ),
)(lambda rules: arguments(rules, lambda text: "" if re.search("[a-z]+[:=]", text.split("<")[0]) else _upper(text)))


def _upper(text: str) -> str:
    return re.sub(r"> [a-z].*", "> =", text)


fault(
    "mail-syntax-error-550",
    title="A reverse-path that is none gets 550",
    breaks=(
        "RFC5321-4.1.4-11",
        "RFC6409-5.1-01",
        "RFC5321-4.1.2-26",
        "RFC5321-4.2.1-04",
    ),
    seen_in=(OPENSMTPD,),
    # Parameters that can't be read are syntax errors too.
    also_trips=(
        "rfc3461-dsn/4-parameters/mail-parameters-malformed*",
        "rfc3461-dsn/4-parameters/mail-parameters-twice*",
    ),
)(lambda rules: answer(rules, "MAIL", 501, lambda given: given._replace(code=550)))

fault(
    "mail-refused-back-to-ehlo",
    title="After a refused MAIL the server wants EHLO again",
    breaks=("RFC5321-4.1.4-12",),
    # These send MAIL again after one that was refused.
    also_trips=(
        "rfc1870-size/6-mail-command/next-message",
        "rfc5321/4.1.1.11-parameters/unknown-mail-parameter*",
    ),
)(lambda rules: goes(rules, State.READY, "MAIL", 5, State.CONNECTED))

# Local parts

fault(
    "local-part-of-letters",
    title="A local part that is not quoted has two letters at least and nothing else",
    breaks=("RFC5321-4.1.2-14", "RFC5321-2.3.11-01", "RFC1123-5.2.16-01"),
    # Mailboxes in UTF-8, and one with a dot in it.
    also_trips=(
        "rfc6531-smtputf8/3.3-addresses/recipient",
        "rfc6531-smtputf8/3.3-addresses/sender*",
        "security/starttls/word-in-address*",
    ),
)(lambda rules: _paths(rules, dot_string="[A-Za-z]{{2,}}"))

fault(
    "local-part-quoted-refused",
    title="Quoted local parts are syntax errors",
    breaks=("RFC5321-4.1.2-15", "RFC5321-4.1.2-16", "RFC5321-4.1.2-21", "RFC5321-4.1.2-28"),
    seen_in=(f"{OPENSMTPD}: with 553",),
    # A quoted local part in UTF-8.
    also_trips=("rfc6531-smtputf8/3.3-addresses/sender*",),
)(lambda rules: _paths(rules, quoted_string=_NOTHING))

fault(
    "local-part-quoted-is-another",
    title="A mailbox does not exist when it is named in quotes",
    breaks=("RFC5321-4.1.2-21",),
    seen_in=(JAMES,),
)(lambda rules: _refusing(rules, lambda session, path: _UNKNOWN if path.text.startswith('<"') else None))

fault(
    "local-part-case-sensitive",
    title="A mailbox does not exist when it is named in upper case; postmaster does",
    breaks=("RFC5321-4.1.2-09",),
    seen_in=("Courier 1.0.16",),
)(lambda rules: _refusing(rules, _in_capitals))


def _in_capitals(session: Session, path: Path) -> Reply | None:
    local = path.mailbox.local if path.mailbox else ""
    return _UNKNOWN if local.isupper() and local.lower() in ("alice", "bob") else None


fault(
    "local-part-dots",
    title="Local parts may begin and end with dots and have two in a row",
    breaks=("RFC5321-4.1.2-13",),
    seen_in=(POSTFIX, EXIM, SENDMAIL, AIOSMTPD),
    # One row asks for the status code of such a mailbox.
    also_trips=("rfc3463-status/3-codes/refusals*",),
)(lambda rules: _paths(rules, dot_string=r"(?:{atext}|\.)+"))

fault(
    "local-part-not-ended-quotes",
    title="Quoted local parts may hold quotes, and text may stand before and behind them",
    breaks=(
        "RFC5321-4.1.2-15",
        "RFC5321-4.1.2-18",
        "RFC5321-4.1.2-17",
        "RFC5321-2.4-15",
    ),
    seen_in=(AIOSMTPD,),
    # Nothing looks at the octets any more.
    also_trips=("rfc6531-smtputf8/3.3-addresses/not-utf8*",),
)(lambda rules: _paths(without_gate(rules, "characters"), quoted_string=r'[^@<>]*"[^@<>]*'))

fault(
    "local-part-specials",
    title="Parentheses, commas, colons and spaces are taken in local parts",
    breaks=("RFC6409-5.1-01", "RFC5321-4.1.2-18", "RFC5321-4.1.2-19", "RFC5321-4.1.1.3-09"),
    seen_in=(POSTFIX, SENDMAIL, AIOSMTPD, QPSMTPD),
    # Its mailboxes are ASCII, with SMTPUTF8 too.
    also_trips=(
        "rfc6531-smtputf8/3.3-addresses/recipient",
        "rfc6531-smtputf8/3.3-addresses/sender*",
    ),
)(lambda rules: _paths(rules, atext=r"[ !#-\-/-=?-~]"))

fault(
    "local-part-control-characters",
    title="Control characters are taken in local parts",
    breaks=("RFC5321-4.1.2-26", "RFC5321-4.1.2-24", "RFC5321-4.1.2-17", "RFC5321-2.4-15"),
    seen_in=(POSTFIX, QPSMTPD, AIOSMTPD),
    # Its mailboxes are ASCII, with SMTPUTF8 too.
    also_trips=(
        "rfc6531-smtputf8/3.3-addresses/recipient",
        "rfc6531-smtputf8/3.3-addresses/sender*",
    ),
)(lambda rules: _paths(without_gate(rules, "characters"), atext=r"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\x00-\x1f\x7f-]"))

# Paths, domains and literals

_ANYTHING = re.compile(r"<(.*)>")


def _any_path(session: Session, text: str, forward: bool) -> tuple[Path, str]:
    """Take all between the first and the last angle bracket."""
    found = _ANYTHING.match(text)
    inside = found[1].rpartition(":")[2] if found and found[1].startswith("@") else found[1] if found else ""
    if found is None or (forward and not inside):
        raise AddressError("not a path")
    if not inside:
        return Path(None), text[found.end() :]
    local, _, domain = inside.rpartition("@")
    if forward:
        return Path(Mailbox(local.strip('"') or domain, domain), (), found[0]), text[found.end() :]
    return Path(Mailbox(local, domain), (), found[0]), text[found.end() :]


fault(
    "path-anything",
    title="Whatever stands between angle brackets is taken for a path",
    breaks=(
        "RFC6409-5.1-01",
        "RFC5321-4.1.1.3-10",
        "RFC5321-4.1.2-21",
        "RFC1123-5.2.17-02",
        "RFC5321-2.3.5-03",
        "RFC5321-4.5.1-03",
        "RFC5321-4.1.2-01",
        "RFC5321-4.1.2-04",
        "RFC5321-4.1.2-05",
        "RFC5321-4.1.2-10",
        "RFC5321-4.1.2-13",
        "RFC5321-4.1.2-17",
        "RFC5321-4.1.2-18",
        "RFC5321-4.1.2-19",
        "RFC5321-4.1.3-01",
        "RFC5321-4.1.3-02",
        "RFC5321-4.1.3-05",
        "RFC5321-4.1.3-06",
        "RFC5321-4.1.4-11",
        "RFC5321-4.1.1.2-03",
        "RFC5321-4.1.1.3-09",
        "RFC5321-2.3.5-05",
        "RFC5321-4.1.2-28",
        "RFC5321-2.4-14",
    ),
    seen_in=(AIOSMTPD, QPSMTPD),
    # Rows with such paths that ask for something else.
    also_trips=(
        "rfc3461-dsn/4-parameters/mail-parameters*",
        "rfc3463-status/3-codes/refusals*",
        "rfc5321/F-deprecated-features/number-literal*",
    ),
)(lambda rules: replace(rules, path=_any_path))

fault(
    "path-nothing",
    title="A path whose mailbox lacks its local part or its domain is taken",
    breaks=(
        "RFC6409-5.1-01",
        "RFC5321-4.1.4-11",
        "RFC5321-4.1.2-10",
        "RFC5321-4.1.2-18",
        "RFC5321-3.3-03",
        "RFC5321-4.1.2-04",
    ),
)(lambda rules: _paths(rules, dot_string="(?:{atext}+(?:\\.{atext}+)*)?", domain=r"(?:{label}(?:\.{label})*)?"))

fault(
    "source-route-refused",
    title="Source routes are syntax errors",
    breaks=(
        "RFC5321-4.1.1.3-02",
        "RFC5321-4.1.1.3-03",
        "RFC5321-3.3-09",
        "RFC5321-3.3-10",
        "RFC5321-4.1.2-03",
        "RFC5321-4.1.2-04",
        "RFC1123-5.2.6-02",
    ),
    seen_in=(CHASQUID, JAMES),
)(lambda rules: _paths(rules, route=_NOTHING))

fault(
    "source-route-declined",
    title="Source routes are declined with 550",
    breaks=("RFC5321-4.1.1.3-03", "RFC5321-3.3-10", "RFC5321-4.1.2-03"),
)(lambda rules: _refusing(rules, lambda session, path: reply(550, "5.1.2", "No source routes") if path.route else None))

fault(
    "source-route-lax",
    title="Anything with a colon is taken for a source route",
    breaks=(
        "RFC5321-4.1.2-18",
        "RFC5321-4.1.2-04",
    ),
)(lambda rules: _paths(rules, route=r"[^<>\s]*?:|@[a-z]+\.[a-z]+(?=alice)"))

fault(
    "domain-of-lower-case-words",
    title="A domain of a path is two or three words in lower case",
    breaks=("RFC5321-4.1.2-12", "RFC5321-4.1.2-10", "RFC5321-4.1.2-11", "RFC5321-2.4-05", "RFC5321-4.1.1.3-10"),
    # A domain in UTF-8.
    also_trips=("rfc6531-smtputf8/3.3-addresses/sender*",),
)(lambda rules: _paths(rules, domain=r"[a-z]{{1,20}}(?:\.[a-z]{{1,20}}){{1,2}}"))

fault(
    "domain-any-characters",
    title="Domains may have empty labels, outer hyphens, underscores and other characters",
    breaks=("RFC5321-4.1.4-11", "RFC5321-4.1.2-04", "RFC5321-4.1.2-10", "RFC5321-2.3.5-05", "RFC5321-4.1.2-26"),
    seen_in=(POSTFIX, SENDMAIL, AIOSMTPD),
    # A number is a domain then.
    also_trips=("rfc5321/F-deprecated-features/number-literal*",),
)(lambda rules: _paths(rules, domain=r"[^<>@\[\]\s\x00-\x1f]*"))

fault(
    "literal-refused",
    title="Address literals are syntax errors in paths",
    breaks=("RFC1123-5.2.17-01", "RFC1123-5.2.17-02", "RFC5321-4.1.3-02", "RFC5321-4.1.3-04", "RFC5321-4.1.3-07"),
    seen_in=(EXIM, f"{CHASQUID}: those of IPv6", f"{JAMES}: those of IPv6"),
)(lambda rules: _paths(rules, address_literal=_NOTHING))

fault(
    "literal-anything",
    title="Whatever stands in square brackets is taken for an address literal",
    breaks=("RFC5321-4.1.3-01", "RFC5321-4.1.3-02", "RFC5321-4.1.3-05", "RFC5321-4.1.3-06"),
    seen_in=(SENDMAIL, QPSMTPD, AIOSMTPD),
)(lambda rules: _paths(rules, literals=False, address_literal=r"\[?[^\[\]\\<>]*\](?:[.\[][^<>]*)?|\[[^<>]*"))

fault(
    "literal-of-own-address-refused",
    title="Mail for a literal of the server's own address is mail for elsewhere",
    breaks=("RFC1123-5.2.17-02", "RFC5321-4.1.3-07"),
    seen_in=(POSTFIX, EXIM, SENDMAIL, OPENSMTPD, QPSMTPD, CHASQUID),
)(
    lambda rules: _refusing(
        rules, lambda session, path: _UNKNOWN if path.mailbox and path.mailbox.literal is not None else None
    )
)

# Postmaster

fault(
    "postmaster-unknown",
    title="There is no postmaster",
    breaks=(
        "RFC1123-5.2.17-02",
        "RFC5321-4.1.1.3-10",
        "RFC5321-4.5.1-02",
        "RFC5321-4.5.1-03",
        "RFC5321-4.5.1-06",
        "RFC5321-2.3.5-03",
        "RFC1123-5.2.7-01",
    ),
)(lambda rules: _refusing(rules, lambda session, path: _UNKNOWN if _is_postmaster(path) else None))

fault(
    "postmaster-without-domain-refused",
    title="<Postmaster> without a domain is refused",
    breaks=("RFC5321-2.3.5-03", "RFC5321-4.5.1-03", "RFC5321-4.1.1.3-10"),
    seen_in=(OPENSMTPD, CHASQUID, "Courier 1.0.16"),
)(lambda rules: _refusing(rules, lambda session, path: _UNKNOWN if path.mailbox and not path.mailbox.domain else None))

fault(
    "postmaster-case-sensitive",
    title="Postmaster exists in lower case only",
    breaks=("RFC5321-4.1.1.3-10", "RFC5321-4.5.1-02", "RFC5321-4.5.1-03", "RFC5321-2.3.5-03"),
)(
    lambda rules: _refusing(
        rules,
        lambda session, path: (
            _UNKNOWN if _is_postmaster(path) and path.mailbox and path.mailbox.local != "postmaster" else None
        ),
    )
)


def _is_postmaster(path: Path) -> bool:
    return path.mailbox is not None and path.mailbox.local.lower() == "postmaster"
