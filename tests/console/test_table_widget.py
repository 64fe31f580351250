"""The table of the console: of any length, with its cursor and its marks on keys, in columns that fit."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult

from console.widgets.columns import Column, place
from console.widgets.pieces import fit, width, wrapped
from console.widgets.table import Table
from tests.console.view_host import Host, drawn
from tests.console.view_samples import HOSTILE

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Item:
    key: bytes
    name: str
    number: int


def item(number: int, name: str = "") -> Item:
    return Item(f"k{number}".encode(), name or f"item {number}", number)


def items(first: int, count: int) -> tuple[Item, ...]:
    return tuple(item(number) for number in range(first, first + count))


NAME: Column[Item] = Column("NAME", 12, lambda row, now: row.name, grow=1, most=30, sort="name")
NUMBER: Column[Item] = Column("NUMBER", 9, lambda row, now: f"{row.number:,}", right=True, sort="number")
EXTRA: Column[Item] = Column("EXTRA", 20, lambda row, now: ("extra", "dim"), drop=1)


class TableHost(Host):
    """Keeps what the table says."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.table = table
        self.wanted: list[tuple[int, int]] = []
        self.opened: list[bytes | None] = []
        self.sorts: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_table_rows_wanted(self, message: Table.RowsWanted) -> None:
        self.wanted.append((message.start, message.size))

    def on_table_opened(self, message: Table.Opened) -> None:
        self.opened.append(message.table.cursor_key)

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        self.sorts.append(message.order)


def host(*columns: Column[Item]) -> TableHost:
    return TableHost(Table(lambda row: row.key, columns or (NAME, NUMBER), id="rows"))


def cursor_line(table: Table) -> tuple[int, str]:
    """Where the cursor's line is on screen, and what it says."""
    return next((y, line) for y, line in enumerate(drawn(table)) if line.startswith("▸"))


async def test_a_million_rows_are_drawn_from_a_page_of_fifty() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        app.table.show(items(0, 50), 0, MILLION, 0.0)
        await pilot.pause()
        lines = drawn(app.table)
        assert lines[0].split() == ["NAME", "NUMBER"]
        assert lines[1].split() == ["▸", "item", "0", "0"]
        assert lines[23].split() == ["item", "22", "22"]
        assert app.table.virtual_size.height == MILLION + 1
        assert app.wanted == []


async def test_rows_that_come_in_sight_are_asked_for_once() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        app.table.show(items(0, 50), 0, MILLION, 0.0)
        app.table.move_to(500_000)
        app.table.move(1)
        app.table.move(1)
        await pilot.pause()
        (start, size), *others = app.wanted
        assert others == []
        assert start <= 500_000 - 22
        assert start + size >= 500_003
        assert drawn(app.table)[-1].startswith("▸") or "·" in drawn(app.table)[-1]
        app.table.show(items(start, size), start, MILLION, 0.0)
        await pilot.pause()
        assert "item 500002" in cursor_line(app.table)[1]
        assert app.table.cursor_key == b"k500002"
        assert len(app.wanted) == 1


async def test_rows_near_the_edge_of_the_page_are_asked_for_before_they_come_in_sight() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        app.table.show(items(0, 50), 0, MILLION, 0.0)
        for _ in range(40):
            app.table.move(1)
        await pilot.pause()
        assert len(app.wanted) == 1
        assert not any("·" in line for line in drawn(app.table))


async def test_a_page_that_lacks_rows_is_not_asked_for_again_and_again() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        app.table.show(items(0, 50), 0, MILLION, 0.0)
        app.table.move_to(200)
        await pilot.pause()
        start, _ = app.wanted[0]
        for _ in range(5):
            app.table.show(items(start, 3), start, MILLION, 0.0)
            await pilot.pause()
        assert len(app.wanted) == 1


@pytest.mark.parametrize("top", [0, 100])
async def test_the_cursor_stays_on_its_row_while_rows_come_and_go(top: int) -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        table = app.table
        table.show(items(0, 200), 0, 200, 0.0)
        table.move_to(top + 22)
        table.move_to(top + 10)
        table.toggle_mark()
        table.move(-1)
        before = cursor_line(table)
        marked = item(top + 10)
        rows = [*items(1_000, 5), *items(0, 200)]
        table.show(rows, 0, len(rows), 0.0)
        await pilot.pause()
        assert table.row() == marked
        if top:
            assert cursor_line(table)[0] == before[0], "the row keeps its place on screen"
        rows = [row for row in rows if row.number not in (3, 4, 1_001)]
        table.show(rows, 0, len(rows), 0.0)
        assert table.row() == marked
        rows.sort(key=lambda row: -row.number)
        table.show(rows, 0, len(rows), 0.0)
        await pilot.pause()
        assert table.row() == marked
        assert cursor_line(table)[1].startswith("▸•")
        assert set(table.marks) == {marked.key}


async def test_the_cursor_of_a_row_that_has_gone_is_on_the_one_that_took_its_rank() -> None:
    app = host()
    async with app.run_test(size=(60, 24)):
        table = app.table
        table.show(items(0, 10), 0, 10, 0.0)
        table.move_to(4)
        table.show([row for row in items(0, 10) if row.number != 4], 0, 9, 0.0)
        assert table.cursor_key == b"k5"
        table.move_to(8)
        table.show(items(0, 3), 0, 3, 0.0)
        assert table.cursor_key == b"k2"
        table.show((), 0, 0, 0.0)
        assert table.row() is None
        assert table.cursor_key is None


async def test_a_list_that_shrinks_far_shows_its_end() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        table = app.table
        table.show(items(950, 50), 950, 1_000, 0.0)
        table.move_to(999)
        await pilot.pause()
        table.show(items(0, 30), 0, 30, 0.0)
        await pilot.pause()
        assert table.row() == item(29)
        assert cursor_line(table) == (23, drawn(table)[23])


async def test_the_wheel_takes_the_cursor_along_and_a_refresh_leaves_it_there() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        table = app.table
        table.show(items(0, 200), 0, 200, 0.0)
        await pilot.pause()
        table.scroll_to(y=40, animate=False)
        await pilot.pause()
        assert table.row() == item(40)
        for _ in range(3):
            table.show(items(0, 200), 0, 200, 0.0)
        await pilot.pause()
        assert table.scroll_offset.y == 40


async def test_a_click_moves_the_cursor_a_second_one_opens_and_a_title_sorts() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        app.table.show(items(0, 50), 0, 50, 0.0)
        await pilot.pause()
        await pilot.click(app.table, offset=(5, 4))
        assert app.table.row() == item(3)
        assert app.opened == []
        await pilot.click(app.table, offset=(5, 6), times=2)
        assert app.opened == [b"k5"]
        await pilot.click(app.table, offset=(3, 0))
        x = drawn(app.table)[0].index("NUMBER") + 1
        await pilot.click(app.table, offset=(x, 0))
        assert app.sorts == ["name", "number"]
        await pilot.click(app.table, offset=(52, 0))
        assert app.sorts == ["name", "number"]


async def test_pages_and_ends_are_reached() -> None:
    app = host()
    async with app.run_test(size=(60, 24)):
        table = app.table
        table.show(items(0, 200), 0, 200, 0.0)
        table.move_pages(1)
        assert table.cursor == 22
        table.move_to(10_000)
        assert table.row() == item(199)
        table.move(1)
        assert table.row() == item(199)
        table.move_pages(-100)
        assert table.row() == item(0)


async def test_a_screen_that_becomes_small_keeps_the_cursor_in_sight() -> None:
    app = host(NAME, EXTRA, NUMBER)
    async with app.run_test(size=(60, 40)) as pilot:
        app.table.show(items(0, 50), 0, 50, 0.0)
        app.table.move_to(35)
        await pilot.resize_terminal(30, 10)
        await pilot.pause()
        assert cursor_line(app.table)[1].split() == ["▸", "item", "35", "35"]
        assert "EXTRA" not in drawn(app.table)[0]


async def test_what_strangers_wrote_is_made_visible_and_takes_its_own_cells_only() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        app.table.show(
            [item(0, HOSTILE), item(1, "日本語のとても長い名前がここにあります"), item(2, "[bold]x[/bold]")], 0, 3, 0.0
        )
        await pilot.pause()
        lines = drawn(app.table)
        assert "␛]52;c;aGFja2" in lines[1]
        assert not any(ord(character) < 0x20 for line in lines for character in line)
        assert "…" in lines[2]
        assert "[bold]x[/bold]" in lines[3]
        ends = {cell_len(line) for line in lines[1:4]}
        assert len(ends) == 1, "the numbers stand in one column"


async def test_nothing_to_list_is_said() -> None:
    app = host()
    async with app.run_test(size=(60, 24)) as pilot:
        app.table.notice = ((("Nothing yet.", ""),), (("It comes with rq.", "dim"),))
        app.table.show((), 0, 0, 0.0)
        await pilot.pause()
        assert [line.strip() for line in drawn(app.table)[2:5]] == ["Nothing yet.", "It comes with rq.", ""]


async def test_the_sorted_column_says_so_where_its_title_leaves_no_room() -> None:
    app = host(Column("NUMBER", 6, lambda row, now: str(row.number), right=True, sort="number"), NAME)
    async with app.run_test(size=(60, 24)) as pilot:
        app.table.sorted_by = "number"
        app.table.show(items(0, 3), 0, 3, 0.0)
        await pilot.pause()
        assert drawn(app.table)[0].startswith("  NUMBER▾ NAME")
        app.table.sorted_by = "name"
        app.table.redraw()
        assert drawn(app.table)[0].startswith("  NUMBER  NAME ▾")


def test_columns_go_by_their_rank_and_those_that_grow_share_what_is_left() -> None:
    name: Column[Item] = Column("A", 10, NAME.cell, grow=2, most=30)
    more: Column[Item] = Column("B", 10, NAME.cell, grow=1)
    first: Column[Item] = Column("C", 10, NAME.cell, drop=1)
    last: Column[Item] = Column("D", 10, NAME.cell, drop=9)
    placed = place((name, more, first, last), 46)
    assert [one.column.title for one in placed] == ["A", "B", "C", "D"]
    placed = place((name, more, first, last), 45)
    assert [(one.column.title, one.x) for one in placed] == [("A", 0), ("B", 20), ("C", 35)]
    assert placed[-1].x + placed[-1].width == 45
    wide = place((name, more), 200)
    assert [one.width for one in wide] == [30, 168]
    assert [one.column.title for one in place((name, more, first), 12)] == ["A"]
    assert place((name,), 0) == []


@pytest.mark.parametrize("cells", range(24))
@pytest.mark.parametrize("text", ["plain text", "日本語 text", HOSTILE, "", "e\u0301" * 9])
def test_a_cell_is_as_wide_as_it_should_be(text: str, cells: int) -> None:
    assert width(tuple(fit(((text, ""), ("tail", "dim")), cells))) == cells
    assert width(tuple(fit((text, "bad"), cells, right=True))) == cells


def test_a_long_text_is_broken_after_blanks_and_nothing_of_it_is_lost() -> None:
    assert wrapped("one two three\nfour", 9) == ["one two", "three", "four"]
    assert wrapped("  indented text", 12) == ["  indented", "text"]
    assert wrapped("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert all(cell_len(line) <= 9 for line in wrapped("日本語のテキスト" * 5, 9))
    assert "".join(wrapped("日本語のテキスト" * 5, 9)) == "日本語のテキスト" * 5
    assert wrapped("", 9) == [""]
    assert wrapped("\x1b[2J", 9) == ["␛[2J"]
