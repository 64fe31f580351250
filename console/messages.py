"""What crosses from the threads that read and act to the screen: frozen snapshots, each with the question that it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from console.model.ports import Snapshot
from console.model.queries import FailingQuery, GroupsQuery, ViewQuery

if TYPE_CHECKING:
    from console.model.bulk import Progress, Report
    from console.model.failure_groups import Groups
    from console.model.pages import Found
    from console.model.schedules import SlotsPage
    from console.model.selection import Glance


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


class GroupsProgressed(Message):
    """The grouping of that number, which `query` asked for, has come so far; `reason` says why it failed, if it did."""

    def __init__(self, seq: int, query: GroupsQuery | FailingQuery, groups: Groups | None, reason: str = "") -> None:
        super().__init__()
        self.seq, self.query, self.groups, self.reason = seq, query, groups, reason


class PreviewGrew(Message):
    """So much of what a command is meant for was gathered under that number; `reason` says why it failed, if it did. `slots`
    are those of the first schedule, where the command would change them."""

    def __init__(self, seq: int, glance: Glance | None, reason: str = "", slots: SlotsPage | None = None) -> None:
        super().__init__()
        self.seq, self.glance, self.reason, self.slots = seq, glance, reason, slots


class OperationProgressed(Message):
    """The operation of that number has come so far."""

    def __init__(self, seq: int, progress: Progress) -> None:
        super().__init__()
        self.seq, self.progress = seq, progress

    def can_replace(self, message: Message) -> bool:
        """Of several that nobody has looked at yet, the last one tells all."""
        return isinstance(message, OperationProgressed) and message.seq == self.seq


class OperationEnded(Message):
    """The operation of that number has ended. Without a report it could not be begun, or broke down: `reason` says why.
    `refused`: the server lets this console change nothing."""

    def __init__(self, seq: int, report: Report | None, reason: str = "", refused: bool = False) -> None:
        super().__init__()
        self.seq, self.report, self.reason, self.refused = seq, report, reason, refused


class OperationSettled(Message):
    """The server has answered again: the audit has the end of this operation, with what the server has counted of it."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


class ExportTold(Message):
    """The file that is being written: how far it is, or, when it is `done`, what came of it."""

    def __init__(self, said: str, done: bool) -> None:
        super().__init__()
        self.said, self.done = said, done
