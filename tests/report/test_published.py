"""What is published of a run: security findings that are not public are counted, and named nowhere."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.report import FORMATS
from conformance.report.badge import words
from conformance.report.html import page
from conformance.report.published import published
from conformance.report.summary import headline
from conformance.stream import read, write
from tests.report.streams import findings, realistic, routine, run_of


def test_security_findings_are_withheld() -> None:
    """Findings with a severity are gone, passes and other findings stay, the header counts them."""
    run = published(realistic())
    assert run.header["withheld"] == 2
    left = {result.id for result in run.results}
    assert not any(name.startswith(("security/smuggling", "security/relay")) for name in left)
    assert "rfc5321/3.3-mail-transactions/unknown-recipient" in left
    assert "rfc3207-starttls/4.2-after-tls/injection" in left
    assert run.footer is not None
    assert run.footer["counts"]["fail"] == 2
    assert run.footer["exit_reason"] == "2 findings, 2 security findings withheld"


def test_a_run_with_findings_withheld_is_not_told_to_conform() -> None:
    """Where nothing else fails: neither by the headline, nor by the badge; what can't be told is no finding."""
    finding, *_ = findings()
    run = published(run_of([finding, replace(finding, id="x/y", verdict="inconclusive"), *routine(5)]))
    assert headline(run).endswith("has 1 security finding that is withheld; no other check fails.")
    assert "Not all is shown" in page(run)
    assert words(run)[0] == "1 finding withheld"
    assert run.footer is not None
    assert run.footer["exit"] == 1


def test_a_published_page_is_small() -> None:
    """All but what stands on top is carried compressed."""
    run = run_of([*findings(), *routine(300)])
    whole, small = page(run), page(published(run))
    assert len(small) < len(whole) / 4
    assert "breaks 2 MUSTs" in small
    assert "takes mail for nobody" in unpacked(small)


def unpacked(text: str) -> str:
    """Return a page with what it carries compressed."""
    (data,) = re.findall(r"id=packed>([A-Za-z0-9+/=]*)<", text)
    return text.replace(data, zlib.decompress(base64.b64decode(data), -15).decode())


def test_what_tells_of_a_flaw_is_withheld_too() -> None:
    """Other findings about a requirement of a withheld one are gone, and passes about it; a named flaw counts."""
    smuggled, *others = findings()
    same = [replace(others[2], id=f"x/{verdict}", verdict=verdict, severity=None) for verdict in ("fail", "pass")]
    run = run_of([smuggled, *(replace(result, requirement=smuggled.requirement) for result in same), *others[2:]])
    shown = published(run)
    assert not [result for result in shown.results if result.id.startswith("x/") or result.id == smuggled.id]
    assert shown.header["withheld"] == 1
    assert published(run, flaws=["x/*"]).header["withheld"] == 2
    assert published(run, {"x/*": "CVE-1", smuggled.id: "CVE-1"}).header.get("withheld") is None


def test_a_public_advisory_lets_a_finding_be_shown() -> None:
    """Whoever publishes names what is public; the advisory is shown with the finding."""
    run = published(realistic(), {"security/smuggling/*": "CVE-2023-51766"})
    (result,) = (r for r in run.results if r.id.startswith("security/smuggling"))
    assert "CVE-2023-51766" in result.cve
    assert run.header["withheld"] == 1


def test_no_report_names_what_is_withheld(tmp_path: Path) -> None:
    """Not in notes, lints, exit reason or any format; what could not be told is no finding."""
    smuggled, relay, *others = findings()
    lint = replace(others[3], reason=f"the first word is no domain (in {smuggled.id}, and in 3 other cases)")
    run = run_of([smuggled, replace(relay, verdict="inconclusive"), lint, *others], notes=[f"{smuggled.id} was odd"])
    run.lints.append({"type": "lint", "id": lint.id, "case": smuggled.id, "detail": "x", "octets": "221 secret"})
    run.footer.update({"exit_reason": f"2 findings: {smuggled.id}"})  # type: ignore[union-attr]
    shown = published(run)
    write(shown, tmp_path / "run.jsonl")
    for name, make in FORMATS.items():
        make(shown, tmp_path / name)
    for file in tmp_path.iterdir():
        text = unpacked(file.read_text("utf-8")) if file.name == "html" else file.read_text("utf-8")
        for word in ("smuggl", "percent", "CVE-2023", "secret"):
            assert word not in text, (file.name, word)
    assert "1 security finding without a public advisory is withheld." in (tmp_path / "html").read_text("utf-8")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``report --published --out`` writes the stream that may be published; the same octets each time."""
    write(realistic(), tmp_path / "run.jsonl")
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        assert main(["report", str(tmp_path / "run.jsonl"), "--published", "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert read(tmp_path / "a.jsonl.gz").header["withheld"] == 2
    assert main(["report", str(tmp_path / "run.jsonl"), "--published", "--advisory", "x", "--badge", "x"]) == 4
    assert "it is CASE=ADVISORY" in capsys.readouterr().err


def test_a_packed_stream_that_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged file is told, without a traceback."""
    write(realistic(), tmp_path / "run.jsonl.gz")
    octets = (tmp_path / "run.jsonl.gz").read_bytes()
    for name, content in (
        ("cut.gz", octets[: len(octets) // 2]),
        ("no.gz", b"hello"),
        ("odd.gz", octets[:99] + b"x" * 99),
    ):
        (tmp_path / name).write_bytes(content)
        assert main(["report", str(tmp_path / name)]) == 4
        assert f"{name}: " in capsys.readouterr().err


def test_stored_and_read_again(tmp_path: Path) -> None:
    """A run that is stored is the same run when it is read."""
    run = realistic()
    write(run, tmp_path / "run.jsonl")
    again = read(tmp_path / "run.jsonl")
    assert json.dumps([r.event() for r in again.results]) == json.dumps([r.event() for r in run.results])
    assert (again.header, again.notes, again.footer) == (run.header, run.notes, run.footer)
