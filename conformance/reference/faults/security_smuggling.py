"""Faults of the end of mail data: octets that are taken for it and are not (RFC 5321 section 4.1.1.4)."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from conformance.reference.actions import Action
from conformance.reference.change import checked, data_ends, limited, on_input, on_reply
from conformance.reference.faults import fault
from conformance.reference.reply import Reply, reply
from conformance.reference.rules import Border, Rules
from conformance.reference.session import Session
from conformance.reference.table import State

fault(
    "ends-at-lf-dot-lf",
    title="<LF>.<LF> ends the mail data",
    breaks=("SEC-EOD-LF-DOT-LF", "RFC5321-4.1.1.4-06", "SEC-EOD-LF-MODE", "SEC-EOD-DELIVERED", "SEC-EOD-SCAN"),
    seen_in=("CVE-2023-51764 (Postfix)", "CVE-2023-51765 (sendmail)", "CVE-2023-51766 (Exim)"),
)(lambda rules: data_ends(rules, rb"(?<!\r)(\n)\.\n"))

fault(
    "ends-at-lf-dot-crlf",
    title="<LF>.<CRLF> ends the mail data",
    breaks=(
        "SEC-EOD-LF-DOT-CRLF",
        "SEC-EOD-LF-LF-DOT-CRLF",
        "SEC-EOD-NUL-IN-FIRST-CRLF",
        "RFC5321-4.1.1.4-07",
        "SEC-EOD-DELIVERED",
        "SEC-EOD-SCAN",
    ),
    seen_in=("CVE-2024-27305 (aiosmtpd 1.4.4)", "GHSA-rp4q-8m6x-c43c (Haraka 3.3.3)", "CVE-2023-51747 (Apache James)"),
)(lambda rules: data_ends(rules, rb"(?<!\r)(\n)\.\r\n"))


@fault(
    "refuses-lf-dot-lf-and-goes-on",
    title="The data ends at <LF>.<LF> with a refusal, and what follows is read as commands",
    breaks=("SEC-EOD-LF-DOT-LF", "RFC5321-4.1.1.4-06", "SEC-EOD-LF-MODE"),
    seen_in=("GHSA-rp4q-8m6x-c43c (Haraka 3.3.3)",),
)
def _refuses(rules: Rules) -> Rules:
    def check(session: Session, message: bytes) -> Reply | None:
        false_end = message.endswith(b"\n") and not message.endswith(b"\r\n")
        return reply(451, "4.6.0", "Bare line feed") if false_end else None

    return checked(data_ends(rules, rb"(?<!\r)(\n)\.\n"), check)


fault(
    "ends-at-cr-dot-cr",
    title="<CR>.<CR> ends the mail data",
    breaks=("SEC-EOD-CR-DOT-CR", "RFC5321-4.1.1.4-09", "SEC-EOD-DELIVERED", "SEC-EOD-SCAN"),
    seen_in=("Cisco Secure Email Gateway with CR and LF handling set to clean",),
)(lambda rules: data_ends(rules, rb"(\r)\.\r(?!\n)"))

fault(
    "ends-at-cr-dot-lf",
    title="<CR>.<LF> ends the mail data",
    breaks=("SEC-EOD-CR-DOT-LF", "RFC5321-4.1.1.4-09"),
)(lambda rules: data_ends(rules, rb"(\r)\.\n"))

fault(
    "ends-at-lf-dot-cr",
    title="<LF>.<CR> ends the mail data",
    breaks=("SEC-EOD-LF-DOT-CR", "RFC5321-4.1.1.4-09"),
    # One message holds several candidates.
    also_trips=("security/smuggling/scan*",),
)(lambda rules: data_ends(rules, rb"(?<!\r)(\n)\.\r(?!\n)"))

fault(
    "ends-at-cr-dot-crlf",
    title="<CR>.<CRLF> ends the mail data",
    breaks=("SEC-EOD-CR-DOT-CRLF", "SEC-EOD-LF-CR-DOT-CRLF", "RFC5321-4.1.1.4-09"),
)(lambda rules: data_ends(rules, rb"(\r)\.\r\n"))

fault(
    "drops-nul-before-the-end",
    title="NUL is dropped before the end of the mail data is looked for",
    breaks=(
        "SEC-EOD-NUL-BEFORE-DOT",
        "SEC-EOD-NUL-IN-FIRST-CRLF",
        "SEC-EOD-NUL-AFTER-DOT",
        "SEC-EOD-NUL-IN-LAST-CRLF",
        "RFC5321-4.1.1.4-10",
    ),
)(lambda rules: data_ends(rules, rb"(\r\0*\n)\0*\.\0*\r\0*\n"))

fault(
    "ends-at-other-line-breaks",
    title="Vertical tab, form feed, NEL, line separator, and CRLF with the eighth bit end lines of the mail data too",
    breaks=("SEC-EOD-OTHER-LINE-BREAKS", "RFC5321-4.1.1.4-10"),
)(
    lambda rules: data_ends(
        rules,
        rb"([\x0b\x0c]|(?<!\xc2)\x85|\xc2\x85|\xe2\x80\xa8|\x8d\x8a)[.\xae](?:[\x0b\x0c\x85]|\xc2\x85|\xe2\x80\xa8|\x8d\x8a)",
    )
)

fault(
    "ends-at-crlf-dot-lf",
    title="<CRLF>.<LF> ends the mail data",
    breaks=("SEC-EOD-CRLF-DOT-LF", "SEC-EOD-FIRST-LINE", "RFC5321-4.1.1.4-08", "SEC-EOD-SCAN-HARDENING"),
    seen_in=("CVE-2023-51766 (Exim 4.97)",),
)(lambda rules: data_ends(rules, rb"(\r\n)\.\n"))

fault(
    "ends-at-crlf-dot-cr",
    title="<CRLF>.<CR> ends the mail data",
    breaks=(
        "SEC-EOD-CRLF-DOT-CR",
        "SEC-EOD-CRLF-DOT-CRCRLF",
        "SEC-EOD-NUL-IN-LAST-CRLF",
        "RFC5321-4.1.1.4-09",
        "RFC5321-4.1.1.4-10",
    ),
    # The data ends where a segment ends between CR and LF.
    also_trips=(
        "rfc5321/*/octet-by-octet",
        "rfc5321/4.1.1.4-data/end-in-segments*",
    ),
)(lambda rules: data_ends(rules, rb"(\r\n)\.\r(?!\n)"))

fault(
    "drops-extra-cr",
    title="Extra <CR> before <CRLF> are dropped before the end of the mail data is looked for",
    breaks=("SEC-EOD-CRLF-DOT-CRCRLF", "SEC-EOD-CRCRLF-DOT-CRCRLF", "RFC5321-4.1.1.4-10"),
    seen_in=("Postfix before 3.9",),
)(lambda rules: data_ends(rules, rb"(\r\n)\.\r+\n"))

fault(
    "ends-at-dot-and-white-space",
    title="A dot with white space behind it ends the mail data",
    breaks=("SEC-EOD-DOT-SPACE", "SEC-EOD-DOT-TAB", "RFC5321-4.1.1.4-12", "SEC-EOD-SCAN-HARDENING"),
)(lambda rules: data_ends(rules, rb"(\r\n)\.[ \t]+\r\n"))

fault(
    "ends-at-dot-and-tab",
    title="A dot with a tab behind it ends the mail data",
    breaks=("SEC-EOD-DOT-TAB", "RFC5321-4.1.1.4-12", "SEC-EOD-SCAN-HARDENING"),
)(lambda rules: data_ends(rules, rb"(\r\n)\.\t\r\n"))


@fault(
    "line-feed-mode",
    title="A text whose first line ends with a bare <LF> ends with <LF>.<LF>",
    breaks=("SEC-EOD-LF-MODE",),
    seen_in=("Exim, on purpose",),
)
def _mode(rules: Rules) -> Rules:
    def find(octets: bytearray, start: int) -> Border | None:
        first = octets.find(b"\n", 2)
        if first > 2 and octets[first - 1 : first] != b"\r":
            found = octets.find(b"\n.\n", 2)
            return None if found < 0 else (found + 1, found + 3)
        return rules.find_end(octets, start)

    return replace(rules, find_end=find)


_BUFFERS = (998, 999, 1000, 1023, 1024, 2047, 2048, 4095, 4096, 8191, 8192, 16383, 16384, 65535, 65536)
_CUT = re.compile(rb"\n[^\r\n]{998,65536}\.\r\n")


@fault(
    "long-lines-are-cut",
    title="A long line is read in pieces, and a piece that is a lone dot ends the mail data",
    breaks=("SEC-EOD-LONG-LINE", "RFC5321-4.1.1.4-12"),
    also_trips=("rfc5321/4.5.3.1-sizes/text-line-with-dots*",),
)
def _cut(rules: Rules) -> Rules:
    def find(octets: bytearray, start: int) -> Border | None:
        found = _CUT.search(octets)
        if found is not None and len(found[0]) - 4 in _BUFFERS:
            return found.end() - 3, found.end()
        return rules.find_end(octets, start)

    return replace(rules, find_end=find)


_FALSE_END = re.compile(
    rb"\A\.\n|(?<!\r)\n\.\r?\n|\r\.[\r\n]|\n\.\r(?!\n)|\r\n\.[ \t\0]|\n\.\n|\n\0\."
    rb"|[\x0b\x0c\x85\xa8\x8a][.\xae]|[^\r\n]{900}\.\r\n"
)


@fault(
    "splits-at-false-ends",
    title="A message is split at each false end, and its true end answered twice",
    breaks=(
        "SEC-EOD-LF-DOT-LF",
        "SEC-EOD-LF-MODE",
        "SEC-EOD-FIRST-LINE",
        "SEC-EOD-CRLF-DOT-LF",
        "SEC-EOD-LONG-LINE",
        "RFC5321-4.1.1.4-07",
        "RFC5321-4.1.1.4-09",
        "RFC5321-4.1.1.4-10",
        "RFC5321-4.1.1.4-12",
    ),
)
def _splits(rules: Rules) -> Rules:
    def note(session: Session, octets: bytes) -> bytes:
        session.memory["text"] = session.memory.get("text", b"") + octets
        return octets

    def twice(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        false_end = _FALSE_END.search(session.memory.pop("text", b""))
        return [session.rules.render(given)] * 2 if false_end else given

    return on_reply(on_input(rules, note, State.TEXT), twice, "END-OF-DATA")


def _holding(rules: Rules, pattern: bytes, replies: int) -> Rules:
    """End the data at what matches too; the reply to such an end waits until so many are there, or never comes (0)."""

    def note(session: Session, octets: bytes) -> bytes:
        text = session.memory.get("tail", b"\r\n") + octets
        session.memory["false"], session.memory["tail"] = b"\r\n.\r\n" not in text, text[-4:]
        return octets

    def hold(session: Session, event: str, given: Reply) -> Reply | list[Action]:
        held = session.memory.setdefault("held", [])
        session.memory.pop("tail", None)
        if not held and (event == "NOOP" or not session.memory["false"]):
            return given
        held.append(session.rules.render(given))
        if len(held) == replies:
            session.memory["held"] = []
            return [b"".join(held)]
        if not replies:
            held.clear()
        return []

    return on_reply(on_input(data_ends(rules, pattern), note, State.TEXT), hold, ("END-OF-DATA", "NOOP"))


_LF_DOT_LF = rb"(?<!\r)(\n)\.\n"
_CRLF_DOT_LF = rb"(\r\n)\.\n"

_WAITING: tuple[tuple[str, str, bytes, tuple[str, ...]], ...] = (
    ("lf-dot-lf", "<LF>.<LF>", _LF_DOT_LF, ("SEC-EOD-LF-DOT-LF", "SEC-EOD-LF-MODE", "RFC5321-4.1.1.4-06")),
    ("crlf-dot-lf", "<CRLF>.<LF>", _CRLF_DOT_LF, ("SEC-EOD-CRLF-DOT-LF", "SEC-EOD-FIRST-LINE", "RFC5321-4.1.1.4-08")),
    (
        "long-line-dot",
        "a dot in a long line",
        rb"(?=\.)(?<=[^\r\n]{1001})()\.\r\n",
        ("SEC-EOD-LONG-LINE", "RFC5321-4.1.1.4-12"),
    ),
)
for _name, _end, _pattern, _broken in _WAITING:
    fault(
        f"ends-at-{_name}-and-waits",
        title=f"The data ends at {_end}, and the reply waits for those to two more commands",
        breaks=_broken,
    )(partial(_holding, pattern=_pattern, replies=3))

fault(
    "ends-at-crlf-dot-lf-without-reply",
    title="The data ends at <CRLF>.<LF>, and that is not answered",
    breaks=("SEC-EOD-CRLF-DOT-LF", "SEC-EOD-FIRST-LINE", "RFC5321-4.1.1.4-08", "SEC-EOD-SCAN-HARDENING"),
)(lambda rules: _holding(rules, _CRLF_DOT_LF, 0))


def _counting_no_hops(rules: Rules, pattern: bytes) -> Rules:
    return limited(data_ends(rules, pattern), received=1_000_000)


for _name, _end, _pattern, _broken in (
    (
        "lf-dot-lf",
        "<LF>.<LF>",
        _LF_DOT_LF,
        ("SEC-EOD-SCAN", "SEC-EOD-LF-DOT-LF", "SEC-EOD-LF-MODE", "RFC5321-4.1.1.4-06"),
    ),
    (
        "crlf-dot-lf",
        "<CRLF>.<LF>",
        _CRLF_DOT_LF,
        ("SEC-EOD-SCAN-HARDENING", "SEC-EOD-CRLF-DOT-LF", "RFC5321-4.1.1.4-08"),
    ),
):
    fault(
        f"ends-at-{_name}-and-counts-no-hops",
        title=f"The data ends at {_end}, and no loop is looked for",
        breaks=(*_broken, "RFC5321-4.1.1.4-06", "RFC5321-4.1.1.4-08", "RFC5321-6.3-01", "RFC5321-6.3-02"),
    )(partial(_counting_no_hops, pattern=_pattern))
