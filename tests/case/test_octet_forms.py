"""Octets that are computed at play: filled up to a size, chunks, SASL messages."""

from dataclasses import replace

import pytest

from conformance.case.load import load_text
from conformance.case.model import Case, Send
from conformance.case.yaml import SourceError
from conformance.engine import virtual
from conformance.engine.embedded import observer_for, target_for
from conformance.engine.memory import MemoryDialer
from conformance.engine.outcome import Outcome
from conformance.engine.player import play
from conformance.engine.run import setting_for
from conformance.reference.server import Server
from conformance.reference.site import Limits, Site

HEAD = """
title: A suite
spec: RFC 5321
cases:
  - id: one
    title: It holds
    requirement: RFC5321-4.1.1.9-01
    dialogue:
"""


def case(*steps: str) -> Case:
    """Return the case with this dialogue."""
    return load_text(HEAD + "".join(f"      - {step}\n" for step in steps)).cases[0]


def sent(step: str, **values: bytes) -> bytes:
    """Return the octets of one step."""
    given = {"header": b"H\r\n", "user": b"alice", "password": b"secret", "token": b"nonce", **values}
    first = case(step, "S: {2xx: pass}").dialogue[0]
    assert isinstance(first, Send)
    return first.pieces[0].fill(given)


async def _play(one: Case, site: Site) -> Outcome:
    target = replace(target_for(site), tls="none")
    return await play(one, await setting_for(target, MemoryDialer(lambda: Server(site)), observer_for(site)))


def outcome(one: Case, limit: int) -> Outcome:
    """Play a case in memory against a server that takes messages of so many octets."""
    result: Outcome = virtual.run(_play(one, Site(limits=Limits(message=limit))))
    return result


class TestFill:
    def test_up_to_a_size(self) -> None:
        """What is left over stands in front, so that no line end is cut."""
        assert sent(r'C: {fill: "abc\r\n", octets: 14}') == b"aaaaabc\r\nabc\r\n"

    def test_less_the_length_of_others(self) -> None:
        """What stands beside it counts."""
        assert sent(r'C: {raw: ["$header", {fill: "ab", octets: 8, minus: "$header"}]}') == b"H\r\naabab"

    def test_needs_one_measure(self) -> None:
        """Neither both nor none."""
        for wrong in ("{fill: a}", "{fill: a, times: 1, octets: 1}"):
            with pytest.raises(SourceError, match="times or octets"):
                case(f"C: {wrong}", "S: {2xx: pass}")


class TestChunk:
    def test_length_is_counted(self) -> None:
        """BDAT says how many octets follow."""
        assert sent(r'C: {bdat: "a\r\n"}') == b"BDAT 3\r\na\r\n"
        assert sent(r'C: {bdat: "a\r\n", last: true}') == b"BDAT 3 LAST\r\na\r\n"

    def test_in_a_group(self) -> None:
        """A list mixes commands and chunks."""
        assert sent(r'C: [NOOP, {bdat: "ab", last: true}, NOOP]') == b"NOOP\r\nBDAT 2 LAST\r\nabNOOP\r\n"

    def test_other_keys_do_not_fit(self) -> None:
        """A key of another form is a mistake."""
        with pytest.raises(SourceError, match="bdat and times don't go together"):
            case("C: {bdat: a, times: 2}", "S: {2xx: pass}")


class TestSasl:
    def test_first_message(self) -> None:
        """Without a challenge the client speaks first."""
        assert sent('C: {line: ["AUTH PLAIN ", {sasl: PLAIN}]}') == b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"

    def test_unknown_mechanism(self) -> None:
        """The mistake names those that are known."""
        with pytest.raises(SourceError, match="CRAM-MD5"):
            case("C: {sasl: CRAM-MD4}", "S: {2xx: pass}")

    def test_proofs_stay_out_of_the_transcript(self) -> None:
        """What proves the password shows as stars: a password can be guessed from a digest and its challenge."""
        played = outcome(
            case(
                "C: AUTH CRAM-MD5",
                r"S: 334 /(?P<challenge>\S+)/",
                "C: {line: {sasl: CRAM-MD5, challenge: $challenge}}",
                "S: {235: pass}",
            ),
            0,
        )
        assert played.outcome == "pass"
        assert [e.octets for e in played.transcript.entries if e.kind == "C"][2:] == [b"********\r\n", b"QUIT\r\n"]


class TestSizeLimit:
    STEPS = ("C: MAIL FROM:<$sender> SIZE=$size_limit", "S: {250: pass}")

    def test_is_what_ehlo_announces(self) -> None:
        """The number behind SIZE."""
        played = outcome(case(*self.STEPS), 70_000)
        assert any(b"SIZE=70000\r\n" in entry.octets for entry in played.transcript.entries)

    def test_is_not_there_without_a_limit(self) -> None:
        """SIZE 0 announces none: the case does not apply."""
        assert outcome(case(*self.STEPS), 0).outcome == "n/a"

    def test_too_large_to_send(self) -> None:
        """The suite has a limit too: then the case is untested."""
        huge = case("C: {fill: a, octets: $size_limit}", "S: {5xx: pass}")
        assert outcome(huge, 10**12).outcome == "untested"
