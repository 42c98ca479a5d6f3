"""Addresses of the envelope: paths, mailboxes, domains and address literals (RFC 5321 sections 4.1.2 and 4.1.3).

The grammar is written down once, in ``Grammar``, as regular expressions named after the productions of the RFC, so that
each can be read beside it. ``STRICT`` is the RFC; a laxer grammar is a ``dataclasses.replace`` of it, which is how the
faults of the reference server get theirs.

What the grammar does not say is not checked here: lengths (section 4.5.3.1) are limits of a server, and whether a
mailbox exists is its business. RFC 6531 section 3.3 adds non-ASCII characters to atoms, quoted strings and domain
labels; that is the ``utf8`` switch.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv6Address

Literal = IPv4Address | IPv6Address


class AddressError(ValueError):
    """The text is not what the grammar asks for; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """``Local-part "@" ( Domain / address-literal )``; the domain is empty for a bare ``postmaster``."""

    local: str
    """The local part as it is meant, without quotes and backslashes: ``"a"@b`` equals ``a@b`` (section 4.1.2)."""
    domain: str
    """The domain as it was written, an address literal with its brackets."""
    literal: Literal | None = None
    """The address that an address literal stands for."""

    def __str__(self) -> str:
        """Return the mailbox with as little quoting as the grammar allows (section 4.1.2: "minimal quoting")."""
        local = self.local if STRICT.utf8.dot_string.fullmatch(self.local) else quote(self.local)
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def host(self) -> str:
        """The domain in the form for comparing: lower case, A-labels (sections 2.4 and 4.1.2, RFC 6531 section 3.2)."""
        return fold(self.domain)

    @property
    def ascii(self) -> bool:
        """Whether every character is ASCII."""
        return self.local.isascii() and self.domain.isascii()


@dataclass(frozen=True, slots=True)
class Path:
    """``"<" [ A-d-l ":" ] Mailbox ">"``, or the null path ``<>``."""

    mailbox: Mailbox | None
    """None for ``<>``."""
    route: tuple[str, ...] = ()
    """The domains of a source route, first hop first (Appendix C)."""
    text: str = "<>"
    """The path as it was written, with its angle brackets."""
    local_octets: int = 0
    """The length of the local part as written, with its quotes, which section 4.5.3.1.1 limits."""

    def __str__(self) -> str:
        """Return the path without its route, as trace fields and the next hop are to see it."""
        return f"<{self.mailbox}>" if self.mailbox else "<>"

    @property
    def octets(self) -> int:
        """The length that section 4.5.3.1.3 limits: octets, with the angle brackets."""
        return len(self.text.encode(errors="surrogateescape"))


NULL_PATH = Path(None)


@dataclass(frozen=True)
class Grammar:
    """The productions as regular expressions over text; a name in braces stands for that production.

    ``non_ascii`` is what RFC 6531 adds to atoms, quoted strings and labels; it is empty outside SMTPUTF8.
    """

    non_ascii: str = ""
    atext: str = r"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{non_ascii}-]"
    dot_string: str = r"{atext}+(?:\.{atext}+)*"
    quoted_string: str = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e{non_ascii}]|\\[\x20-\x7e])*"'
    label: str = r"[A-Za-z0-9{non_ascii}](?:[A-Za-z0-9{non_ascii}-]{{0,61}}[A-Za-z0-9{non_ascii}])?"
    domain: str = r"{label}(?:\.{label})*"
    address_literal: str = r"\[[^\[\]\\]*\]"
    route: str = r"@{domain}(?:,@{domain})*:"
    opening: str = "<"
    closing: str = ">"
    literals: bool = True
    """Whether the inside of an address literal has to be an address (section 4.1.3)."""

    @cached_property
    def ascii(self) -> "Patterns":
        """The productions of RFC 5321."""
        return _compile(self)

    @cached_property
    def utf8(self) -> "Patterns":
        """The productions as RFC 6531 section 3.3 extends them."""
        return _compile(_with_non_ascii(self))


@dataclass(frozen=True, slots=True)
class Patterns:
    """A grammar, compiled."""

    dot_string: re.Pattern[str]
    domain: re.Pattern[str]
    mailbox: re.Pattern[str]
    path: re.Pattern[str]
    postmaster: re.Pattern[str]


def _with_non_ascii(grammar: Grammar) -> Grammar:
    return replace(grammar, non_ascii=r"\u0080-\U0010ffff")


@lru_cache(maxsize=64)
def _compile(grammar: Grammar) -> Patterns:
    names = {"non_ascii": grammar.non_ascii}
    for name in ("atext", "dot_string", "quoted_string", "label", "domain", "address_literal", "route"):
        names[name] = getattr(grammar, name).format(**names)
    mailbox = "(?P<local>{dot_string}|{quoted_string})@(?P<domain>{domain}|{address_literal})".format(**names)
    path = "{opening}(?:(?P<route>{route}))?{mailbox}{closing}".format(
        opening=grammar.opening, route=names["route"], mailbox=mailbox, closing=grammar.closing
    )
    return Patterns(
        dot_string=re.compile(names["dot_string"]),
        domain=re.compile(names["domain"]),
        mailbox=re.compile(mailbox),
        path=re.compile(path),
        postmaster=re.compile(f"{grammar.opening}(postmaster){grammar.closing}", re.IGNORECASE),
    )


STRICT = Grammar()


def split_path(text: str, *, grammar: Grammar = STRICT, utf8: bool = False) -> tuple[Path, str]:
    """Read the path at the start of ``text``; return it and what follows it.

    Raise AddressError if ``text`` does not start with a path.
    """
    patterns = grammar.utf8 if utf8 else grammar.ascii
    found = patterns.path.match(text)
    if found is None:
        if text.startswith("<>"):
            return NULL_PATH, text[2:]
        return _postmaster(text, patterns)
    mailbox = _mailbox(found, grammar)
    route = tuple(hop.lstrip("@") for hop in (found["route"] or "").rstrip(":").split(",") if hop)
    return Path(mailbox, route, found[0], len(found["local"].encode(errors="surrogateescape"))), text[found.end() :]


def _postmaster(text: str, patterns: Patterns) -> tuple[Path, str]:
    """``"<Postmaster>"`` of section 4.1.1.3, in any case."""
    found = patterns.postmaster.match(text)
    if found is None:
        raise AddressError("not a path: <local-part@domain> expected")
    return Path(Mailbox(found[1], ""), (), found[0], len(found[1])), text[found.end() :]


def parse_path(text: str, *, grammar: Grammar = STRICT, utf8: bool = False) -> Path:
    """Return ``text`` as a path; raise AddressError if it is not one, or if anything follows it."""
    path, rest = split_path(text, grammar=grammar, utf8=utf8)
    if rest:
        raise AddressError(f"nothing may follow the path: {rest!r}")
    return path


def parse_mailbox(text: str, *, grammar: Grammar = STRICT, utf8: bool = False) -> Mailbox:
    """Return ``local-part@domain``, without angle brackets, as a mailbox; raise AddressError if it is not one."""
    found = (grammar.utf8 if utf8 else grammar.ascii).mailbox.fullmatch(text)
    if found is None:
        raise AddressError("not a mailbox: local-part@domain expected")
    return _mailbox(found, grammar)


def _mailbox(found: re.Match[str], grammar: Grammar) -> Mailbox:
    local, domain = found["local"], found["domain"]
    if local.startswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    if not domain.startswith("["):
        return Mailbox(local, domain)
    try:
        return Mailbox(local, domain, parse_literal(domain))
    except AddressError:
        if grammar.literals:
            raise
        return Mailbox(local, domain)


def parse_domain(text: str, *, grammar: Grammar = STRICT, utf8: bool = False) -> str:
    """Return ``text`` if it is a Domain or an address literal (the argument of EHLO); raise AddressError if not."""
    if text.startswith("["):
        if grammar.literals:
            parse_literal(text)
        return text
    if not (grammar.utf8 if utf8 else grammar.ascii).domain.fullmatch(text):
        raise AddressError("not a domain: labels of letters, digits and inner hyphens, joined by dots")
    return text


_SNUM = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
_IPV4 = re.compile(rf"{_SNUM}(?:\.{_SNUM}){{3}}")
_IPV6 = re.compile(r"(?i:IPv6:)([0-9A-Fa-f:]+(?:\d+(?:\.\d+){3})?)")


def parse_literal(text: str) -> Literal:
    """Return the address in ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (section 4.1.3); raise AddressError if none is.

    A General-address-literal needs a registered tag; IPv6 is the only one that there is.
    """
    inside = text[1:-1]
    if not (text.startswith("[") and text.endswith("]")):
        raise AddressError("not an address literal: [ ... ] expected")
    if _IPV4.fullmatch(inside):
        return IPv4Address(".".join(str(int(number)) for number in inside.split(".")))
    found = _IPV6.fullmatch(inside)
    if found is None:
        raise AddressError("not an address literal: four numbers 0 to 255, or IPv6: and an address")
    return _ipv6(found[1])


def _ipv6(text: str) -> IPv6Address:
    """IPv6-full, IPv6-comp, IPv6v4-full or IPv6v4-comp; ``::`` stands for two groups or more."""
    head, _, tail = text.rpartition(":")
    if "." in tail:
        if not _IPV4.fullmatch(tail):
            raise AddressError("not an IPv6 address: bad IPv4 part")
        numbers = [int(number) for number in tail.split(".")]
        text = f"{head}:{numbers[0] << 8 | numbers[1]:x}:{numbers[2] << 8 | numbers[3]:x}"
    try:
        address = IPv6Address(text)
    except ValueError:
        raise AddressError("not an IPv6 address") from None
    if "::" in text and sum(1 for group in text.split(":") if group) > 6:
        raise AddressError("not an IPv6 address: :: stands for at least two groups (section 4.1.3)")
    return address


def quote(local: str) -> str:
    """Return a local part as a Quoted-string."""
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'


def fold(domain: str) -> str:
    """Return a domain in the form for comparing: lower case, U-labels as A-labels where they can be."""
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain.casefold()
