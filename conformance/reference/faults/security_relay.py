"""Faults of relaying: who may send mail to other domains, and what address opens the door (RFC 5321 section 7.9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.reference import policy
from conformance.reference.change import handled, without_gate
from conformance.reference.faults import fault
from conformance.reference.reply import Reply
from conformance.reference.rules import Rules
from conformance.reference.session import Recipient, Session
from conformance.smtp.address import AddressError, Mailbox, Path, parse_path

Opening = Callable[[Session, Path], bool]


def _open(rules: Rules, opens: Opening) -> Rules:
    """Relay for everybody where a condition holds."""
    before = rules.recipient

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        assert path.mailbox is not None
        if not policy.is_local(session, path.mailbox) and opens(session, path):
            return Recipient(path)
        return before(session, path)

    return replace(rules, recipient=recipient)


def _reverse(session: Session) -> Mailbox | None:
    return session.transaction.reverse_path.mailbox


def _local(session: Session, mailbox: Mailbox | None) -> bool:
    return mailbox is not None and bool(mailbox.domain) and policy.is_local(session, mailbox)


fault(
    "relays-for-strangers",
    title="Mail to any domain is taken from anybody, and sent on",
    breaks=("SEC-RELAY-PLAIN", "SEC-RELAY-ACCEPT-ALL", "RFC5321-7.9-02", "RFC5321-3.6.2-01"),
    seen_in=("CVE-1999-0512",),
    also_trips=("security/relay/*", "rfc5321/3.6-relaying/*"),
    roles=("mx", "relay"),
)(lambda rules: _open(rules, lambda session, path: True))

fault(
    "relays-before-login",
    title="A submission server takes mail before login",
    breaks=("SEC-RELAY-SUBMISSION", "SEC-AUTH-SUBMISSION-TLS", "RFC6409-4.3-01"),
    # A client without login is served, with any domain.
    also_trips=(
        "rfc4954-auth/6-status-codes/login-first",
        "rfc6409-submission/3-submission/no-return-path",
        "rfc6409-submission/4-mandatory-actions/partial-domain-goes-nowhere",
        "rfc6409-submission/4-mandatory-actions/partial-domain*",
    ),
    roles=("submission",),
)(lambda rules: _open(without_gate(rules, "login"), lambda session, path: session.site.role == "submission"))

fault(
    "relays-for-null-path",
    title="The null reverse-path opens the relay",
    breaks=("SEC-RELAY-SENDER",),
    roles=("mx", "relay"),
)(lambda rules: _open(rules, lambda session, path: _reverse(session) is None))

fault(
    "relays-for-local-sender",
    title="A reverse-path in a local domain opens the relay, whoever sends",
    breaks=("SEC-RELAY-SENDER",),
    seen_in=("sendmail with FEATURE(`relay_local_from')",),
    roles=("mx", "relay"),
)(lambda rules: _open(rules, lambda session, path: _local(session, _reverse(session))))

fault(
    "relays-for-localhost-sender",
    title="A reverse-path at localhost opens the relay",
    breaks=("SEC-RELAY-SENDER",),
    roles=("mx", "relay"),
)(lambda rules: _open(rules, lambda session, path: getattr(_reverse(session), "domain", "") == "localhost"))

fault(
    "relays-for-the-same-domain",
    title="A reverse-path in the domain of the recipient opens the relay",
    breaks=("SEC-RELAY-SENDER",),
    roles=("mx", "relay"),
)(
    lambda rules: _open(
        rules, lambda session, path: getattr(_reverse(session), "host", "") == getattr(path.mailbox, "host", None)
    )
)


@fault(
    "relays-for-sender-without-domain",
    title="A reverse-path without domain is completed with the local domain, and opens the relay",
    breaks=("SEC-RELAY-SENDER", "RFC5321-4.1.2-01"),
    roles=("mx", "relay"),
)
def _unqualified(rules: Rules) -> Rules:
    def path(session: Session, text: str, forward: bool) -> tuple[Path, str]:
        found = re.match(r"<([A-Za-z0-9]+)>", text)
        if forward or found is None:
            return rules.path(session, text, forward)
        return parse_path(f"<{found[1]}@{session.site.host}>"), text[found.end() :]

    return _open(replace(rules, path=path), lambda session, path: _at_host(session))


def _at_host(session: Session) -> bool:
    return getattr(_reverse(session), "domain", "") == session.site.host


def _looks_into(rules: Rules, rewrite: Callable[[Session, str], str | None]) -> Rules:
    """Take the local part of a local address for another address where ``rewrite`` finds one."""
    before = rules.recipient

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        mailbox = path.mailbox
        assert mailbox is not None
        found = rewrite(session, mailbox.local) if policy.is_local(session, mailbox) else None
        if found is None:
            return before(session, path)
        try:
            inner = parse_path(f"<{found}>")
        except AddressError:
            return before(session, path)
        assert inner.mailbox is not None
        return recipient(session, inner) if policy.is_local(session, inner.mailbox) else Recipient(inner)

    return replace(rules, recipient=recipient)


def _percent(session: Session, local: str) -> str | None:
    return "@".join(local.rsplit("%", 1)) if "%" in local and "!" not in local else None


def _bang(session: Session, local: str) -> str | None:
    found = re.fullmatch(r"([^!]+)!(.+)", local)
    return f"{found[2]}@{found[1]}" if found else None


fault(
    "percent-hack",
    title="user%domain at a local domain is relayed to that domain",
    breaks=("SEC-RELAY-PERCENT",),
    seen_in=("sendmail with FEATURE(`loose_relay_check')",),
    roles=("mx", "relay"),
)(lambda rules: _looks_into(rules, _percent))

fault(
    "bang-path",
    title="domain!user at a local domain is relayed to that domain, and what it says with a percent sign too",
    breaks=("SEC-RELAY-BANG",),
    roles=("mx", "relay"),
)(
    lambda rules: _looks_into(
        rules, lambda session, local: _bang(session, local) if "!" in local else _inner_percent(session, local)
    )
)


def _inner_percent(session: Session, local: str) -> str | None:
    """Percent forms only behind a bang path: a plain one is another fault's."""
    return _percent(session, local) if b"!" in session.line else None


fault(
    "unquotes-local-part",
    title="A quoted address in a local part is taken out of its quotes, and relayed to",
    breaks=("SEC-RELAY-QUOTED",),
    roles=("mx", "relay"),
)(lambda rules: _looks_into(rules, lambda session, local: local if "@" in local else None))

fault(
    "follows-source-routes",
    title="A source route through this server is followed, wherever it leads",
    breaks=("SEC-RELAY-ROUTE",),
    roles=("mx", "relay"),
)(lambda rules: _open(rules, lambda session, path: bool(path.route)))


def _misreads(rules: Rules, read: Callable[[str], tuple[str, str] | None]) -> Rules:
    """Take the address that ``read`` finds in a forward-path for the recipient, with no further question."""

    def path(session: Session, text: str, forward: bool) -> tuple[Path, str]:
        session.memory["misread"] = False
        found = read(text) if forward else None
        if found is None:
            return rules.path(session, text, forward)
        session.memory["misread"] = True
        return parse_path(f"<{found[0]}>"), found[1]

    changed = without_gate(replace(rules, path=path), "characters")
    return _open(changed, lambda session, path: bool(session.memory.get("misread")))


def _reader(pattern: str, address: str) -> Callable[[str], tuple[str, str] | None]:
    compiled = re.compile(pattern)

    def read(text: str) -> tuple[str, str] | None:
        found = compiled.match(text)
        return (found.expand(address), text[found.end() :]) if found else None

    return read


fault(
    "stops-at-the-first-domain",
    title="Of an address with two at signs the part before the second one is the recipient",
    breaks=("SEC-RELAY-TWO-AT",),
    roles=("mx", "relay"),
    also_trips=(
        "rfc5321/2.4-syntax-and-octets/eight-bit-argument*",
        "rfc6531-smtputf8/3.3-addresses/not-utf8*",
    ),
)(lambda rules: _misreads(rules, _reader(r"<([^<>@\",:]+)@([^<>@,]+)@[^<>@]+>", r"\1@\2")))

fault(
    "completes-bare-addresses",
    title="An address in quotes, or with a percent sign or a bang and no domain, is rewritten and relayed to",
    breaks=("SEC-RELAY-BARE",),
    roles=("mx", "relay"),
    also_trips=(
        "rfc5321/2.4-syntax-and-octets/eight-bit-argument*",
        "rfc6531-smtputf8/3.3-addresses/not-utf8*",
    ),
)(lambda rules: _misreads(rules, _reader(r'<"?([^<>@"!%]+)[@%]([^<>@"!%]+)"?@?>(?<=[">@]>)', r"\1@\2")))

fault(
    "takes-the-last-address",
    title="Of several addresses in a path the last one is the recipient",
    breaks=("SEC-RELAY-SEVERAL",),
    roles=("mx", "relay"),
    also_trips=(
        "rfc5321/2.4-syntax-and-octets/eight-bit-argument*",
        "rfc5321/4.1.1.3-rcpt/malformed*",
        "rfc6531-smtputf8/3.3-addresses/not-utf8*",
    ),
)(lambda rules: _misreads(rules, _reader(r"<[^<>:]+[, \t]([^<>@, \t]+)@([^<>@, \t]+)>", r"\1@\2")))

fault(
    "relays-for-own-names",
    title="A client that calls itself by a name or an address of this server, or a private one, may relay",
    breaks=("SEC-RELAY-HELO",),
    roles=("mx", "relay"),
)(lambda rules: _open(rules, lambda session, path: _trusted_name(session)))


def _trusted_name(session: Session) -> bool:
    names = {"localhost", session.site.host, *session.site.domains, "[10.0.0.1]"}
    return session.hello.lower() in names | {f"[{address}]" for address in session.site.addresses}


@fault(
    "relays-after-any-login",
    title="AUTH opens the relay, whatever became of it",
    breaks=("SEC-RELAY-FAILED-LOGIN",),
    roles=("mx", "relay"),
)
def _any_login(rules: Rules) -> Rules:
    before = rules.commands["AUTH"].handler

    def auth(session: Session, argument: str) -> Reply | None:
        session.memory["login"] = True
        return before(session, argument)

    return _open(handled(rules, "AUTH", auth), lambda session, path: "login" in session.memory)


fault(
    "sink",
    title="Every recipient is accepted, and nothing is sent on",
    breaks=("SEC-RELAY-ACCEPT-ALL", "SEC-RELAY-PLAIN", "SEC-RELAY-CATCH-ALL"),
    seen_in=("test sinks such as MailHog and Papercut, on purpose",),
    also_trips=(
        "rfc5321/2.3.10-relay/*",
        "security/relay/*",
        "rfc5321/3.3-mail-transactions/unknown-recipient*",
        "rfc5321/3.6-relaying/unqualified-domain*",
        "rfc5321/3.9-lists-and-aliases/*",
    ),
    roles=("mx", "relay"),
)(lambda rules: replace(rules, recipient=lambda session, path: Recipient(path, "postmaster")))


@fault(
    "catch-all",
    title="Every name in the local domain gets its mail",
    breaks=("SEC-RELAY-CATCH-ALL", "RFC5321-3.3-08"),
    also_trips=("security/relay/delivered*",),
    roles=("mx", "relay"),
)
def _catch_all(rules: Rules) -> Rules:
    before = rules.recipient

    def recipient(session: Session, path: Path) -> Recipient | Reply:
        assert path.mailbox is not None
        if policy.is_local(session, path.mailbox) and policy.lookup(session, path.mailbox.local) is None:
            return Recipient(path, "postmaster")
        return before(session, path)

    return replace(rules, recipient=recipient)
