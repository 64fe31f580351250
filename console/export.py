"""Failures of one or several groups, written to a file while they are read: no more than a page of them is held at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from console import private_file
from console.model.commands import JobSeen
from console.model.failure_records import Csv, JsonLines, record
from console.model.pages import JobsPage
from console.model.ports import Reader
from console.model.queries import EACH_GROUP, MAX_PAGE, FailuresQuery
from console.model.secrets import DEFAULT, Secrets
from console.model.selection import Selected

TELL_S: Final = 0.1
"""Seconds between two words of how far it is."""

FAILED: Final = ("failed", "stopped")


@dataclass(frozen=True, slots=True)
class Exported:
    """So many failures are `written`, `changed` others were none any more when they were read. `read` of `of` are looked at so
    far; `more` says why not all were, empty otherwise."""

    written: int = 0
    changed: int = 0
    read: int = 0
    of: int = 0
    more: str = ""

    @property
    def said(self) -> str:
        """How far it is."""
        looked = f"{self.read:,} of {self.of:,}"
        return f"{self.written:,} written, {looked}" if self.written else f"{looked} looked at"


class NotWritten(Exception):
    """There is no file: it was stopped, or there was nothing to write; one line."""


def write(
    file: Path,
    reader: Reader,
    queries: Sequence[FailuresQuery],
    clock: Callable[[], float] = time.time,
    secrets: Secrets = DEFAULT,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Exported], object] = lambda exported: None,
) -> Exported:
    """Write what the queries list to a new file, as CSV where its name ends so, else as lines of JSON, for its owner's eyes.

    Raises ReadError, OSError (FileExistsError where the file is there already) and NotWritten; then no file is left, or the one
    that was there as it was.
    """
    now, tell = clock(), _now_and_then(tell)
    done = Exported()
    with private_file.created(file) as out:
        lines = (Csv if file.suffix.lower() == ".csv" else JsonLines)(out)
        for query in queries:
            query = query if query.group else replace(query, group=EACH_GROUP)
            for chunk in reader.select(query, now, stopped, details=False):
                if stopped():
                    raise NotWritten("it was stopped")
                more = "; ".join(dict.fromkeys(filter(None, (done.more, chunk.more))))
                done = replace(done, read=chunk.read, of=chunk.of, more=more)
                for page in _pages(chunk):
                    done = _add(lines, reader, page, query.group if query.group != EACH_GROUP else "", clock(), secrets, done)
                tell(done)
        if not done.written:
            raise NotWritten(f"there is no such failure{f'; {done.more}' if done.more else ''}")
    return done


def _now_and_then(tell: Callable[[Exported], object]) -> Callable[[Exported], object]:
    """Tell no more often than one can read."""
    told_at = time.monotonic()

    def told(done: Exported) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= TELL_S:
            told_at = time.monotonic()
            tell(done)

    return told


def _pages(chunk: Selected) -> Iterator[list[JobSeen]]:
    seen = [one for one in chunk.seen if isinstance(one, JobSeen)]
    return (seen[start : start + MAX_PAGE] for start in range(0, len(seen), MAX_PAGE))


def _add(
    lines: Csv | JsonLines, reader: Reader, seen: list[JobSeen], group: str, now: float, secrets: Secrets, done: Exported
) -> Exported:
    """Write those of these jobs that are failures still."""
    page = reader.read(FailuresQuery(only=tuple(one.key for one in seen)), now)
    assert isinstance(page, JobsPage)
    where = {one.key: one for one in seen}
    kept = [row for row in page.rows if row.missing or row.state in FAILED]
    for row in kept:
        seen_there = where[row.key]
        lines.add(record(row, seen_there, seen_there.group or group, secrets))
    return replace(done, written=done.written + len(kept), changed=done.changed + len(seen) - len(kept))
