"""What a newcomer types first, right and wrong."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from conformance.cli import main

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runn"], "there is no command 'runn': did you mean 'run'? (smtp-conformance --help)"),
        (["frobnicate"], "there is no command 'frobnicate': it is one of run, audit, doctor, init"),
        (["run", "--impact", "mails"], "--impact mails: did you mean 'mail'? (smtp-conformance run --help)"),
        (["doctor"], "the following arguments are required: TARGET (smtp-conformance doctor --help)"),
        (["run", "--recipient"], "argument --recipient: expected one argument"),
    ],
)
def test_wrong_words_get_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that says what was meant and where help is; exit code 4."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 4
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "leading-dto"], "no case is named 'leading-dto': did you mean leading-dot"),
        (["explain", "RFC5321-4.5.2-99"], "no requirement is named 'RFC5321-4.5.2-99': did you mean RFC5321-4.5.2-0"),
        (["lint", "nowhere.yaml"], "nowhere.yaml: no such file or folder"),
        (["report", str(README)], "README.md: line 1: not JSON: is this a result stream"),
        (["serve", "--fault", "dots-kep"], "there is no fault 'dots-kep'; did you mean 'dots-kept'?"),
        (["list", "--cases", "nowhere"], "--cases nowhere: no such file or folder"),
    ],
)
def test_wrong_names_get_a_suggestion(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that does not exist is told with the nearest one."""
    assert main(arguments) == 4
    assert words in capsys.readouterr().err


def test_no_command_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The list of commands, on one screen."""
    assert main([]) == 4
    out = capsys.readouterr().out
    assert "doctor" in out
    assert "exit codes: 0 conforms" in out


def test_explain_of_a_requirement(capsys: pytest.CaptureFixture[str]) -> None:
    """What it asks, how that is told, what tests it, and which faults break it."""
    assert main(["explain", "RFC5321-4.5.2-01"]) == 0
    out = capsys.readouterr().out
    assert "A leading dot on a line" in out
    assert "Tested by:\n  rfc5321/4.5.2-transparency/leading-dot" in out
    assert "Faults that break it" in out
    assert main(["explain", "RFC5321-2.1-02"]) == 0
    assert "Not tested: binds SMTP clients" in capsys.readouterr().out


def test_explain_and_show_of_a_case(capsys: pytest.CaptureFixture[str]) -> None:
    """By its last word."""
    assert main(["explain", "last-line"]) == 0
    assert main(["show", "last-line"]) == 0
    assert "A dot as the last line of the text arrives" in capsys.readouterr().out


def test_list_says_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    """Connections, impact, and the longest wait."""
    assert main(["list", "--spec", "RFC5321-4.5.2"]) == 0
    assert re.search(r"\d+ cases \(impact: .*\d+ mail.*\); about \d+ connections", capsys.readouterr().out)


def test_readme_names_only_commands_and_options_that_exist() -> None:
    """Each ``smtp-conformance WORD`` of the README is a command, each link a file."""
    text = README.read_text(encoding="utf-8")
    for word in set(re.findall(r"smtp-conformance ([a-z]+)", text)):
        with pytest.raises(SystemExit) as ended:
            main([word, "--help"])
        assert ended.value.code == 0, word
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (README.parent / link).exists(), link
    assert "<!-- run -->" in text
    assert "<!-- test -->" in text


@pytest.mark.parametrize("page", ["README.md", "docs/case-language.md"])
def test_the_case_that_is_shown_first_is_a_case_of_the_suite(page: str) -> None:
    """Word by word."""
    text = (README.parent / page).read_text(encoding="utf-8")
    shown = next(block for block in re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    lines = textwrap.dedent(shown[shown.index("- id:") - 2 :] if "cases:" in shown else shown).strip()
    suites = (README.parent / "cases").rglob("*.yaml")
    assert any(textwrap.indent(lines, "  ") in suite.read_text(encoding="utf-8") for suite in suites)
