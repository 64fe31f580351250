"""The screen Workers: what an operator reads there, and where its keys lead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from console.model.filters import parse
from console.model.queries import JobQuery, WorkersQuery
from console.model.status import Refused, Unread
from console.model.workers import WorkersPage
from console.screens.place import Place
from console.screens.workers import FIELDS, ORDERS, WorkersView
from tests.console.view_host import SIZES, Host, drawn, text
from tests.console.view_samples import HOSTILE, SCHEDULERS, WORKERS, worker, workers_page


@asynccontextmanager
async def workers(
    page: WorkersPage | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Host, WorkersView, Any]]:
    view = WorkersView("workers")
    app = Host(view)
    async with app.run_test(size=size) as pilot:
        view.open(Place("workers", WorkersQuery()))
        await pilot.pause()
        if page is not None:
            view.show(WorkersQuery(), page)
            await pilot.pause()
        yield app, view, pilot


def names(view: WorkersView) -> list[str]:
    return [row.status.name for row in view.table.known()]


@pytest.mark.parametrize("size", SIZES)
async def test_the_worst_workers_come_first_at_every_size(size: tuple[int, int]) -> None:
    async with workers(workers_page(), size) as (app, view, _pilot):
        assert app.asked[0].query == WorkersQuery()
        lines = drawn(view)
        assert "✗ 1 gone" in lines[0]
        assert "◐ 1 late" in lines[0]
        assert "● 2 live" in lines[0]
        assert "✗ gone" in lines[2]
        assert "0f3c9a5b" in lines[2]
        assert "31 min" in lines[2]
        assert "◐ late" in lines[3]
        assert "worker-a.1834" in lines[4]
        assert "shop.scrape." in lines[4]
        assert "12 s" in lines[4]
        below = "\n".join(lines[6:])
        for word in ("rqscheduler", "rq-cron", "scheduler-77", "LAG", "POLL", "✗ gone"):
            assert word in below


async def test_a_wide_screen_tells_host_progress_and_what_was_done() -> None:
    async with workers(workers_page(), (200, 60)) as (_, view, _pilot):
        line = next(line for line in drawn(view) if "worker-a.1834" in line)
        for word in ("jobs-1", "high default low", "busy", " 40%", "1,204", "42%", "7 s", "3.0.0"):
            assert word in line


async def test_a_long_list_leaves_room_for_the_schedulers() -> None:
    rows = tuple(worker(f"worker-{number:03}") for number in range(300))
    schedulers = tuple(replace(SCHEDULERS[0], name=f"scheduler-{number}") for number in range(40))
    async with workers(workers_page(rows, schedulers=schedulers), (80, 24)) as (_, view, pilot):
        assert view.table.size.height >= 12
        assert view.query_one("#schedulers").size.height >= 4
        view.do("last")
        await pilot.pause()
        assert any(line.startswith("▸") and "worker-299" in line for line in drawn(view))


async def test_suspended_and_unread_workers_are_told() -> None:
    page = workers_page(suspended=True, unread=(Unread("workers", 2_000, 2_412),))
    async with workers(page, (120, 40)) as (_, view, _pilot):
        assert "all workers are suspended" in drawn(view)[0]
        assert "2,000 of 2,412 workers read" in drawn(view)[0]


async def test_no_worker_and_no_scheduler_say_what_would_start_them() -> None:
    async with workers(workers_page((), schedulers=()), (80, 24)) as (_, view, _pilot):
        said = text(view)
        assert "rq worker high default low" in said
        assert "No scheduler" in said
    refused = workers_page((), refused=(Refused("workers", "NOPERM"),))
    async with workers(refused) as (_, view, _pilot):
        assert "NOPERM" in text(view)
        assert "No worker." not in text(view)


MATCHES = (
    ("name:worker", ["worker-d.77", "worker-a.1834", "worker-b.1835"]),
    ("host=jobs-1 state:busy", ["worker-a.1834"]),
    ("queue=low", ["0f3c9a5be1d24a6a9d0d6c4f5b1e8a77", "worker-a.1834", "worker-b.1835"]),
    ("-queue:low", ["worker-d.77"]),
    ("verdict:gone", ["0f3c9a5be1d24a6a9d0d6c4f5b1e8a77"]),
    ("job:scrape", ["worker-a.1834"]),
    ("job:j-2", ["0f3c9a5be1d24a6a9d0d6c4f5b1e8a77"]),
    ("running>1m", ["0f3c9a5be1d24a6a9d0d6c4f5b1e8a77"]),
    ("heartbeat<1m done>100 failed:3", ["worker-a.1834", "worker-b.1835"]),
    ("monthly", ["0f3c9a5be1d24a6a9d0d6c4f5b1e8a77"]),
)


async def test_a_filter_shows_those_that_match() -> None:
    async with workers(workers_page()) as (_, view, _pilot):
        for expression, expected in MATCHES:
            view.filter_with(parse(expression, FIELDS))
            assert names(view) == expected, expression


async def test_a_filter_that_matches_none_says_so() -> None:
    async with workers(workers_page()) as (_, view, pilot):
        view.filter_with(parse("name:nobody", FIELDS))
        await pilot.pause()
        assert "No worker matches" in text(view)


async def test_every_order_can_be_had_by_key_and_by_title() -> None:
    async with workers(workers_page()) as (_, view, pilot):
        for order in [*ORDERS[1:], ORDERS[0]]:
            view.do("sort")
            await pilot.pause()
            assert view.table.sorted_by == order
        view.do("sort")
        assert names(view) == sorted(names(view))
        await pilot.click(view.table, offset=(drawn(view)[1].index("RUNNING") + 2, 0))
        await pilot.pause()
        assert names(view)[:2] == ["0f3c9a5be1d24a6a9d0d6c4f5b1e8a77", "worker-a.1834"]


async def test_enter_opens_the_job_that_it_runs() -> None:
    async with workers(workers_page()) as (_app, view, _pilot):
        assert view.do("open") == Place("job", JobQuery(b"j-2"))
        view.do("down")
        assert not view.do("open"), "an idle worker has nothing to open"


async def test_the_cursor_stays_on_its_worker_while_verdicts_change() -> None:
    async with workers(workers_page()) as (_, view, pilot):
        view.do("last")
        assert view.copied() == ("worker", "worker-b.1835")
        worse = tuple(
            replace(row, status=replace(row.status, verdict="gone")) if row.key == b"worker-b.1835" else row for row in WORKERS
        )
        view.show(WorkersQuery(), workers_page((*worse, worker("a-new-one"))))
        await pilot.pause()
        assert view.copied() == ("worker", "worker-b.1835")


async def test_hostile_names_of_workers_are_visible() -> None:
    bad = worker(
        HOSTILE, state=HOSTILE, host=HOSTILE, queues=(HOSTILE,), job=HOSTILE, job_key=b"\xff", call=HOSTILE,
        progress=(None, HOSTILE), version=HOSTILE,
    )  # fmt: skip
    scheduler = replace(SCHEDULERS[0], name=HOSTILE, host=HOSTILE, kind=HOSTILE)
    async with workers(workers_page((bad,), schedulers=(scheduler,)), (200, 60)) as (_, view, _pilot):
        assert "␛]52" in text(view)
        assert all(character.isprintable() for line in drawn(view) for character in line)
