"""The generated pages are what the code says."""

from __future__ import annotations

import pytest

from tests.generated.pages import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    """``python -m tests.generated`` would change nothing."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()
