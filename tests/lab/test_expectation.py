"""What is expected of the lab's servers is well formed, and compared as it should be."""

from __future__ import annotations

import pytest

from conformance.stream import Result
from tests.lab import expectation
from tests.lab.expectation import FOLDER, SHARED, Expectation, compare, stale
from tests.lab.servers import load
from tests.lab.update import entries, without

ENTRY = Expectation("postfix", "a/*", "warn", "because", "RFC 5321 section 4.2")


def result(case: str, verdict: str, reason: str = "") -> Result:
    """Return a judged result."""
    return Result(case, "title", verdict, verdict, reason, (), "MUST", "")


@pytest.mark.parametrize("server", sorted(load()))
def test_each_server_has_readable_expectations(server: str) -> None:
    """Every entry is complete: reading it says otherwise what is missing."""
    assert all(entry.reason and entry.reference for entry in expectation.read(server))


def test_files_belong_to_servers() -> None:
    """There is no file of a server that is gone."""
    assert {path.stem for path in FOLDER.glob("*.yaml")} <= {*load(), SHARED}


def test_targets_of_entries_exist() -> None:
    """A glob over targets matches one."""
    servers = load()
    targets = [name for server in servers.values() for name in server.targets]
    for server in servers:
        for entry in expectation.read(server):
            for glob in entry.targets.split():
                assert any(expectation.matches(glob, target) for target in targets), entry


def test_brackets_of_rows_are_no_classes() -> None:
    """Rows are named in brackets, which stand for themselves in a glob."""
    assert Expectation("s", "a/b[row]", "fail", "r", "r").names("a/b[row]")
    assert not Expectation("s", "a/b[row]", "fail", "r", "r").names("a/br")


def test_what_is_explained_is_expected() -> None:
    """An entry covers results of its verdict, for its server's targets."""
    results = [result("a/x", "warn"), result("a/y", "pass")]
    assert compare("postfix-smtps", [ENTRY], results).clean
    assert not compare("exim", [ENTRY], results).clean


def test_another_verdict_is_unexpected() -> None:
    """The verdict that was expected is told."""
    comparison = compare("postfix", [ENTRY], [result("a/x", "fail")])
    assert [(found.id, expected) for found, expected in comparison.unexpected] == [("a/x", "warn")]


def test_the_reason_given_by_the_suite_can_be_part() -> None:
    """``says`` narrows an entry to results with a reason."""
    entry = Expectation("postfix", "*", "n/a", "r", "r", says="* is not offered")
    assert entry.explains("postfix", result("a", "n/a", "PIPELINING is not offered"))
    assert not entry.explains("postfix", result("a", "n/a", "something else"))


def test_an_entry_that_explains_nothing_is_stale() -> None:
    """Each glob over targets has to explain something; those of targets that were not played are left alone."""
    shared = Expectation(SHARED, "a/*", "warn", "r", "r", targets="postfix exim chasquid")
    comparisons = [
        compare("postfix", [shared], [result("a/x", "warn")]),
        compare("exim", [shared], [result("a/x", "pass")]),
    ]
    assert list(stale([shared], comparisons)) == [(shared, "exim")]
    assert list(stale([ENTRY], [compare("postfix-smtps", [ENTRY], [])]))


def test_update_writes_one_entry_for_a_table() -> None:
    """Rows of one table with one verdict share an entry, marked as unread."""
    found = [("postfix", result("a/b[x]", "warn", "says x")), ("postfix-smtps", result("a/b[y]", "warn", "says y"))]
    (entry,) = entries("postfix", found)
    assert (entry.case, entry.verdict, entry.targets) == ("a/b[*", "warn", "postfix postfix-smtps")
    assert entry.reason.startswith(expectation.UNREAD)


def test_update_removes_what_explains_nothing() -> None:
    """A glob over targets goes alone where others of the entry still explain something."""
    shared = Expectation(SHARED, "a/*", "warn", "r", "r", targets="postfix exim")
    left = without(shared, {shared: {"exim"}})
    assert left is not None and left.targets == "postfix"
    assert without(ENTRY, {ENTRY: {"postfix"}}) is None
