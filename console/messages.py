"""What crosses from the reading threads to the screen: frozen snapshots, each with the question that it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from console.model.ports import Snapshot
from console.model.queries import ViewQuery

if TYPE_CHECKING:
    from console.model.pages import Found


class SnapshotReady(Message):
    """The answer to `query`. `seq` is the number of the question; the answer to an older question than the last is stale."""

    def __init__(self, seq: int, query: ViewQuery, snapshot: Snapshot) -> None:
        super().__init__()
        self.seq, self.query, self.snapshot = seq, query, snapshot


class ReadFailed(Message):
    """`query` could not be answered: `reason` is one line for people. The next try is `again_s` seconds away."""

    def __init__(self, seq: int, query: ViewQuery, reason: str, again_s: float) -> None:
        super().__init__()
        self.seq, self.query, self.reason, self.again_s = seq, query, reason, again_s


class SearchProgressed(Message):
    """The search of that number has come so far; `reason` says why it failed, if it did."""

    def __init__(self, seq: int, found: Found | None, reason: str = "") -> None:
        super().__init__()
        self.seq, self.found, self.reason = seq, found, reason
