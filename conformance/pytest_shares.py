"""How items are dealt out to the workers of xdist: worker k of n gets items k, k+n, k+2n ... at once.

With xdist's own schedulers a worker learns its items a few at a time, so its engine could not play them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController


class Shares:
    """A scheduler of xdist (``xdist.scheduler.protocol.Scheduling``) that deals all items out at the start."""

    def __init__(self, config: pytest.Config) -> None:
        self.collection: list[str] = []
        self._workers = len(config.getoption("tx"))
        self._collections: dict[WorkerController, list[str]] = {}
        self._pending: dict[WorkerController, list[int]] = {}
        self._orphans: list[int] = []
        """Items of a worker that crashed; the one that replaces it takes them."""
        self._started: set[WorkerController] = set()

    @property
    def nodes(self) -> list[WorkerController]:
        """Return the workers."""
        return list(self._pending)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every worker has told what it collected."""
        return len(self._collections) >= self._workers

    @property
    def tests_finished(self) -> bool:
        """Whether nothing more will be dealt out."""
        return self.collection_is_completed and not self._orphans and not self.has_pending

    @property
    def has_pending(self) -> bool:
        """Whether some item has no result yet."""
        return any(self._pending.values())

    def add_node(self, node: WorkerController) -> None:
        """Take a worker."""
        self._pending[node] = []

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Take what a worker collected."""
        self._collections[node] = list(collection)

    def schedule(self) -> None:
        """Deal out: to each worker its share, to one that replaces another what that one left."""
        workers = sorted(self._collections, key=lambda node: int(node.gateway.id.removeprefix("gw")))
        for place, node in enumerate(workers):
            if node in self._started or node not in self._pending:
                continue
            self._started.add(node)
            share = list(range(place, len(self._collections[node]), self._workers))
            if place >= self._workers:
                share, self._orphans = self._orphans, []
            self._pending[node] = share
            node.send_runtest_some(share)
            node.shutdown()

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Take note that an item has its result."""
        self._pending[node].remove(item_index)

    def mark_test_pending(self, item: str) -> None:
        """Refuse: no item is run twice here."""
        raise NotImplementedError(item)

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        """Refuse: what was dealt out stays."""
        raise NotImplementedError(indices)

    def remove_node(self, node: WorkerController) -> str | None:
        """Take a worker away; return the item at which it crashed, or None."""
        pending = self._pending.pop(node)
        if not pending:
            return None
        self._orphans += pending[1:]
        return self._collections[node][pending[0]]
