"""Markdown for a comment and the badge: short, true, and harmless."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import etree

from conformance.report.badge import svg, words
from conformance.report.markdown import MOST, code, escaped, markdown
from conformance.stream import Run
from tests.report.streams import HOSTILE, findings, hostile, realistic, routine, run_of

OURS = re.compile(r"</?(?:details|summary|b|sub)>|<!-- -->")


def outside_code(text: str) -> str:
    """Return Markdown without its fenced blocks and code spans."""
    text = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_a_comment_has_verdict_coverage_and_findings() -> None:
    """The sentence is the heading; findings come worst first, with requirement, evidence and remedy."""
    text = markdown(realistic())
    assert text.startswith("### mx1.example.org:25 has 2 security findings and breaks 4 MUSTs.\n")
    assert "| RFC 5321 Simple Mail Transfer Protocol | 14 met, 4 broken, 1 deviating, 1 open, 2 untested |" in text
    assert text.index("<b>critical</b>") < text.index("<b>high</b>") < text.index("<b>fail</b>")
    assert "S: 250 2.1.5 Ok\\r\\n" in text
    assert "- **Postfix:** `smtpd_forbid_bare_newline = normalize" in text


def test_hostile_text_is_no_markup() -> None:
    """No tag but ours, no mention, no reference, no address that becomes a link, outside of code."""
    text = outside_code(markdown(hostile()))
    rest = OURS.sub("\0", text)
    assert "<" not in rest
    assert not re.search(r"@\w", rest)
    assert not re.search(r"#\w", rest)
    assert not re.search(r"https?://\w", rest)
    assert not re.search(r"^(?:#|```) ?(?!##)", rest.replace("### ", ""), re.MULTILINE)
    assert all(c.isprintable() or c == "\n" for c in text.replace("\0", ""))


@pytest.mark.parametrize("text", HOSTILE)
def test_code_spans_hold_anything(text: str) -> None:
    """A code span is fenced by more backticks than it holds, in one line."""
    span = code(text)
    fence = re.match(r"`+", span)
    assert fence is not None
    assert fence[0] not in span[len(fence[0]) : -len(fence[0])]
    assert "\n" not in span


def test_escapes() -> None:
    """What Markdown would read as markup is escaped, and nothing more."""
    assert escaped("a_b *c* [d](e) <f> ~g~ | 1.2.3 (x)") == "a\\_b \\*c\\* \\[d\\](e) &lt;f&gt; \\~g\\~ \\| 1.2.3 (x)"
    assert escaped("@team #12 https://x.test") == "@<!-- -->team \\#<!-- -->12 https://<!-- -->x.test"


def test_a_comment_is_short_enough() -> None:
    """However much was found, a comment fits, and says how much it leaves out."""
    many = [replace(findings()[0], id=f"security/x/case-{number}") for number in range(300)]
    text = markdown(run_of(many))
    assert len(text) < MOST + 200
    assert re.search(r"\*\d+ more entries: see the HTML report\.\*", text)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (realistic(), "2 security findings"),
        (run_of(routine(9)), "6 checks passed"),
        (run_of([findings()[4]]), "1 warning"),
        (run_of([]), "not judged"),
        (run_of(findings(), footer=False), "incomplete run"),
    ],
)
def test_the_badge_says_how_it_stands(run: Run, said: str) -> None:
    """A few words; valid XML with a title for those who can't see it."""
    assert words(run)[0] == said
    tree = etree.fromstring(svg(run).encode())
    assert tree.findtext("{*}title") == f"SMTP conformance: {said}"


def test_hostile_badge() -> None:
    """A badge holds nothing that a server sent."""
    assert "pwned" not in svg(hostile())
