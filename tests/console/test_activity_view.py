"""The screens Activity and Operation: what an operator reads there, and where their keys lead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from console.model.activity import Happened, OperationPage, OperationRow
from console.model.filters import parse
from console.model.operations import Counts
from console.model.outcomes import MEANS, SIGNS, outcome
from console.model.queries import ActivityQuery, JobQuery, OperationQuery, TrashQuery, WorkersQuery
from console.model.status import Refused
from console.screens.activity import FIELDS, ActivityView
from console.screens.operation import OperationView
from console.screens.place import Place
from tests.console.view_host import SIZES, Host, drawn, in_utc, text
from tests.console.view_samples import HAPPENED, HOSTILE, NOW, OPERATIONS, activity_page, operation


@asynccontextmanager
async def activity(page: Any = None, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Host, ActivityView, Any]]:
    view = ActivityView("activity")
    app = Host(view)
    async with app.run_test(size=size) as pilot:
        view.open(Place("activity", ActivityQuery()))
        await pilot.pause()
        if page is not None:
            view.show(ActivityQuery(), page)
            await pilot.pause()
        yield app, view, pilot


def ids(view: ActivityView) -> list[str]:
    return [row.id for row in view.table.known()]


# --- what is listed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_newest_operation_is_first_and_tells_what_came_of_it(size: tuple[int, int]) -> None:
    async with activity(activity_page(), size) as (app, view, _pilot):
        assert app.asked[0].query == ActivityQuery()
        lines = drawn(view)
        assert "[done from consoles 7]" in lines[0]
        assert "on its own 5" in lines[0]
        assert "2 can be undone" in lines[0]
        for word in ("1 min ago", "ann", "delete", "1,200", "… unfinished", "59 min"):
            assert word in lines[2]
        for line, word in zip(lines[3:8], ("▲ partly", "⊘ ended early", "✗ broken off", "✓ done", "■ stopped"), strict=True):
            assert word in line
        assert "hello=world" in lines[8]
        assert "· foreign" in lines[8]
        below = "\n".join(lines[9:])
        for word in ("HAPPENED ON ITS OWN", "✗ worker 0f3c9a5b", "entry old-report set aside", "3 schedules orphaned"):
            assert word in below


async def test_a_wide_screen_tells_all_of_it() -> None:
    async with activity(activity_page(), (200, 60)) as (_, view, _pilot):
        lines = drawn(view)
        for word in ("ops-1", "with_dependents", "18,240"):
            assert word in lines[2]
        for word in ("all failed jobs of every queue, under error:Timeout  the vendor", "1,944", "3"):
            assert word in lines[3]
        assert "200" in lines[5]
        below = "\n".join(lines[9:])
        for word in ("silent for 31 min, with job j-2", "its id cannot be decoded", "41 slots skipped", "had not ended"):
            assert word in below


async def test_nothing_was_done_says_what_would_fill_it() -> None:
    async with activity(activity_page((), happened=()), (80, 24)) as (_, view, pilot):
        said = text(view)
        assert "Nothing was done from a console yet." in said
        assert "who, when, what, how it ended, and until when" in said
        assert "✓ nothing: no worker is gone" in said
        view.do("next_list")
        await pilot.pause()
        assert "✓ nothing: no worker is gone" in text(view)
        assert "Nothing was done" not in text(view)


async def test_what_was_refused_is_not_told_as_nothing() -> None:
    page = activity_page((), happened=(), refused=(Refused("tq:activity", "NOPERM"),))
    async with activity(page, (80, 24)) as (_, view, _pilot):
        said = text(view)
        assert "▲ tq:activity: NOPERM" in said
        assert "Nothing was done" not in said
        assert "✓ nothing" not in said


async def test_many_operations_leave_room_for_what_happened_on_its_own() -> None:
    rows = tuple(operation(n) for n in range(1, 400))
    happened = tuple(Happened(f"entry {n}".encode(), "set aside", f"entry-{n}") for n in range(50))
    async with activity(activity_page(rows, happened=happened, more=True), (80, 24)) as (_, view, pilot):
        assert "[done from consoles 399+]" in drawn(view)[0]
        assert view.query_one("#rows").size.height >= 10
        assert view.query_one("#beneath").size.height >= 8
        assert any("since 6 h ago" in piece for piece, _ in view.summary())
        view.do("next_list")
        await pilot.pause()
        view.do("last")
        await pilot.pause()
        assert any(line.startswith("▸") and "entry-49" in line for line in drawn(view))
        view.do("previous_list")
        await pilot.pause()
        assert "[done from consoles 399+]" in drawn(view)[0]


MATCHES = (
    ("who:bob", [2]),
    ("command:delete outcome:done", [4]),
    ("outcome:unfinished", [0]),
    ("reason:vendor skipped>2", [1]),
    ("failed>100", [3]),
    ("age>1h -who:ann", [6]),
    ("hello", [6]),
    (f"operation={OPERATIONS[5].id}", [5]),
)


async def test_a_filter_shows_those_that_match() -> None:
    async with activity(activity_page()) as (_, view, _pilot):
        for expression, expected in MATCHES:
            view.filter_with(parse(expression, FIELDS))
            assert ids(view) == [OPERATIONS[at].id for at in expected], expression
        view.filter_with(parse("who:nobody", FIELDS))
        assert "No operation matches." in text(view)
        view.do("next_list")
        view.filter_with(parse("orphaned", FIELDS))
        assert [one.kind for one in view.table.known()] == ["orphaned"]
        view.filter_with(parse("-age>1h what:worker", FIELDS))
        assert [one.kind for one in view.table.known()] == ["gone"]


async def test_the_cursor_stays_on_its_operation_while_others_are_begun() -> None:
    async with activity(activity_page()) as (_, view, pilot):
        view.do("down")
        assert view.copied() == ("operation", OPERATIONS[1].id)
        view.show(ActivityQuery(), activity_page((operation(0), *OPERATIONS)))
        await pilot.pause()
        assert view.copied() == ("operation", OPERATIONS[1].id)


async def test_enter_opens_the_operation_and_what_happened() -> None:
    async with activity(activity_page()) as (_, view, pilot):
        assert view.do("open") == Place("operation", OperationQuery(OPERATIONS[0].key))
        view.do("next_list")
        await pilot.pause()
        assert view.do("open") == Place("job", JobQuery(b"j-2"))
        assert view.copied() == ("line", f"worker {HAPPENED[0].subject} gone: silent for 31 min, with job j-2")
        view.do("down")
        assert not view.do("open"), "an entry that was set aside is no job any more"
        view.show(ActivityQuery(), activity_page(happened=(replace(HAPPENED[0], job=None),)))
        assert view.do("open") == Place("workers", WorkersQuery())


async def test_what_can_be_undone_is_named_and_nothing_else() -> None:
    async with activity(activity_page()) as (_, view, _pilot):
        meant = view.meant("undo")
        assert meant is not None
        assert (meant.operation, meant.queries, meant.count) == (OPERATIONS[0].id, (TrashQuery(OPERATIONS[0].id),), 1_200)
        assert meant.what == "job"
        assert meant.scope == f"what was taken by: delete of {OPERATIONS[0].scope}, operation {OPERATIONS[0].id}"
        view.do("down")
        assert view.meant("undo") is None
        view.do("next_list")
        assert view.meant("undo") is None


async def test_hostile_text_is_visible() -> None:
    bad = OperationRow(
        b"1-1", HOSTILE, NOW, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, NOW, HOSTILE,
        Counts(1, 1, {HOSTILE: 1}, {HOSTILE: 1}), HOSTILE,
    )  # fmt: skip
    happened = (Happened(b"a", "gone", HOSTILE, at=NOW, why=HOSTILE), Happened(b"b", HOSTILE, HOSTILE, why=HOSTILE))
    foreign = OperationRow(b"2-1", "", NOW, said=HOSTILE, foreign=True)
    async with activity(activity_page((bad, foreign), happened=happened), (200, 60)) as (_, view, pilot):
        assert "␛]52" in text(view)
        assert all(character.isprintable() for line in drawn(view) for character in line)
        assert "\x1b" not in "".join(view.copied() or ())
        view.do("next_list")
        await pilot.pause()
        assert all(character.isprintable() for line in drawn(view) for character in line)
    for row in (bad, foreign):
        async with opened(row, (80, 24)) as view:
            assert "␛]52" in text(view)
            assert all(character.isprintable() for line in drawn(view) for character in line)


# --- one operation ----------------------------------------------------------------------------------


@asynccontextmanager
async def opened(row: OperationRow | None, size: tuple[int, int] = (120, 40), **more: Any) -> AsyncIterator[OperationView]:
    view = OperationView("operation")
    in_utc(view)
    async with Host(view).run_test(size=size) as pilot:
        view.open(Place("operation", OperationQuery(b"1-1")))
        await pilot.pause()
        view.show(OperationQuery(b"1-1"), OperationPage(NOW, row, **more))
        await pilot.pause()
        yield view


@pytest.mark.parametrize("size", SIZES)
async def test_an_operation_tells_who_did_what_where_and_why(size: tuple[int, int]) -> None:
    row = operation(2, options="at_front", counts=Counts(1_900, 2, {"changed": 30, "gone": 3}, {"unknown": 12}), matched=2_000)
    async with opened(row, size) as view:
        said = text(view)
        view.do("last")
        said += text(view)
        for word in (
            row.id, "ann on ops-1", "2 min ago", "14:00:11", "requeue  at_front", "all failed jobs of every queue",
            "rediss://…@cache-1/0", "the vendor is back", "2,000", "1,900", "workers were told",
            "it is in another state, or another place", "30        changed", "it is no longer there",
            "nobody knows whether it was", "nothing was done to them", "cannot be undone",
        ):  # fmt: skip
            assert word in said, word
        assert view.meant("undo") is None


async def test_an_operation_without_an_end_says_what_that_means() -> None:
    async with opened(OPERATIONS[0]) as view:
        said = text(view)
        for word in ("… unfinished", "no end is recorded", "1,200", "17,040", "1,200 things are in the trash",
                     f"tq-console undo {OPERATIONS[0].id}", "59 min, until 15:01:11"):  # fmt: skip
            assert word in said, word
        meant = view.meant("undo")
        assert meant is not None
        assert meant.operation == OPERATIONS[0].id


async def test_an_operation_whose_counts_are_gone_says_so() -> None:
    async with opened(operation(1, how="", counts=None, ended_at=None)) as view:
        assert "it has them no longer" in text(view)


async def test_an_operation_that_the_audit_has_dropped() -> None:
    async with opened(None) as view:
        assert "The audit has this operation no longer." in text(view)
    async with opened(None, refused=(Refused("tq:activity", "NOPERM"),)) as view:
        assert "NOPERM" in text(view)
        assert "no longer" not in text(view)


def test_every_outcome_has_a_sign_and_a_meaning() -> None:
    assert set(SIGNS) == set(MEANS)
    nothing = operation(1, how="done", counts=Counts(skipped={"same": 2}))
    assert {outcome(row) for row in (*OPERATIONS, nothing)} == set(MEANS)
    assert (outcome(nothing), outcome(replace(nothing, counts=Counts(failed={"refused": 2})))) == ("nothing", "nothing")
    assert outcome(replace(nothing, counts=Counts(sent=1, failed={"refused": 2}))) == "partly"
    assert outcome(operation(1, how="exploded")) == "exploded"
