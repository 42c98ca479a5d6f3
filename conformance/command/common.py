"""What several commands share: the target, the cases, and how mistakes are told."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from conformance.case.catalog import Catalogue, Selection, SelectionError, load_catalogue, select
from conformance.case.model import Case
from conformance.engine.exit import USAGE
from conformance.target import ADDRESSES, OBSERVERS, Target, TargetError, from_argument, source


class UsageError(Exception):
    """The user can mend this; says what would be right."""


def tell(problem: object) -> int:
    """Print a mistake and return the exit code for it."""
    print(f"smtp-conformance: {problem}", file=sys.stderr)
    return USAGE


def target_of(given: argparse.Namespace) -> Target:
    """Return the target of the arguments. Raises UsageError."""
    fields: dict[str, Any] = {name: getattr(given, name) for name in (*ADDRESSES, "client", "role", "tls")}
    if getattr(given, "user", None) or getattr(given, "password_env", None):
        if not (given.user and given.password_env):
            raise UsageError("--user and --password-env go together (the password comes from the environment)")
        fields |= {"user": given.user, "password_env": given.password_env}
        fields["password"] = os.environ.get(given.password_env)
    if getattr(given, "observer", None):
        fields["observer"] = _observers(given.observer)
    if getattr(given, "timeout", None) is not None:
        if given.timeout <= 0:
            raise UsageError("--timeout is more than 0 seconds")
        fields["timeout"] = given.timeout
    if getattr(given, "jobs", None) is not None and given.jobs < 1:
        raise UsageError("--jobs is at least 1")
    try:
        if getattr(given, "source", None):
            fields["sources"] = tuple(source(text) for text in given.source.split(","))
        target = from_argument(given.target, **fields)
    except TargetError as error:
        raise UsageError(error) from None
    if target.password_env and target.password is None:
        raise UsageError(f"the environment has no variable {target.password_env} (it would hold the password)")
    return target


def _observers(texts: list[str]) -> dict[str, str]:
    """Return the observers by their kinds. Raises UsageError."""
    found: dict[str, str] = {}
    for text in texts:
        kind, _, where = text.partition(":")
        if kind not in OBSERVERS or not where or kind in found:
            raise UsageError(f"--observer {text}: it is maildir:PATH or mbox:PATH, and perhaps sink:HOST:PORT")
        found[kind] = where
    return found


def catalogue_of(given: argparse.Namespace) -> Catalogue:
    """Return the catalogue of the arguments. Raises UsageError for a bad suite file."""
    paths = [Path(name) for name in given.cases]
    for path in paths:
        if not path.exists():
            raise UsageError(f"--cases {path}: no such file or folder")
    catalogue = load_catalogue(paths)
    if catalogue.errors:
        raise UsageError("\n".join(str(error) for error in catalogue.errors))
    return catalogue


def selection_of(given: argparse.Namespace) -> Selection:
    """Return the selection of the arguments."""
    return Selection(given.expression, tuple(given.tags), tuple(given.specs), tuple(given.levels), tuple(given.ids))


def selected(catalogue: Catalogue, selection: Selection) -> list[Case]:
    """Return the selected cases; slow ones only when named. Raises UsageError."""
    named = "slow" in selection.tags or bool(selection.ids)
    try:
        return select(catalogue.cases, selection, slow=named)
    except SelectionError as error:
        raise UsageError(error) from None
