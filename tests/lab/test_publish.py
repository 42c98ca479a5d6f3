"""What ``publish`` leaves out, and that what did not change stays as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.stream import Result, Run, read
from tests.lab.publish import FLAWS, release, steady, write_one
from tests.report.streams import realistic, run_of


def played(token: str, reason: str = "queued as 4F1B2C0D3E") -> Run:
    """Return a run with one failure and one pass, as a server with queue ids answers."""
    octets = f"Subject: sc-{token}\\r\\nDate: Thu, 26 Nov 2026 07:18:20 -0000\\r\\n"
    entries = ({"t": 0.5, "session": 1, "from": "C", "octets": octets}, {"session": 1, "event": "x", "detail": reason})
    bad = Result("rfc5321/3.3-mail-transactions/a", "A", "fail", "fail", reason, ("RFC5321-3.3-08",), case_hash="1")
    good = replace(bad, id="rfc5321/3.3-mail-transactions/b", outcome="pass", verdict="pass", reason="")
    both = [replace(result, transcript=entries, duration=0.25, attempts=2) for result in (bad, good)]
    return run_of(both, notes=["took a second"])


def test_nothing_that_varies_is_published() -> None:
    """No token, date, time or note; no transcript of what holds."""
    run = steady(played("0123456789abcdef0123"), "Server 1.0")
    bad, good = run.results
    assert (bad.duration, run.notes, good.transcript) == (0.0, [], ())
    assert "sc-token" in bad.transcript[0]["octets"]
    assert "Date: Thu, 1 Jan 1970 00:00:00 -0000" in bad.transcript[0]["octets"]
    assert "t" not in bad.transcript[0]
    assert "started" not in run.header
    assert run.header["target"]["name"] == "Server 1.0"


@pytest.mark.parametrize(
    ("date", "shown"),
    [
        ("Thu, 26 Nov 2026 07:18:20 +0100", "Thu, 1 Jan 1970 00:00:00 +0000"),
        ("Thu, 26 Nov 2026 07:18:20 GMT", "Thu, 1 Jan 1970 00:00:00 GMT"),
        ("26 Nov 2026 07:18:20 -0000", "1 Jan 1970 00:00:00 -0000"),
    ],
)
def test_the_form_of_a_date_is_published(date: str, shown: str) -> None:
    """How a server writes the zone, and whether it names the day, is what a case may fail for."""
    (bad, _) = steady(played("0123456789abcdef0123", f"the field is {date}"), "Server 1.0").results
    assert bad.reason == f"the field is {shown}"


def test_what_did_not_change_stays(tmp_path: Path) -> None:
    """Another queue id is no news; another answer is."""
    folder = tmp_path / "server"
    write_one(played("0123456789abcdef0123"), folder, "Server 1.0", {})
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_one(played("fedcba98765432100123", "queued as AA11BB22CC"), folder, "Server 1.0", {})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    write_one(played("fedcba98765432100123", "refused"), folder, "Server 1.0", {})
    assert read(folder / "run.jsonl.gz").results[0].reason == "refused"


def test_flaws_are_withheld(tmp_path: Path) -> None:
    """Neither stream nor page has a security finding, nor a failure that tells of a flaw."""
    told = replace(realistic().results[0], id=FLAWS[0].replace("*", "size"), severity=None, verdict="fail")
    write_one(run_of([told, *realistic().results]), tmp_path / "server", "Server 1.0", {})
    run = read(tmp_path / "server" / "run.jsonl.gz")
    assert not [r for r in run.results if r.id == told.id]
    assert not [r for r in run.results if r.severity and r.verdict in ("fail", "warn")]
    assert run.header["withheld"] == 3


def test_release() -> None:
    """A version as its makers call it, from that of the package."""
    names = ("1:2.3.19.1+dfsg1-2.1+deb12u7", "7.6.0p1-1", "Python 3.11.7", "4.96-15+deb12u10", "0.8.1", "0.94-5")
    assert [release(name) for name in names] == ["2.3.19.1", "7.6.0p1", "3.11.7", "4.96", "0.8.1", "0.94"]
