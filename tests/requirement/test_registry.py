"""The registry is sound: ids, levels, documents, and every RFC 2119 word accounted for."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from conformance.requirement.ledger import WORDS, words
from conformance.requirement.registry import DATA, all_requirements, find
from conformance.verdict import BY_LEVEL

FILES = sorted(DATA.glob("*.jsonl"))
DOCUMENTS = sorted(DATA.glob("rfc*.jsonl"))
ENTRIES = list(all_requirements())
SUBJECTS = {"server", "relay", "submission", "client", "domain", "both", "gateway"}
OBSERVABLES = {"wire", "delivered", "dns", "config", "time", "no", "https"}


def test_ids_are_unique() -> None:
    """No two entries have the same id."""
    lines = [json.loads(line)["id"] for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]
    assert [name for name, times in Counter(lines).items() if times > 1] == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_entries_stand_in_the_file_of_their_document(file: Path) -> None:
    """The file's name, ``rfc`` and the id name the same document, and the id its section."""
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        section = "X" if entry["section"] == "derived" else entry["section"]
        assert file.stem == f"rfc{entry['rfc']}"
        assert re.fullmatch(rf"RFC{entry['rfc']}-{re.escape(section)}-\d\d[a-z]?", entry["id"]), entry["id"]


def test_security_statements_say_where_they_come_from() -> None:
    """They have no section, but a source and a family; their ids are words."""
    wrong = [
        entry.id
        for entry in ENTRIES
        if not entry.rfc and not (entry.source and entry.topic and re.fullmatch(r"SEC(-[A-Z0-9]+)+", entry.id))
    ]
    assert wrong == []


def test_levels_subjects_and_observables_are_known() -> None:
    """Each entry has a level that gives a verdict, and known words for whom it binds and what shows it."""
    wrong = [
        entry.id
        for entry in ENTRIES
        if entry.level not in BY_LEVEL or entry.subject not in SUBJECTS or entry.observable not in OBSERVABLES
    ]
    assert wrong == []


def test_statements_are_sentences() -> None:
    """Each entry says what it asks and how that is told."""
    assert [entry.id for entry in ENTRIES if not entry.statement.strip() or not entry.how.strip()] == []


def test_restatements_exist() -> None:
    """What an entry says is the same exists."""
    assert [(entry.id, name) for entry in ENTRIES for name in entry.same_as if find(name) is None] == []


def test_rfc_5321_has_412_words() -> None:
    """Every RFC 2119 word from section 2 to the end of Appendix F is listed."""
    assert len(words(5321)) == 412


@pytest.mark.parametrize("file", sorted(WORDS.glob("*.jsonl")), ids=lambda file: file.stem)
def test_every_word_is_accounted_for(file: Path) -> None:
    """Each word stands behind an entry, or has a reason why none comes of it; never both."""
    rfc = int(file.stem[3:])
    listed = words(rfc)
    covered = {number for entry in ENTRIES if entry.rfc == rfc for number in entry.keywords}
    assert [word.no for word in listed] == list(range(1, len(listed) + 1))
    assert [word.no for word in listed if (word.no in covered) == bool(word.reason)] == []
    assert covered <= {word.no for word in listed}


def test_rfc_5321_words_fit_their_entries() -> None:
    """A word of RFC 5321 in some section is covered by an entry of it, or by one that the section repeats."""
    strangers = [
        word.no
        for word in words(5321)
        if not word.reason
        and not any(
            entry.rfc == 5321 and word.no in entry.keywords and entry.section == word.section for entry in ENTRIES
        )
    ]
    assert strangers == [191, 198, 202, 210, 388, 396, 398, 400, 405, 406]
