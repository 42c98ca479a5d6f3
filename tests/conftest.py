"""The order of the tests: what takes longest begins first, beside everything else."""

from __future__ import annotations

import pytest

SLOW = ("everything",)
"""Fixtures that take minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what waits for a slow fixture in front."""
    items.sort(key=lambda item: not set(SLOW).intersection(getattr(item, "fixturenames", ())))
