"""Streams for the tests of reports: a run as a real server would cause it, and one by a server that wants to harm."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from conformance.stream import Event, Result, Run, collect, escape

HEADER: Event = {
    "type": "header",
    "schema_version": 1,
    "tool": "smtp-conformance",
    "version": "0.1.0",
    "case_set": "sha256:7adb21047765ce9f",
    "started": "2026-11-24T12:00:00Z",
    "target": {
        "name": "mx1.example.org:25",
        "host": "mx1.example.org",
        "port": 25,
        "role": "mx",
        "tls": "none",
        "given": ["recipient", "recipient2", "unknown"],
    },
    "profile": "interop",
    "impact": "mail",
    "selection": "",
    "planned": 0,
}

EHLO = [
    "PIPELINING",
    "SIZE 52428800",
    "ETRN",
    "STARTTLS",
    "ENHANCEDSTATUSCODES",
    "8BITMIME",
    "DSN",
    "SMTPUTF8",
    "CHUNKING",
]


class Dialogue:
    """Builds a transcript step by step; the clock advances by itself."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.entries: list[Event] = []
        self.phase = "start"
        self.time = 0.0

    def _add(self, session: int, more: dict[str, Any]) -> None:
        self.time += self.random.uniform(0.0002, 0.004)
        entry: Event = {"t": round(self.time, 6), "session": session, **more}
        if self.phase:
            entry["phase"] = self.phase
        self.entries.append(entry)

    def client(self, octets: bytes, session: int = 1) -> Dialogue:
        """Add what the client sends."""
        self._add(session, {"from": "C", "octets": escape(octets)})
        return self

    def server(
        self, octets: bytes, expected: str = "", *, met: bool = True, decides: bool = False, session: int = 1
    ) -> Dialogue:
        """Add what the server answers, and what was expected."""
        more: dict[str, Any] = {"from": "S", "octets": escape(octets)}
        if expected:
            more |= {"expected": expected, "met": met}
        if decides:
            more["decides"] = True
        self._add(session, more)
        return self

    def event(self, kind: str, detail: str = "", *, session: int = 1, **more: Any) -> Dialogue:
        """Add an event."""
        if kind in ("silence", "wait"):
            self.time += 2.0
        self._add(session, {"event": kind, "detail": detail, **more})
        return self

    def start(self, *commands: bytes) -> Dialogue:
        """Add the set-up: connection, greeting, EHLO, and the commands given, all accepted."""
        self.event("connect", "mx1.example.org:25").server(b"220 mx1.example.org ESMTP Exemplar 4.2\r\n", "220")
        self.client(b"EHLO client.example.net\r\n")
        words = ["mx1.example.org", *EHLO]
        reply = b"".join(b"250%s%s\r\n" % (b"-" if w != words[-1] else b" ", w.encode()) for w in words)
        self.server(reply, "250")
        for command in commands:
            self.client(command + b"\r\n")
            data = command.upper() == b"DATA"
            self.server(
                b"354 End data with <CR><LF>.<CR><LF>\r\n" if data else b"250 2.1.0 Ok\r\n", "354" if data else "250"
            )
        self.phase = ""
        return self

    def end(self) -> tuple[Event, ...]:
        """Add QUIT and close, and return the transcript."""
        self.phase = "finally"
        self.client(b"QUIT\r\n").server(b"221 2.0.0 Bye\r\n").event("close", "by the server")
        return tuple(self.entries)

    def cut(self) -> tuple[Event, ...]:
        """Return the transcript as it is."""
        return tuple(self.entries)


MAIL, RCPT = b"MAIL FROM:<sender@example.net>", b"RCPT TO:<alice@example.org>"


def findings() -> list[Result]:
    """Return one result of each kind that is worth reading."""
    smuggled = (
        Dialogue(1)
        .start(MAIL, RCPT, b"DATA")
        .client(
            b"Subject: smtp-conformance sc-1f0c\r\n\r\nfirst\n.\nMAIL FROM:<evil@example.net>\r\n"
            b"RCPT TO:<alice@example.org>\r\n"
            b"DATA\r\nSubject: second\r\n\r\nsmuggled\r\n.\r\n"
        )
        .server(b"250 2.0.0 Ok: queued as 4F1B2C0D3E\r\n", "2xx")
        .server(b"250 2.1.0 Ok\r\n", "silence 2s or 4xx|5xx|close", met=False, decides=True)
        .end()
    )
    unknown = (
        Dialogue(2)
        .start(MAIL)
        .client(b"RCPT TO:<nobody@example.org>\r\n")
        .server(b"250 2.1.5 Ok\r\n", "55x 5.1.x or 55x", met=False, decides=True)
        .end()
    )
    path = b"a" * 998 + b"@example.org"
    long = (
        Dialogue(3)
        .start(MAIL)
        .client(b"RCPT TO:<" + path + b">\r\n")
        .event("reset", "by the server", expected="5xx|421 or close", met=False, decides=True)
        .cut()
    )
    bare = (
        Dialogue(4).start().client(b"NOOP\n").server(b"250 2.0.0 Ok\r\n", "silence 2s", met=False, decides=True).end()
    )
    flaky = Dialogue(5).start(MAIL).client(b"RSET\r\n").server(b"250 2.0.0 Ok\r\n", "250", decides=True).end()
    flaky1 = (
        Dialogue(6)
        .start(MAIL)
        .client(b"RSET\r\n")
        .event("close", "by the server", expected="250", met=False, decides=True)
    )
    grey = (
        Dialogue(7)
        .start(MAIL)
        .client(RCPT + b"\r\n")
        .server(b"450 4.7.1 <alice@example.org>: Recipient address rejected: Greylisted\r\n", "250", met=False)
        .end()
    )
    lint = Dialogue(8)
    lint.phase = ""
    lint.client(b"QUIT\r\n").server(b"221 Bye\r\n", "221")
    verb = (
        Dialogue(9).start().client(b"VRFY alice\r\n").server(b"252 2.0.0 alice\r\n", "25x or 502", decides=True).end()
    )
    relay = (
        Dialogue(10)
        .start(MAIL)
        .client(b"RCPT TO:<someone%elsewhere.test@example.org>\r\n")
        .server(b"250 2.1.5 Ok\r\n", "2xx or 4xx|5xx")
        .client(b"DATA\r\n")
        .server(b"354 Go ahead\r\n", "354")
        .client(b"Subject: smtp-conformance sc-77ab\r\n\r\nrelayed?\r\n.\r\n")
        .server(b"250 2.0.0 Ok: queued as 9A8B7C6D5E\r\n", "2xx")
        .event(
            "delivered",
            "1 message at the sink in 1.3 s",
            messages=[
                escape(
                    b"Received: from client.example.net (unknown [192.0.2.9])\r\n"
                    b"\tby mx1.example.org (Exemplar) with ESMTP\r\n"
                    b"Subject: smtp-conformance sc-77ab\r\n\r\nrelayed?\r\n"
                )
            ],
            expected="delivered as described",
            met=True,
            decides=True,
        )
        .end()
    )
    tls = (
        Dialogue(11)
        .start()
        .client(b"STARTTLS\r\nNOOP\r\n")
        .server(b"220 2.0.0 Ready to start TLS\r\n", "220")
        .event("tls", "TLSv1.3 TLS_AES_256_GCM_SHA384, certificate CN=mx1.example.org")
        .event("silence", "2 s", expected="silence 2s or any", met=True, decides=True)
        .cut()
    )
    return [
        Result(
            id="security/smuggling/end-of-data[lf-dot-lf]",
            title="Only <CRLF>.<CRLF> ends the mail data [lf-dot-lf]",
            outcome="fail",
            verdict="fail",
            reason="takes <LF>.<LF> for the end of data: a second message can be smuggled past the server before it",
            requirement=("RFC5321-4.1.1.4-05", "RFC5321-2.3.8-01"),
            level="MUST NOT",
            spec="RFC 5321 section 4.1.1.4",
            severity="critical",
            tags=("security", "smuggling"),
            impact="mail",
            file="security/smuggling.yaml",
            line=12,
            duration=0.0412,
            attempts=2,
            case_hash="9d2f11ab77c0e1f4",
            meaning="Whoever can send through a server that hands this ending on can put further messages behind one "
            "of theirs, in the name of any sender there. SPF, DKIM and DMARC of that domain then speak for them.",
            remedy={
                "Postfix": "smtpd_forbid_bare_newline = normalize (3.8.5 and later; the default since 3.9)",
                "Exim": "4.97.1 or later",
                "Sendmail": "8.18.1 or later, without srv_features O",
            },
            cwe=("CWE-345",),
            cve=("CVE-2023-51764",),
            transcript=smuggled,
            earlier=(smuggled[:-3],),
        ),
        Result(
            id="security/relay/percent-hack",
            title="A mailbox with a percent sign is not relayed elsewhere",
            outcome="fail",
            verdict="fail",
            reason="the message arrived at a foreign domain: an open relay",
            requirement=("RFC5321-3.6.1-01",),
            level="MUST NOT",
            spec="RFC 5321 section 3.6.1",
            severity="high",
            tags=("security", "relay"),
            impact="relay",
            file="security/relay.yaml",
            line=40,
            duration=1.34,
            attempts=2,
            case_hash="0badcafe0badcafe",
            remedy={"Postfix": "allow_percent_hack = no, or swap_bangpath = no"},
            cwe=("CWE-284",),
            transcript=relay,
        ),
        Result(
            id="rfc5321/3.3-mail-transactions/unknown-recipient",
            title="RCPT for a mailbox that does not exist is refused",
            outcome="fail",
            verdict="fail",
            reason="takes mail for nobody and must bounce it later",
            requirement=("RFC5321-3.3-08",),
            level="MUST",
            spec="RFC 5321 section 3.3",
            impact="session",
            file="rfc5321/3.3-mail-transactions.yaml",
            line=9,
            duration=0.0123,
            attempts=2,
            case_hash="51cca22a817380e7",
            transcript=unknown,
        ),
        Result(
            id="rfc5321/4.5.3.1-size-limits/path[998]",
            title="A path longer than 256 octets is refused without harm [998]",
            outcome="unexpected",
            verdict="fail",
            reason="unexpected reset, wanted 5xx|421 or close",
            requirement=("RFC5321-4.5.3.1.3-01",),
            level="MUST",
            spec="RFC 5321 section 4.5.3.1.3",
            file="rfc5321/4.5.3.1-size-limits.yaml",
            line=31,
            duration=0.02,
            attempts=2,
            case_hash="aa",
            transcript=long,
        ),
        Result(
            id="rfc5321/2.3.8-lines/lf-ends-no-command",
            title="A bare <LF> does not end a command",
            outcome="fail",
            verdict="warn",
            reason="takes a bare <LF> for a line end; where a gateway before it does not, commands can be hidden",
            requirement=("RFC5321-2.3.8-01",),
            level="MUST NOT",
            spec="RFC 5321 section 2.3.8",
            file="rfc5321/2.3.8-lines.yaml",
            line=5,
            duration=0.009,
            attempts=2,
            case_hash="bb",
            note="interop: all of eight measured servers answer a command that ends in a bare LF",
            transcript=bare,
        ),
        Result(
            id="lint/closing-domain",
            title="221 and 421 name the server as their first word",
            outcome="unexpected",
            verdict="warn",
            reason="the first word after 221 is not the server's domain"
            " (in rfc5321/2.3.8-lines/cr-cr-lf, and in 51 other cases)",
            requirement=("RFC5321-4.2.2-02",),
            level="SHOULD",
            spec="RFC 5321 section 4.2.2",
            tags=("lint",),
            transcript=lint.cut(),
        ),
        Result(
            id="rfc5321/4.1.1.5-reset/after-mail",
            title="RSET after MAIL is answered with 250",
            outcome="inconclusive",
            verdict="inconclusive",
            reason="did not repeat: fail (connection closed, wanted 250), then pass",
            requirement=("RFC5321-4.1.1.5-01",),
            level="MUST",
            spec="RFC 5321 section 4.1.1.5",
            file="rfc5321/4.1.1.5-reset.yaml",
            line=7,
            duration=0.01,
            attempts=2,
            case_hash="cc",
            note="flaky: both transcripts are kept",
            transcript=flaky,
            earlier=(flaky1.cut(),),
        ),
        Result(
            id="rfc5321/4.1.1.3-recipient/accepted",
            title="RCPT for a mailbox that exists is accepted",
            outcome="inconclusive",
            verdict="inconclusive",
            reason="refused on policy grounds: 450 4.7.1 <alice@example.org>: Recipient address rejected: Greylisted",
            requirement=("RFC5321-4.1.1.3-01",),
            level="MUST",
            spec="RFC 5321 section 4.1.1.3",
            file="rfc5321/4.1.1.3-recipient.yaml",
            line=7,
            duration=0.01,
            case_hash="dd",
            transcript=grey,
        ),
        Result(
            id="rfc5321/3.5-verify/vrfy",
            title="VRFY is answered, or refused with 252 or 502",
            outcome="info",
            verdict="info",
            reason="252 2.0.0 alice",
            requirement=("RFC5321-3.5.3-01",),
            level="MAY",
            spec="RFC 5321 section 3.5.3",
            file="rfc5321/3.5-verify.yaml",
            line=7,
            duration=0.01,
            case_hash="ee",
            transcript=verb,
        ),
        Result(
            id="rfc3207-starttls/4.2-after-tls/injection",
            title="What comes in clear after STARTTLS is not carried out in TLS",
            outcome="pass",
            verdict="pass",
            requirement=("RFC3207-4-03",),
            level="MUST",
            spec="RFC 3207 section 4",
            severity="high",
            tags=("security",),
            file="rfc3207-starttls/4.2-after-tls.yaml",
            line=7,
            duration=2.01,
            case_hash="ff",
            transcript=tls,
        ),
    ]


_AREAS = (
    ("rfc5321/2.3.8-lines", "RFC 5321 section 2.3.8", "RFC5321-2.3.8-0", "A line that ends in {} is taken as it is"),
    ("rfc5321/3.1-session-initiation", "RFC 5321 section 3.1", "RFC5321-3.1-0", "The greeting comes before {}"),
    ("rfc5321/4.1.1.1-hello", "RFC 5321 section 4.1.1.1", "RFC5321-4.1.1.1-0", "EHLO with {} is answered with 250"),
    (
        "rfc5321/4.5.2-transparency",
        "RFC 5321 section 4.5.2",
        "RFC5321-4.5.2-0",
        "A leading dot in {} arrives unchanged",
    ),
    (
        "rfc1870-size/6-declaration",
        "RFC 1870 section 6",
        "RFC1870-6-0",
        "A declared size of {} octets is judged at MAIL",
    ),
    ("rfc2920-pipelining/3-command-groups", "RFC 2920 section 3", "RFC2920-3.1-0", "A group with {} keeps its order"),
    ("rfc3207-starttls/4-protocol", "RFC 3207 section 4", "RFC3207-4-0", "After TLS, {} is forgotten"),
)
_WORDS = (
    "a bare CR",
    "a domain literal",
    "one octet",
    "the last line",
    "an empty line",
    "two recipients",
    "a null sender",
    "NUL",
)


def routine(count: int, seed: int = 7) -> list[Result]:
    """Return results of which most pass, some are untested and some do not apply."""
    choose = random.Random(seed)
    results = []
    for number in range(count):
        folder, spec, requirement, title = _AREAS[choose.randrange(len(_AREAS))]
        verdict = choose.choices(("pass", "untested", "n/a"), (70, 18, 12))[0]
        reason = ""
        transcript: tuple[Event, ...] = ()
        if verdict == "untested":
            reason = choose.choice(
                (
                    "the target names no observer: --observer maildir:PATH (observer: in the target file)",
                    "the target gives no address elsewhere: --foreign ADDRESS (foreign: in the target file)",
                )
            )
        elif verdict == "n/a":
            reason = choose.choice(("CHUNKING is not offered", "SMTPUTF8 is not offered"))
        else:
            dialogue = Dialogue(number).start(MAIL)
            transcript = dialogue.client(RCPT + b"\r\n").server(b"250 2.1.5 Ok\r\n", "2xx", decides=True).end()
        results.append(
            Result(
                id=f"{folder}/case-{number}[{choose.choice('abc')}]",
                title=title.format(choose.choice(_WORDS)),
                outcome=verdict,
                verdict=verdict,
                reason=reason,
                requirement=(f"{requirement}{choose.randrange(1, 8)}",),
                level=choose.choice(("MUST", "MUST", "MUST NOT", "SHOULD")),
                spec=spec,
                file=f"{folder}.yaml",
                line=number + 5,
                duration=round(choose.uniform(0.003, 0.4), 6) if transcript else 0.0,
                case_hash=f"{number:016x}",
                transcript=transcript,
            )
        )
    return results


def run_of(results: Sequence[Result], *, footer: bool = True, notes: Sequence[str] = (), **header: Any) -> Run:
    """Return the Run with these results, by way of its JSON Lines."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    events: list[Event] = [{**HEADER, "planned": len(results), **header}]
    events += [{"type": "note", "text": text} for text in notes]
    events += [result.event() for result in results]
    if footer:
        failed = counts.get("fail", 0)
        reason = f"{failed} findings" if failed else "nothing found"
        events.append(
            {
                "type": "footer",
                "counts": counts,
                "duration": 7.83,
                "exit": 1 if failed else 0,
                "exit_reason": reason,
                "interrupted": False,
            }
        )
    return collect(json.loads(json.dumps(event)) for event in events)


def realistic(routine_cases: int = 140) -> Run:
    """Return a run as an administrator would see it."""
    return run_of(
        [*findings(), *routine(routine_cases)],
        notes=["421 at 12 connections at once: jobs reduced from 16 to 8"],
    )


HOSTILE = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=2</script>",
    "<img src=http://127.0.0.1:9/x onerror=window.pwned=3>",
    '"><svg onload=window.pwned=4>',
    "</style><style>body{display:none}</style>",
    "<!-- <script> -->",
    "]]><evil/>",
    "&lt;b&gt; &amp; &#x3c;i&#x3e;",
    "javascript:window.pwned=5//",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "nul \0 del \x7f tab \t cr \r lf \n",
    "bidi \u202e\u2066 zero\u200bwidth \ufeff",
    "surrogates \udcff\ud800 nonchars \ufffe\uffff",
    "```\n# heading\n[x](http://127.0.0.1:9/y) @team | a | b |",
    "${title} $title {title} %s %(x)s",
    "x" * 20_000,
)


def hostile() -> Run:
    """Return a run in which everything that a server or a stream can choose is hostile."""
    octets = b"".join(bytes([o]) for o in range(256)) + b"\xc3\x28 \xed\xa0\x80 \xff\xfe"
    results = []
    for number, text in enumerate(HOSTILE):
        verdict = ("fail", "warn", "error", "inconclusive", "untested", "n/a", "info", "pass")[number % 8]
        raw = text.encode("utf-8", "surrogatepass")
        dialogue = (
            Dialogue(number)
            .start()
            .client(b"NOOP " + raw + b"\r\n")
            .server(b"250 " + raw + b"\r\n" + octets + b"\r\n", text)
        )
        dialogue.event("error", text, expected=text, met=False, decides=True)
        dialogue.event("delivered", text, messages=[escape(raw), escape(octets), text])
        entries = (
            *dialogue.cut(),
            {"t": 9.0, "session": 1, "from": "S", "octets": text, "expected": text, "decides": True},
        )
        results.append(
            Result(
                id=f"hostile/{number}/{text}"[:4000],
                title=text,
                outcome=verdict,
                verdict=verdict,
                reason=text,
                requirement=(text[:50],),
                level="MUST",
                spec=text,
                severity=("high", None, text)[number % 3],
                tags=(text,),
                file=text,
                line=number,
                note=text,
                remedy={text: text},
                cwe=(text,),
                cve=(text,),
                transcript=entries,
                earlier=(entries,),
            )
        )
    name = "".join(HOSTILE[:4])
    return run_of(
        results, notes=HOSTILE, target={**HEADER["target"], "name": name}, profile=name, selection=name, started=name
    )
