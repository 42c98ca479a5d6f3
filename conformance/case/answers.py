"""Answers with a name: what several dialogues of a file expect, said once at its top.

``answers: {greets: {220: go, silence 10s: fail - ...}}``, and ``S2: greets`` in a step. The mapping takes the place of
the name before anything is compiled: rows, hashes and mistakes are those of a case that says it in full.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from conformance.case.pattern import PatternError, parse
from conformance.case.yaml import Node

_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*\Z")
_STEP = re.compile(r"S[2-9]?\Z")


def named_answers(node: Node) -> dict[str, Node]:
    """Return the judgements by name. Raises SourceError for a name that is a pattern, or none."""
    answers = node.mapping("answers")
    for name, answer in answers.items():
        answer.mapping("an answer")
        if not _NAME.match(name) or _is_pattern(name):
            answer.fail_key(f"{name!r} is no name for an answer: small letters and hyphens, and no pattern")
    return answers


def spelled_out(node: Node, answers: Mapping[str, Node]) -> Node:
    """Return steps (or a part of them) in which the answers stand where their names stood."""
    if isinstance(node.value, list):
        return replace(node, value=[spelled_out(item, answers) for item in node.value])
    if not isinstance(node.value, dict):
        return node
    steps = {key: _answer if _STEP.match(key) else spelled_out for key in node.value}
    return replace(node, value={key: steps[key](item, answers) for key, item in node.value.items()})


def _answer(node: Node, answers: Mapping[str, Node]) -> Node:
    if isinstance(node.value, list):
        return replace(node, value=[_answer(item, answers) for item in node.value])
    found = answers.get(node.value) if isinstance(node.value, str) else None
    return replace(node, value=found.value) if found is not None else node


def _is_pattern(name: str) -> bool:
    try:
        parse(name)
    except PatternError:
        return False
    return True
