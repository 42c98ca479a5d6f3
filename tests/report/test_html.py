"""The HTML report: nothing hostile becomes markup, nothing is asked of anybody, everything is there."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conformance.report.html import page, write
from conformance.stream import Run, collect, read
from tests.report.streams import findings, hostile, realistic, routine, run_of

TAGS = """
html head meta title link style body header main footer section nav form p h1 h2 h3 h4 dl div dt dd a b i u em code span
small table thead tbody tr th td details summary ol ul li blockquote cite svg rect input select option output script
"""
"""All that a page is made of."""

ATTRIBUTES = """
lang charset http-equiv content name rel href class id scope colspan data-l data-p open title aria-label aria-hidden
hidden role type placeholder autocomplete spellcheck viewbox preserveaspectratio x width height value
"""


class Markup(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        """Take text."""
        self.text.append(data)


def test_hostile_text_is_only_text() -> None:
    """Whatever a server or a stream chose, the page has the same elements and attributes as any other page."""
    markup = Markup(page(hostile()))
    assert set(markup.tags) <= set(TAGS.split())
    assert {name for name, _ in markup.attributes} <= set(ATTRIBUTES.split())
    assert markup.tags.count("script") == 1
    assert all(value[0] == "#" for name, value in markup.attributes if name == "href" and value[:5] != "data:")


def test_hostile_text_is_visible() -> None:
    """Control characters, bidirectional overrides and lone surrogates show as escapes."""
    text = page(hostile())
    assert all(c.isprintable() or c == "\n" for c in text)
    shown = "".join(Markup(text).text)
    assert "\\x1b[2J" in shown
    assert "\\u202e" in shown
    assert "<script>window.pwned=1</script>" in shown


def test_the_page_may_only_do_what_it_was_made_to_do() -> None:
    """The policy allows this style and this script by their digests, pictures in the page, nothing else."""
    text = page(realistic())
    (policy,) = re.findall(r'http-equiv=Content-Security-Policy content="([^"]*)"', text)
    for kind in ("style", "script"):
        (content,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_nothing_outside_is_referred_to() -> None:
    """There is no address in the page that a browser would ask."""
    text = page(realistic())
    assert not re.search(r"(?:src|srcset|action|poster)=|@import|url\(|//[a-z]+\.", text)


@pytest.mark.parametrize("limit", [0, 10_000])
def test_the_same_stream_gives_the_same_octets(tmp_path: Path, limit: int) -> None:
    """A report that is made again of its stream is the same file."""
    run = realistic()
    stream = tmp_path / "run.jsonl"
    events = [run.header, *({"type": "note", "text": note} for note in run.notes), *(r.event() for r in run.results)]
    stream.write_text("".join(json.dumps(event) + "\n" for event in [*events, run.footer]), encoding="utf-8")
    write(read(stream), tmp_path / "again.html", limit=limit)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page(run, limit=limit)


def test_every_case_is_there_once() -> None:
    """Each result has its place, which a link can lead to; ids are unique, links lead somewhere."""
    run = realistic()
    markup = Markup(page(run))
    assert len(markup.ids) == len(set(markup.ids))
    assert {result.id for result in run.results} <= set(markup.ids)
    links = {value[1:] for name, value in markup.attributes if name == "href" and value.startswith("#")}
    known = set(markup.ids)
    assert {link.replace("%5B", "[").replace("%5D", "]") for link in links} <= known


def test_findings_come_first_the_worst_on_top() -> None:
    """Severity, then broken MUSTs, then lints, then warnings; then what is open, what was not played, what holds."""
    text = page(realistic())
    order = ["<h3>Security", "critical", "percent sign", "<h3>Broken", "<h3>In every reply", "<h3>Warnings"]
    order += ["<h2>Open questions", "<h2>Not played", "<h2>What holds", "<h2>Requirement by requirement"]
    places = [text.index(word, text.index("<section id=findings")) for word in order]
    assert places == sorted(places)


def test_a_finding_has_meaning_evidence_and_remedy() -> None:
    """What a reader needs to act stands in one place."""
    result = findings()[0]
    text = page(run_of([result]))
    body = text[text.index('id="security/smuggling/end-of-data[lf-dot-lf]"') : text.index("<section id=held")]
    for words in (
        "What it means",
        "first<u>LF</u>",
        "silence 2s or 4xx|5xx|close",
        "smtpd_forbid_bare_newline = normalize",
        "CVE-2023-51764",
        "RFC5321-4.1.1.4-05",
    ):
        assert words in body


def test_reasons_stand_once() -> None:
    """Cases that wait for the same thing are put together under it."""
    text = page(realistic())
    part = text[text.index("<section id=not-played") : text.index("<section id=held")]
    assert part.count("CHUNKING is not offered") == 1


def test_a_cut_stream_says_so() -> None:
    """Without its footer a run is not complete, and the page says it at the top."""
    text = page(run_of(findings(), footer=False))
    assert "ends without its footer" in text[: text.index("<nav")]


def test_nothing_played() -> None:
    """A run without results makes a page that says so."""
    assert "Nothing could be judged" in page(run_of([]))


def packed(text: str) -> list[list[str]]:
    """Return the groups of cases that a page carries compressed."""
    (data,) = re.findall(r"<script type=text/plain id=packed>([A-Za-z0-9+/=]*)</script>", text)
    groups: list[list[str]] = json.loads(zlib.decompress(base64.b64decode(data), -15))["groups"]
    return groups


def test_many_results_are_carried_compressed() -> None:
    """Beyond the limit what holds is compressed; findings stay readable without scripts."""
    run = run_of([*findings(), *routine(500)])
    whole, small = page(run), page(run, limit=100)
    assert len(small) < len(whole) / 2
    cases = "".join(case for group in packed(small) for case in group)
    assert all(f'id="{result.id}"' in cases for result in run.results if result.verdict in ("pass", "n/a"))
    assert all(f'id="{result.id}"' in small for result in run.results if result.verdict in ("fail", "warn"))


def test_hostile_text_stays_text_when_compressed() -> None:
    """What scripts insert later is made as harmless as the rest."""
    text = page(hostile(), limit=0)
    cases = Markup("".join(case for group in packed(text) for case in group))
    assert set(cases.tags) <= set(TAGS.split())
    assert Markup(text).tags.count("script") == 2


def test_a_huge_reply_stays_small() -> None:
    """A million times the same octet is shown a few times, with the count."""
    result = findings()[0]
    reply = {"t": 1.0, "session": 1, "from": "S", "octets": "250 " + "x" * 1_000_000 + "\\r\\n"}
    run: Run = collect([*events_of(run_of([])), {**result.event(), "transcript": [reply]}])
    assert "[... 1000000 times x]" in page(run)
    assert len(page(run)) < 200_000


def events_of(run: Run) -> list[dict[str, object]]:
    """Return the header of a run as a list of events."""
    return [run.header]
