"""The published schemas describe what the strict loaders take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.case.catalog import cases_folder, suite_files
from conformance.case.schema import SCHEMAS
from conformance.case.yaml import Node, load, load_file
from conformance.command.schema import text

SUITES = suite_files()


def plain(node: Node) -> Any:
    """Return a node as an editor sees it."""
    if isinstance(node.value, dict):
        return {key: plain(value) for key, value in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def problems(what: str, source: str) -> list[str]:
    """Return what a schema has against a YAML text."""
    (document,) = load(source, "x.yaml")
    return [error.message for error in Draft202012Validator(SCHEMAS[what]).iter_errors(plain(document))]


@pytest.mark.parametrize("what", SCHEMAS)
def test_schema_is_a_schema(what: str) -> None:
    """Each schema is valid against its own draft."""
    Draft202012Validator.check_schema(SCHEMAS[what])


@pytest.mark.parametrize(("file", "name"), SUITES, ids=[name for _, name in SUITES])
def test_suite_file_meets_the_schema(file: Path, name: str) -> None:
    """Every suite file of the product is valid."""
    (document,) = load_file(file, name)
    errors = Draft202012Validator(SCHEMAS["suite"]).iter_errors(plain(document))
    assert [f"{'/'.join(map(str, error.path))}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(("file", "name"), SUITES, ids=[name for _, name in SUITES])
def test_suite_file_names_the_schema(file: Path, name: str) -> None:
    """The first line of every suite file leads an editor to a schema that is there."""
    comment = file.read_text(encoding="utf-8").partition("\n")[0]
    start = "# yaml-language-server: $schema="
    assert comment.startswith(start), f"{name}: the first line is {start}..."
    assert (file.parent / comment.removeprefix(start)).resolve() == (cases_folder() / "case.schema.json").resolve()


def test_schema_beside_the_cases_is_current() -> None:
    """``smtp-conformance schema suite > cases/case.schema.json`` would change nothing."""
    assert (cases_folder() / "case.schema.json").read_text(encoding="utf-8") == text("suite")


@pytest.mark.parametrize(
    "source",
    [
        "{title: t, spec: s, cases: []}",
        "{title: t, spec: s, cases: [{id: A, title: t, dialogue: []}]}",
        "{title: t, spec: s, cases: [{id: a, title: t, dialogue: [{C: NOOP, S: 250}]}]}",
        "{title: t, spec: s, cases: [{id: a, title: t, dialogue: [{S: {2xx: maybe}}]}]}",
        "{title: t, spec: s, cases: [{id: a, title: t, strat: ehlo, dialogue: [{S: {2xx: pass}}]}]}",
    ],
)
def test_schema_refuses_what_the_loader_refuses(source: str) -> None:
    """Mistakes of form are seen in the editor already."""
    assert problems("suite", source)


@pytest.mark.parametrize(
    ("source", "valid"),
    [
        ("{host: mx.example.org, port: 25, recipient: a@b.example, tls: starttls}", True),
        ("{unix: /run/lmtp, role: lmtp}", True),
        ('{host: x, waivers: [{case: "*", reason: old, expires: 2027-06-30}], observer: {maildir: /x}}', True),
        ("{port: 25}", False),
        ("{host: x, prot: 25}", False),
        ("{host: x, recipient: nobody}", False),
        ("{host: x, credentials: {user: a, password: b}}", False),
    ],
)
def test_target_schema(source: str, valid: bool) -> None:
    """The target schema takes what the loader takes."""
    assert (problems("target", source) == []) is valid
