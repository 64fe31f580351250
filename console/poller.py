"""When to read: one read in flight, what is on screen every second, the overview now and then, less often in an outage.

A thread of its own does the reading, so a slow server stops neither the screen nor the end of the program. Whatever it reads,
or fails to, becomes a message; it never dies silently.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from textual.message import Message

from console import garbage, unforeseen
from console.messages import GroupsProgressed, ReadFailed, SearchProgressed, SnapshotReady
from console.model.ports import Reader
from console.model.queries import FailingQuery, FailuresQuery, GroupsQuery, OverviewQuery, SearchQuery, ViewQuery

WATCH_S: Final = 10.0
"""Seconds between two readings of the overview while another screen is shown: for the problems in the header."""

MAX_BACKOFF_S: Final = 5.0
"""Seconds between two tries at the most: who waits for a server looks at the screen."""

FIRST_S: Final = 0.06
"""Seconds for which a first answer has the processor to itself, to be drawn, before all is read behind it."""

Sought = SearchQuery | GroupsQuery | FailingQuery
"""What is read in the background, once, and not every second."""


class Poller:
    """Reads what was asked for last, again and again, and posts what it finds."""

    def __init__(
        self,
        connect: Callable[[], Reader],
        post: Callable[[Message], object],
        refresh_s: float,
        clock: Callable[[], float] = time.time,
        seq: int = 0,
    ) -> None:
        """`seq` is the number of the last question that was asked of another server: those of this poller go on from there."""
        self._connect, self._post, self._clock = connect, post, clock
        self._refresh_s = refresh_s
        self._changed = threading.Condition()
        self._query: ViewQuery | None = None
        self._asked = False
        self._frozen = self._stopped = False
        self._stop_search = threading.Event()
        self._grouping = threading.Lock()
        self._grouper: Reader | None = None
        self.seq = seq
        self.search_seq = seq

    @property
    def last(self) -> int:
        """The highest number that a question or a search has had."""
        return max(self.seq, self.search_seq)

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._run, name="poller", daemon=True).start()

    def stop(self) -> None:
        """Read no more. A read that is under way is left to end with the process."""
        self.cancel_search()
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def ask(self, query: ViewQuery, fresh: bool = True) -> int:
        """Read this from now on, at once; returns the number that its answers bear. Unless it is `fresh`, it is another page of
        what was asked before, and bears the same number."""
        with self._changed:
            self.seq += fresh
            self._query, self._asked = query, True
            self._changed.notify()
            return self.seq

    def again(self) -> None:
        """Read at once, without waiting for the next second."""
        with self._changed:
            self._asked = True
            self._changed.notify()

    def freeze(self, frozen: bool) -> None:
        """Stop refreshing, or go on. What is asked for is read all the same."""
        with self._changed:
            self._frozen = frozen
            self._changed.notify()

    def search(self, query: Sought) -> int:
        """Search, or group, in the background, in place of what was searched for before; returns the number that its progress
        bears."""
        self.cancel_search()
        self._stop_search = stop = threading.Event()
        self.search_seq += 1
        threading.Thread(target=self._search, args=(self.search_seq, query, stop), name="search", daemon=True).start()
        return self.search_seq

    def cancel_search(self) -> None:
        """End the search after the chunk that it reads, and forget what it finds."""
        self._stop_search.set()
        self.search_seq += 1

    # --- the threads ------------------------------------------------------------------------------

    def _run(self) -> None:
        reader: Reader | None = None
        failures = 0
        watched_at = 0.0
        while (question := self._next(failures)) is not None:
            seq, query = question
            try:
                reader = reader or self._connect()
                snapshot = reader.read(query, self._clock())
                self._post(SnapshotReady(seq, query, snapshot))
            except Exception as error:
                failures += 1
                self._post(ReadFailed(seq, query, unforeseen.said(error, "reading"), self._backoff(failures)))
                continue
            failures = 0
            if isinstance(query, OverviewQuery):
                watched_at = time.monotonic()
            elif time.monotonic() - watched_at >= WATCH_S:
                watched_at = time.monotonic()
                self._watch(reader, seq)
        if reader is not None:
            reader.close()
        with self._grouping:
            if self._grouper is not None:
                self._grouper.close()

    def _watch(self, reader: Reader, seq: int) -> None:
        """Read the overview beside another screen. When that fails, the other screen is none the worse."""
        watch = OverviewQuery(size=0)
        try:
            self._post(SnapshotReady(seq, watch, reader.read(watch, self._clock())))
        except Exception as error:
            self._post(ReadFailed(seq, watch, unforeseen.said(error, "reading"), WATCH_S))

    def _next(self, failures: int) -> tuple[int, ViewQuery] | None:
        """Wait for the next question; None when there will be none."""
        with self._changed:
            wait_s = self._backoff(failures) if failures else self._refresh_s
            end = time.monotonic() + wait_s
            while not self._stopped:
                left = end - time.monotonic()
                if self._query is not None and (self._asked or (left <= 0 and not self._frozen)):
                    self._asked = False
                    return self.seq, self._query
                self._changed.wait(None if self._query is None or self._frozen else max(0.0, left))
            return None

    def _backoff(self, failures: int) -> float:
        return min(MAX_BACKOFF_S, self._refresh_s * float(2 ** min(failures - 1, 10)))

    def _search(self, seq: int, query: Sought, stop: threading.Event) -> None:
        try:
            with self._reader_of(query, stop) as reader:
                for message in self._found(reader, seq, query, stop) if reader is not None else ():
                    if stop.is_set():
                        return
                    self._post(message)
        except Exception as error:
            if not stop.is_set():
                if isinstance(query, GroupsQuery | FailingQuery):
                    self._post(GroupsProgressed(seq, query, None, unforeseen.said(error, "grouping")))
                else:
                    self._post(SearchProgressed(seq, None, unforeseen.said(error, "searching")))

    def _found(
        self, reader: Reader, seq: int, query: Sought, stop: threading.Event
    ) -> Iterator[SearchProgressed | GroupsProgressed]:
        if isinstance(query, GroupsQuery | FailingQuery):
            with garbage.put_off():
                for groups in reader.groups(query, self._clock(), stop.is_set):
                    yield GroupsProgressed(seq, query, groups)
                    if groups.sampled:
                        stop.wait(FIRST_S)
        else:
            for found in reader.search(query, self._clock(), stop.is_set):
                yield SearchProgressed(seq, found)

    @contextmanager
    def _reader_of(self, query: Sought, stop: threading.Event) -> Iterator[Reader | None]:
        """A reader of its own for a search. Groups, and the failures of one, are all read by one that stays, one after another:
        it keeps what it has grouped. None where it was stopped before its turn."""
        grouped = isinstance(query, GroupsQuery | FailingQuery) or (isinstance(query, FailuresQuery) and query.group)
        if not grouped:
            reader = self._connect()
            try:
                yield reader
            finally:
                reader.close()
            return
        with self._grouping:
            if not stop.is_set():
                self._grouper = self._grouper or self._connect()
            yield self._grouper if not stop.is_set() else None
