"""A list of any length: a page of it by rank, or what a search has found where the server has no index for a filter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from console.model import words
from console.model.counting import counted
from console.model.filters import Filter
from console.model.pages import Found
from console.model.ports import Snapshot
from console.model.queries import MAX_PAGE, PAGE, SearchQuery, ViewQuery, same_list
from console.screens.place import Place
from console.screens.tabled import Tabled
from console.screens.view import Asks, Searches
from console.widgets.pieces import Piece
from console.widgets.table import Table

AGAIN_S: Final = 10.0
"""Seconds after which a search that found what is listed is made again, at the least."""

AGAIN_TIMES: Final = 20
"""So many times as long as the search took is waited at the least, so that it takes a twentieth of a connection's time."""

MOST_AGAIN: Final = 20_000
"""A search that looked at more is made again only when somebody asks for it."""


class Listing(Tabled):
    """A table over a page of rows. What it lists, and how, its subclasses say; `asked` is the whole list's query."""

    asked: Any

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self._snapshot: Any = None
        self._found: list[bytes] = []
        self._search: Found | None = None
        self._searching = False
        self._begun_at: float | None = None
        self._ended_at: float | None = None
        self._found_again: list[bytes] | None = None
        self._chased = False
        self._sought: bytes | None = None

    # --- what a subclass says -------------------------------------------------------------------

    def needs_search(self, query: Any) -> bool:
        """Whether the server has no index for what is asked."""
        return bool(query.filter)

    def noticed(self, snapshot: Any) -> None:
        """Keep what the line above the table shows of a snapshot."""

    # --- a view ---------------------------------------------------------------------------------

    def open(self, place: Place) -> None:
        """Ask for the page around the place's cursor, or search for it."""
        before, self.asked, self.said = getattr(self, "asked", None), place.query, place.filter
        if self._snapshot is None or before is None or not same_list(before, place.query) or self.needs_search(place.query):
            self._begin(place.cursor_key, place.cursor, place.marks, place.all_marked)
            return
        # The same list as when it was left: what was read then stands, with its age, until it is read anew.
        self.post_message(Searches(None))
        self._ask_around(place.cursor)
        self.tell()

    @property
    def as_of(self) -> float | None:
        """When the page was read."""
        return None if self._snapshot is None else float(self._snapshot.as_of)

    def filter_with(self, filter: Filter) -> None:
        """List only what matches, from its first row on."""
        self.said = filter
        if filter != self.asked.filter:
            self.change(replace(self.asked, filter=filter, start=0, only=None))

    def change(self, query: Any) -> None:
        """List something else from its first row on."""
        self.asked = query
        self._begin(None, 0)

    def turn(self, query: Any) -> None:
        """List the same in the reverse order: the cursor and the marks stay with their rows."""
        table = self.table
        self.asked = query
        self._begin(table.cursor_key, max(0, table.total - 1 - table.cursor), tuple(table.marks), table.all_marked)

    def show(self, query: ViewQuery, snapshot: Snapshot) -> None:
        """Show a page, unless the row under the cursor has moved out of it: then that is looked for once."""
        page: Any = snapshot
        rows, start, total = page.rows, page.start, page.total or 0
        self.noticed(page)
        table = self.table
        if self.needs_search(self.asked):
            total = len(self._found)
        elif table.lost_cursor(rows, start) and not self._chased and total != table.total and table.known():
            # So many rows came or went before it: the row is that much further on.
            self._chased = True
            self._ask_from(max(0, start + total - table.total), table.wanted()[1])
            return
        self._chased = False
        self._snapshot = page
        table.set_columns(self.columns())
        table.notice = self._notice(total)
        table.show(rows, start, total, page.as_of)
        self._follow_search(float(page.as_of))
        self.tell()

    def fail(self, reason: str) -> None:
        """Say why, where nothing is shown yet."""
        if self._snapshot is None:
            self.table.notice = ((("The server did not answer.", "bad"),), ((reason, ""),), (("It is tried again.", "dim"),))
            self.table.refresh()

    def progress(self, found: Found | None, reason: str) -> None:
        """Show how far the search is, and what it has found. One that is made again shows when it has come to its end."""
        table = self.table
        if self._found_again is not None:
            self._take_in(found)
            return
        if found is None:
            self._searching = False
            table.notice = ((("The search ended.", "bad"),), ((reason, ""),))
            table.refresh()
            self.tell()
            return
        before = len(self._found)
        self._found += found.keys
        self._search, self._searching = found, not found.done
        self._seek(found)
        first, size = table.wanted()
        if before < first + size and len(self._found) > before:
            self._ask_from(first, size)
        elif not self._found:
            table.notice = self._notice(0)
            table.refresh()
        elif found.keys:
            table.show(table.known(), table.known_from, len(self._found), table.now)
        self.tell()

    def summary(self) -> Sequence[Piece]:
        """How many, how many of them are marked, and how far a search has come."""
        said: list[Piece] = []
        if self._search is not None:
            share = "" if self._search.done and not self._search.more else f" of {self._search.of:,}"
            said.append((f"{'searching' if self._searching else 'searched'} {self._search.read:,}{share}", "accent"))
            if self._search.more:
                said.append((f" ({self._search.more})", "warn"))
            if self._ended_at is not None and self.as_of is not None and self.as_of - self._ended_at >= 2 * AGAIN_S:
                said.append((f" {words.relative(self._ended_at, self.as_of)}", "dim"))
            said.append((" · ", "dim"))
        if self.listed() > self.table.total and not self.table.all_marked:
            said.append((f"the newest {self.table.total:,} of {self.listed():,} · ", "dim"))
        return [*said, *super().summary()]

    def listed(self) -> int:
        """How many there are; of a search's finds, how many were found."""
        of: int | None = getattr(self._snapshot, "of", None)
        return max(self.table.total, of or 0) if not self.needs_search(self.asked) else self.table.total

    def do_refresh(self) -> bool:
        """Search again, where the list is what a search has found."""
        if self.needs_search(self.asked):
            self._again(self.table.cursor_key)
        return True

    def acted(self, keys: Collection[bytes]) -> None:
        """Take the marks off of those that something was done to; what a search has found is searched for again, since they
        may be no part of it any more."""
        super().acted(keys)
        if self.display and keys and self.needs_search(self.asked):
            rows, at = self.table.known(), self.table.cursor - self.table.known_from
            kept = [self.key(row) for row in (*rows[max(0, at) :], *rows[: max(0, at)][::-1]) if self.key(row) not in keys]
            self._again(next(iter(kept), None))

    def came_back(self, key: bytes) -> None:
        """Put the cursor there, where it is listed."""
        super().came_back(key)
        if self.display and self.needs_search(self.asked):
            self._again(key)

    def on_table_rows_wanted(self, message: Table.RowsWanted) -> None:
        """Read what came in sight."""
        message.stop()
        self._ask_from(message.start, message.size)

    # --- inside ---------------------------------------------------------------------------------

    def _again(self, cursor_key: bytes | None) -> None:
        """Search again, with the cursor on that row and the same marks."""
        self._begin(cursor_key, 0, tuple(self.table.marks), self.table.all_marked)

    def _follow_search(self, now: float) -> None:
        """Note when a search began and ended, as far as the pages that are read tell, and make it again in time."""
        if self._search is None and not self._searching:
            return
        if self._begun_at is None:
            self._begun_at = now
        if self._searching or self._found_again is not None or self._search is None:
            return
        if self._ended_at is None:
            self._ended_at = now
        waited, took = now - self._ended_at, self._ended_at - self._begun_at
        if self._search.read <= MOST_AGAIN and waited >= max(AGAIN_S, AGAIN_TIMES * took):
            self._begun_at, self._found_again = now, []
            self.post_message(Searches(self.asked))

    def _take_in(self, found: Found | None) -> None:
        """Keep what a search that is made again finds; at its end that is what is listed, with the cursor on its row."""
        if found is None:
            self._found_again, self._ended_at = None, self.as_of
            return
        assert self._found_again is not None
        self._found_again += found.keys
        if found.done:
            before, self._found = self._found, self._found_again
            self._search, self._found_again, self._ended_at = found, None, None
            key = self.table.cursor_key
            if self._found != before:
                self._ask_around(self._found.index(key) if key in self._found else self.table.cursor)

    def _begin(self, cursor_key: bytes | None, cursor: int, marks: Iterable[bytes] = (), all_marked: bool = False) -> None:
        table = self.table
        self._snapshot, self._search, self._found, self._chased = None, None, [], False
        self._begun_at = self._ended_at = self._found_again = None
        self._searching = self.needs_search(self.asked)
        self._sought = cursor_key if self._searching else None
        cursor = 0 if self._sought is not None else cursor
        table.clear(cursor_key, cursor, marks, all_marked)
        table.set_columns(self.columns())
        table.notice = ((("Reading …", "dim"),),)
        query: SearchQuery = self.asked
        self.post_message(Searches(query if self._searching else None))
        self._ask_around(cursor)
        self.tell()

    def _seek(self, found: Found) -> None:
        """Put the cursor on the row that it was on before this search, once that is found, unless it was moved meanwhile."""
        table = self.table
        if self._sought is None or table.cursor:
            self._sought = None
        elif self._sought in found.keys:
            table.cursor, table.cursor_key = self._found.index(self._sought), self._sought
            self._sought = None
            self._ask_around(table.cursor)

    def _ask_around(self, cursor: int) -> None:
        """Ask for the rows around that rank: a screen before it and two from there on, so that moving shows rows at once."""
        screen = self.app.size.height
        start = max(0, cursor - screen)
        self._ask_from(start, cursor + 2 * screen - start, fresh=True)

    def _ask_from(self, start: int, size: int, fresh: bool = False) -> None:
        """Ask for `size` rows from that rank on; of a search's finds, by their names."""
        size = min(MAX_PAGE, max(PAGE, size))
        query = replace(self.asked, start=start, size=size)
        if self.needs_search(self.asked):
            query = replace(query, only=tuple(self._found[start : start + size]))
        self.post_message(Asks(query, fresh))

    def _notice(self, total: int) -> Sequence[tuple[Piece, ...]]:
        if total:
            return ()
        if self._searching:
            return ((("Searching …", "dim"),),)
        if self._search is not None and self.asked.filter:
            read = f"{counted(self._search.read, 'was', 'were')} looked at, and none matches."
            return (((read, ""),), (("backspace takes the filter off, / changes it", "dim"),))
        return tuple(self.empty())
