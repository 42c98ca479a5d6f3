"""What to do: findings that one change mends stand together, and the product that greets gets its own setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.report.advice import advice, product_of
from conformance.report.html.page import page
from conformance.stream import Result
from tests.report.streams import realistic, run_of

BARE = {"Postfix": "smtpd_forbid_bare_newline = normalize", "aiosmtpd": "Update."}


def finding(name: str, severity: str, remedy: Mapping[str, str], greeting: str = "220 mx.example ESMTP") -> Result:
    """A security finding of a server with a greeting."""
    said = {"t": 0.0, "session": 1, "from": "S", "octets": f"{greeting}\\r\\n", "phase": "start"}
    first = realistic().results[0]
    return replace(
        first, id=name, title=name, verdict="fail", severity=severity, remedy=remedy, meaning="Bad.", transcript=(said,)
    )


def test_one_remedy_stands_once_and_the_worst_first() -> None:
    """Two findings with the same remedy are one piece of advice; those without one are not mixed."""
    found = advice(
        [
            finding("security/x/low", "low", {}),
            finding("security/x/high", "high", BARE),
            finding("security/x/medium", "medium", dict(BARE)),
            finding("security/x/other", "low", {}),
            replace(finding("security/x/held", "high", BARE), verdict="pass"),
        ]
    )
    assert [(one.severity, [entry.id for entry in one.entries]) for one in found] == [
        ("high", ["security/x/high", "security/x/medium"]),
        ("low", ["security/x/low"]),
        ("low", ["security/x/other"]),
    ]


def test_product_by_its_greeting() -> None:
    """A name in the greeting decides; where none is named, all remedies are told."""
    for greeting, name in (
        ("220 mx.example ESMTP Postfix (Debian/GNU)", "Postfix"),
        ("220 mx.example Python SMTP 1.4.4", "aiosmtpd"),
        ("220 postfixes.example ESMTP", None),
    ):
        run = run_of([finding("security/x/high", "high", BARE, greeting)])
        assert product_of(run, [BARE]) == name
        html = page(run)
        assert ("The server greets as" in html) == (name is not None)
        assert ("What to set in Postfix, aiosmtpd stands with the finding." in html) == (name is None)


def test_greeting_is_hostile() -> None:
    """What a server says is never markup."""
    run = run_of([finding("security/x/high", "high", {"<b>": "x"}, "220 <b> <script>")])
    assert "<script>" not in page(run).partition("<main")[2].partition("</main>")[0]
