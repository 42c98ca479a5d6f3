"""The order of the tests: what takes longest begins first, beside everything else."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what waits for the whole matrix in front."""
    items.sort(key=lambda item: "everything" not in getattr(item, "fixturenames", ()))
