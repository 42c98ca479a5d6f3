"""The catalogue: what is wrong in one suite file is told once, where it is."""

from __future__ import annotations

from pathlib import Path

from conformance.case.catalog import load_catalogue

SUITE = """title: Own
spec: RFC 5321 section 4.1.1.9
cases:
  - id: {id}
    title: NOOP is answered
    requirement: RFC5321-4.1.1.9-01
    after: {after}
    each:
      word: {{one: a, two: b, three: c}}
    dialogue:
      - C: NOOP $word
      - S: {{250: pass}}
"""


def problems(folder: Path, **suites: str) -> list[str]:
    """Return what is wrong with suite files."""
    for name, text in suites.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return [str(error) for error in load_catalogue([folder]).errors]


def test_a_missing_predecessor_is_told_once_for_all_rows(tmp_path: Path) -> None:
    """Where the case stands."""
    (problem,) = problems(tmp_path, first=SUITE.format(id="noop", after="nop"))
    assert problem == "first.yaml:4:1: after: no case is named 'first/nop'"


def test_a_broken_file_is_the_only_mistake(tmp_path: Path) -> None:
    """Cases that come after one in it are not told too: they are right once it is mended."""
    broken = SUITE.format(id="noop", after="[]").replace("title: NOOP", "titel: NOOP")
    (problem,) = problems(tmp_path, first=broken, second=SUITE.format(id="later", after="first/noop"))
    assert problem.startswith("first.yaml:5:5: ")
