"""Which addresses this site takes mail from and for, and what it tells about them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.smtp.address import AddressError, Mailbox, Path, parse_mailbox, split_path

from .reply import Reply, reply
from .session import Recipient

if TYPE_CHECKING:
    from .session import Session

_UNQUALIFIED_SENDER = reply(501, "5.1.8", "Sender domain is not fully qualified")
_UNQUALIFIED = reply(550, "5.1.2", "Domain is not fully qualified")
_UNKNOWN = reply(550, "5.1.1", "No such mailbox here")
_NO_RELAY = reply(550, "5.7.1", "Relaying denied")
_ELSEWHERE = reply(550, "5.1.2", "Not a mailbox of this host")
_NOT_SAID = reply(252, "2.5.0", "Cannot tell, but will take messages and try to deliver them")
_SYNTAX = reply(501, "5.5.4", "A name or an address expected")
_ASCII_ONLY = reply(553, "5.6.7", "SMTPUTF8 is needed for that address")
_STRING = re.compile(r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\U0010ffff]|\\[\x20-\x7e])*"').fullmatch


def path(session: Session, text: str, forward: bool) -> tuple[Path, str]:
    """Split the path off the start of ``text``: ``<>`` only from MAIL, bare ``<Postmaster>`` only from RCPT.

    Raise AddressError (RFC5321-4.1.2-01, RFC5321-4.1.1.3-10).
    """
    found, rest = split_path(text, grammar=session.rules.grammar, utf8=not text.isascii())
    if forward and found.mailbox is None:
        raise AddressError("the null path is no forward-path")
    if not forward and found.mailbox is not None and not found.mailbox.domain:
        raise AddressError("a reverse-path needs a domain")
    return found, rest


def sender(session: Session, path: Path) -> Reply | None:
    """Take mail from everybody; as a submission server only from qualified domains (RFC6409-4.2-01)."""
    if session.site.role != "submission" or path.mailbox is None:  # RFC6409-3.2-03
        return None
    return None if _qualified(path.mailbox) else _UNQUALIFIED_SENDER


def recipient(session: Session, path: Path) -> Recipient | Reply:
    """Take mail for the mailboxes here from everybody, for elsewhere from users who logged in (section 7.9).

    A source route has been ignored before (RFC5321-3.3-10).
    """
    mailbox = path.mailbox
    assert mailbox is not None
    if is_local(session, mailbox):
        name = lookup(session, mailbox.local)
        if name is None:
            return _UNKNOWN  # RFC5321-3.3-08
        return Recipient(path, "" if session.site.role == "relay" else name)
    if session.user is None or session.site.role == "lmtp":
        return _NO_RELAY  # RFC5321-3.6.2-01, RFC5321-7.9-02
    return Recipient(path) if _qualified(mailbox) else _UNQUALIFIED


def is_local(session: Session, mailbox: Mailbox) -> bool:
    """Whether the domain is one of the site's, or a literal of its own address (RFC1123-5.2.17-02), or not there."""
    if mailbox.literal is not None:
        return str(mailbox.literal) in session.site.addresses
    return not mailbox.domain or mailbox.host in session.site.domains or mailbox.host == session.site.host


def lookup(session: Session, local: str) -> str | None:
    """Return the mailbox, list or alias that a local part means, None if there is none.

    Case does not matter and ``+detail`` is ignored (RFC5321-4.1.2-20); postmaster always exists (RFC5321-4.5.1-02).
    """
    name = local.lower().partition("+")[0]
    site = session.site
    known = name == "postmaster" or any(name in names for names in (site.mailboxes, site.lists, site.aliases))
    return name if known else None


def _qualified(mailbox: Mailbox) -> bool:
    return mailbox.literal is not None or "." in mailbox.domain


def verify(session: Session, argument: str) -> Reply:
    """Answer VRFY: 250 with the mailbox, 550, or 252 where the site does not tell (sections 3.5 and 7.3)."""
    if not session.site.verify:
        return _NOT_SAID  # RFC5321-7.3-02
    name = _local_name(session, argument)
    if isinstance(name, Reply):
        return name
    return reply(250, "2.1.5", _entry(session, name))  # RFC5321-3.5.1-02, RFC5321-3.5.2-03


def expand(session: Session, argument: str) -> Reply:
    """Answer EXPN: the members of a list or an alias, one to a line (RFC5321-3.5.1-10), or the one mailbox it is."""
    if not session.site.verify:
        return _NOT_SAID
    name = _local_name(session, argument)
    if isinstance(name, Reply):
        return name
    members = session.site.lists.get(name) or session.site.aliases.get(name, (name,))
    return Reply(250, "2.1.5", tuple(_entry(session, member) for member in members))


def _entry(session: Session, name: str) -> str:
    address = f"<{name}@{session.site.domains[0]}>"
    full_name = session.site.mailboxes.get(name)
    return f"{full_name} {address}" if full_name else address


def _local_name(session: Session, argument: str) -> str | Reply:
    """Return the mailbox, list or alias that the argument of VRFY or EXPN means, or the reply that refuses it.

    A String (Atom or Quoted-string), a mailbox, or a mailbox in angle brackets (RFC5321-3.5.1-11, -12).
    """
    text, space, last = argument.rpartition(" ")
    utf8 = bool(space) and last.upper() == "SMTPUTF8"  # RFC6531-3.1-06
    text = text if utf8 else argument
    if not text.isascii() and not utf8:
        return _ASCII_ONLY
    grammar = session.rules.grammar
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    patterns = grammar.utf8 if utf8 else grammar.ascii
    if patterns.dot_string.fullmatch(text):
        local: str = text
    elif _STRING(text):
        local = re.sub(r"\\(.)", r"\1", text[1:-1])
    else:
        try:
            mailbox = parse_mailbox(text, grammar=grammar, utf8=utf8)
        except AddressError:
            return _SYNTAX
        if not is_local(session, mailbox):
            return _ELSEWHERE
        local = mailbox.local
    return lookup(session, local) or _UNKNOWN
