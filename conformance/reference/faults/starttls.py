"""Faults of STARTTLS (RFC 3207)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from conformance.reference import dialogue, transaction
from conformance.reference.actions import Action
from conformance.reference.change import answer, extension, handled, listed, on_input, on_reply, stays
from conformance.reference.extension import starttls
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Rules
from conformance.reference.session import Session
from conformance.reference.table import ANY, State

_READY = reply(220, "2.0.0", "Ready to start TLS")
_TLS_FIRST = reply(530, "5.7.0", "Must issue a STARTTLS command first")

fault(
    "starttls-with-parameter",
    title="STARTTLS is listed with a parameter",
    breaks=("RFC3207-2-01",),
)(lambda rules: listed(rules, "STARTTLS", "STARTTLS REQUIRED"))

fault(
    "starttls-not-available",
    title="STARTTLS is listed and gets 454",
    breaks=("RFC3207-3-01",),
)(lambda rules: handled(rules, "STARTTLS", lambda session, argument: reply(454, "4.7.0", "TLS not available now")))

fault(
    "starttls-250",
    title="STARTTLS is answered with 250",
    breaks=("RFC3207-4-01", "RFC5321-4.3.1-05"),
)(lambda rules: answer(rules, "STARTTLS", 220, reply(250, "2.0.0", "Ready to start TLS")))


@fault(
    "starttls-without-handshake",
    title="STARTTLS gets 220, and the session goes on in clear text",
    breaks=("RFC3207-3-01", "RFC3207-4-08", "RFC3207-4-09", "RFC3207-X-01"),
)
def _no_handshake(rules: Rules) -> Rules:
    for state in ANY:
        rules = stays(rules, state, "STARTTLS", 2)
    return rules


def _early(session: Session, argument: str) -> Reply | None:
    if session.esmtp or session.tls:
        return starttls._starttls(session, argument)
    session.put("STARTTLS", _READY)
    return None


fault(
    "starttls-early-without-handshake",
    title="STARTTLS before EHLO gets 220, and the session goes on in clear text",
    breaks=("RFC3207-X-01",),
)(lambda rules: handled(rules, "STARTTLS", _early))

fault(
    "starttls-argument-ignored",
    title="STARTTLS with an argument is taken",
    breaks=("RFC3207-4-02",),
    seen_in=("emersion/go-smtp",),
)(lambda rules: handled(rules, "STARTTLS", rules.commands["STARTTLS"].handler, argument="[ SP String ]"))

fault(
    "starttls-keeps-clear-octets",
    title="What came in clear text behind STARTTLS is read as commands in TLS",
    breaks=("RFC3207-4-09", "RFC3207-4-10"),
    seen_in=("CVE-2011-0411 (Postfix)", "CVE-2021-38371 (Exim)", "CVE-2021-33515 (Dovecot submission)"),
)(lambda rules: replace(rules, keep_clear_octets=True))


@fault(
    "starttls-demanded",
    title="Mail for local mailboxes is refused without TLS",
    breaks=("RFC3207-4-03",),
    roles=("mx", "relay"),
)
def _demanded(rules: Rules) -> Rules:
    def mail(session: Session, argument: str) -> Reply:
        return transaction.mail(session, argument) if session.tls else _TLS_FIRST

    return handled(rules, "MAIL", mail)


@fault(
    "starttls-demanded-at-recipient",
    title="Recipients are refused without TLS",
    breaks=("RFC3207-4-03",),
    roles=("mx", "relay"),
)
def _demanded_at_recipient(rules: Rules) -> Rules:
    def rcpt(session: Session, argument: str) -> Reply:
        if session.tls:
            return transaction.rcpt(session, argument)
        return reply(550, "5.7.10", "Encryption needed for that recipient")

    return handled(rules, "RCPT", rcpt)


for verb, code_list in (("NOOP", "RFC5321-4.3.2-13"), ("EHLO", "RFC5321-4.3.2-09"), ("QUIT", "RFC5321-4.3.2-13")):

    def _first(rules: Rules, verb: str = verb) -> Rules:
        if verb not in rules.commands:  # LMTP
            return rules
        handler = rules.commands[verb].handler

        def handle(session: Session, argument: str) -> Reply | None:
            early = session.site.role == "submission" and session.hello and not session.tls
            return _TLS_FIRST if early else handler(session, argument)

        return handled(rules, verb, handle)

    fault(
        f"starttls-before-{verb.lower()}",
        title=f"A submission server refuses {verb} until TLS is there",
        breaks=("RFC3207-4-07", code_list),
        roles=("submission",),
    )(_first)

fault(
    "starttls-demanded-554",
    title="A submission server says 554 where TLS or a login is missing",
    breaks=("RFC3207-4-05",),
    roles=("submission",),
)(lambda rules: on_reply(rules, _late_554, "MAIL", 530))


def _late_554(session: Session, event: str, given: Reply) -> Reply:
    return given if session.tls else reply(554, "5.7.0", "TLS first")


fault(
    "starttls-demanded-without-status",
    title="A submission server says 530 5.7.1 where TLS or a login is missing",
    breaks=("RFC3207-4-06", "RFC5248-2.4-01"),
    roles=("submission",),
)(lambda rules: answer(rules, "MAIL", 530, lambda given: given._replace(status="5.7.1")))


# After the handshake


def _after_tls(rules: Rules, state: State, *, hello: bool = False, user: bool = False) -> Rules:
    """Let the handshake leave the session in another state, and forget less."""

    def after(session: Session) -> None:
        kept = session.hello, session.esmtp, session.user, session.transaction
        dialogue.forget(session)
        if hello:
            session.hello, session.esmtp = kept[:2]
        if user:
            session.user = kept[2]
        if kept[3].recipients or state is not State.RCPT:
            session.enter(state)
            session.transaction = kept[3]

    return replace(rules, after_tls=after)


fault(
    "starttls-keeps-hello",
    title="The EHLO from before the handshake still counts after it",
    breaks=("RFC3207-4.2-01", "RFC3207-6-04"),
)(lambda rules: _after_tls(rules, State.READY, hello=True))

fault(
    "starttls-keeps-transaction",
    title="A transaction that began in clear text goes on in TLS",
    breaks=("RFC3207-4.2-02", "RFC3207-6-04", "SEC-STARTTLS-TRANSACTION"),
)(lambda rules: _after_tls(rules, State.RCPT))

fault(
    "starttls-keeps-login",
    title="A login from before the handshake still counts after it",
    breaks=("RFC3207-4.2-03", "RFC3207-6-04"),
)(lambda rules: _after_tls(rules, State.CONNECTED, user=True))

fault(
    "starttls-keeps-password-login",
    title="Passwords are taken in clear text, and such a login still counts after the handshake",
    breaks=("RFC3207-4.2-03", "RFC3207-6-04", "RFC4954-4-26", "RFC4954-4-25", "RFC4616-5-01", "SEC-AUTH-CLEAR"),
)(lambda rules: replace(_after_tls(rules, State.CONNECTED, user=True), may_use=lambda session, mechanism: True))


@fault(
    "starttls-greets-again",
    title="A second greeting follows the handshake",
    breaks=("RFC3207-4.2-04",),
)
def _greets_again(rules: Rules) -> Rules:
    def after(session: Session) -> None:
        dialogue.forget(session)
        session.put("GREETING", rules.greeting(session))

    return replace(rules, after_tls=after)


def _listed_again(session: Session) -> str | None:
    return "STARTTLS" if session.site.tls else None


fault(
    "starttls-listed-in-tls",
    title="STARTTLS is listed in TLS",
    breaks=("RFC3207-4.2-07",),
)(lambda rules: extension(rules, "STARTTLS", offer=_listed_again))


@fault(
    "starttls-listed-in-second-reply",
    title="The second EHLO reply in TLS lists STARTTLS",
    breaks=("RFC3207-4.2-07",),
)
def _listed_later(rules: Rules) -> Rules:
    def offer(session: Session) -> str | None:
        if not session.tls:
            return starttls._offer(session)
        session.memory["hellos"] = session.memory.get("hellos", 0) + 1
        return "STARTTLS" if session.memory["hellos"] > 1 else None

    return extension(rules, "STARTTLS", offer=offer)


fault(
    "starttls-in-tls",
    title="STARTTLS in TLS gets 220",
    breaks=("RFC3207-4.2-08",),
)(lambda rules: handled(rules, "STARTTLS", lambda session, argument: _READY))


@fault(
    "starttls-then-no-mail",
    title="MAIL is refused in TLS for want of an EHLO that was sent",
    breaks=("RFC3207-4.2-09",),
    roles=("mx", "relay"),
)
def _no_mail(rules: Rules) -> Rules:
    def mail(session: Session, argument: str) -> Reply:
        return reply(503, "5.5.1", "EHLO first") if session.tls else transaction.mail(session, argument)

    return handled(rules, "MAIL", mail)


@fault(
    "starttls-then-no-data",
    title="DATA is refused in TLS",
    breaks=("RFC3207-4.2-09",),
    roles=("mx", "relay"),
)
def _no_data(rules: Rules) -> Rules:
    def data(session: Session, argument: str) -> Reply:
        return reply(554, "5.5.1", "No message here") if session.tls else transaction.data(session, argument)

    return handled(rules, "DATA", data)


# Refusals and replies that are not called for


def _refused(rules: Rules, code: int) -> Rules:
    return handled(rules, "STARTTLS", lambda session, argument: reply(code, "5.5.1", "Not now"))


for code in (501, 502):
    fault(
        f"starttls-refused-{code}",
        title=f"STARTTLS is listed and gets {code}",
        breaks=("RFC3207-3-01", "RFC3207-4-01", "RFC5321-4.1.1.1-24"),
    )(partial(_refused, code=code))

fault(
    "starttls-argument-502",
    title="STARTTLS with an argument gets 502",
    breaks=("RFC3207-4-02",),
)(lambda rules: answer(rules, "STARTTLS", 501, reply(502, "5.5.1", "Not so")))


@fault(
    "starttls-reply-in-tls",
    title="In TLS the server begins with a reply that nobody asked for",
    breaks=("RFC3207-4.2-04",),
    # Each later reply is taken for that of another command.
    also_trips=("rfc3207*", "rfc4954*", "security/auth/*", "security/starttls/*", "lint/unsolicited"),
)
def _unasked(rules: Rules) -> Rules:
    def after(session: Session) -> None:
        rules.after_tls(session)
        session.put("STARTTLS", reply(250, "2.0.0", "TLS is up"))

    return replace(rules, after_tls=after)


@fault(
    "starttls-runs-clear-octets",
    title="What came in clear text behind STARTTLS is answered at once, in clear text",
    breaks=("RFC3207-4-09", "SEC-STARTTLS-INJECTION"),
)
def _in_clear_text(rules: Rules) -> Rules:
    def change(session: Session, octets: bytes) -> bytes:
        session.memory["behind"] = octets.startswith(b"STARTTLS\r\n") and octets.count(b"\r\n") > 1
        return octets

    def twice(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        if not session.memory.get("behind"):
            return given
        return [session.rules.render(given), b"250 2.0.0 Done\r\n"]

    return on_reply(on_input(rules, change), twice, "STARTTLS", 220)


def _demanding(rules: Rules, event: str, refusal: Reply) -> Rules:
    return on_reply(rules, lambda session, asked, given: given if session.tls else refusal, event, 250)


for code, text, at in ((550, "Encryption needed", "MAIL"), (530, "Must issue a STARTTLS command first", "RCPT")):
    fault(
        f"starttls-demanded-{code}-at-{at.lower()}",
        title=f"{at} is refused with {code} without TLS",
        breaks=("RFC3207-4-03", "RFC3207-4-05"),
        roles=("mx", "relay"),
    )(partial(_demanding, event=at, refusal=reply(code, "5.7.10", text)))
