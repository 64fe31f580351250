"""How a status is drawn on terminals of every size."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from console.commands.status_fit import fitted
from console.commands.status_table import Rows, drawn
from console.model.problems import find
from console.model.status import QueueStatus, Status, WorkerStatus
from tests.console.test_problems import GONE, HIGH, MAIL, SCHEDULER, WELL, WORKER

LANES = tuple(
    replace(HIGH, name=name, waiting=1_234, oldest_s=400.0, in_per_min=30.0, out_per_min=12.0, failed=77)
    for name in ("high", "default", "low")
)


def status(workers: int = 9, schedulers: int = 4, queues: int = 5, gone: int = 0) -> Status:
    found = replace(
        WELL,
        queues=(*LANES, *(replace(MAIL, name=f"queue-{n}", waiting=1) for n in range(queues))),
        workers=tuple(
            replace(WORKER, name=f"{n:032x}", queues=("high", "default", "low"), verdict="gone" if n < gone else "live")
            for n in range(workers)
        ),
        schedulers=tuple(replace(SCHEDULER, name=f"{n:032x}") for n in range(schedulers)),
        schedules=replace(WELL.schedules, armed=23, paused=1),
    )
    return replace(found, problems=find(found))


def lines(page: Status, width: int, height: int | None = None, rows: Rows | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height or 24, color_system=None)
    shown = fitted(page, console) if height else drawn(page, width, rows=rows or Rows())
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def headings(page: list[str], first: str) -> list[str]:
    return next(line.split() for line in page if line.startswith(first))


def test_what_is_wrong_comes_right_after_the_heading() -> None:
    page = lines(status(), 120)
    assert page[1] == "3 problems"
    assert page[2].startswith("✗ high: the next job has waited 6 min longer than the 5 s that is promised")
    assert lines(WELL, 120)[1] == "✓ no problem found"


def test_a_wide_terminal_has_every_column() -> None:
    page = lines(status(), 200)
    assert headings(page, "LANE") == (
        ["LANE", "WAITING", "OLDEST", "PROMISE", "IN/min", "OUT/min", "DRAINS", "RUNNING", "RETRYING", "FAILED", "WORKERS"]
    )
    assert headings(lines(replace(WELL, queues=(MAIL,)), 200), "QUEUE")[:2] == ["QUEUE", "WAITING"]
    assert headings(page, "WORKER ") == ["WORKER", "HOST", "QUEUES", "STATE", "VERDICT", "JOB", "BEAT", "OK", "ERRORS"]
    assert "24 schedules, 1 paused, 0 orphaned; entries: 0 late, 0 set aside, 100 due within the hour" in page
    held_back = lines(replace(status(), held_back=12), 200)
    assert any(line.endswith("100 due within the hour; 12 jobs wait for a rate limit") for line in held_back)


def test_without_the_job_layer_a_lane_is_no_more_than_a_queue_and_nothing_is_orphaned() -> None:
    unused = replace(HIGH, waiting=0, oldest_s=None, promise_s=None, workers=0, busy=0)
    used = replace(unused, name="default", waiting=7)
    page = lines(replace(WELL, queues=(unused, used, MAIL), schedules=replace(WELL.schedules, orphaned=None)), 200)
    assert headings(page, "QUEUE")[:2] == ["QUEUE", "WAITING"]
    assert ["default", "7"] in [line.split()[:2] for line in page]
    assert "no queue has jobs or workers" in lines(replace(WELL, queues=(unused,)), 200)
    assert not [line for line in page if line.startswith(("high", "LANE")) or "neither jobs" in line or "orphaned" in line]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 110])
def test_a_narrow_terminal_keeps_what_matters_most(width: int) -> None:
    page = lines(status(), width)
    assert headings(page, "LANE")[:2] == ["LANE", "WAITING"]
    for lane in ("high", "default", "low"):
        assert [lane, "1,234"] in [line.split()[:2] for line in page]
    assert {"WORKER", "VERDICT"} <= set(headings(page, "WORKER "))
    assert all(len(line) <= width for line in page)


def test_the_more_important_columns_stay_longest() -> None:
    shown: set[str] = set()
    for width in range(25, 130):
        now = set(headings(lines(status(), width), "LANE"))
        assert shown <= now, width
        shown = now


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 20), (40, 24), (120, 40)])
def test_watched_it_fits_the_terminal(width: int, height: int) -> None:
    page = lines(status(workers=60, schedulers=20, queues=40, gone=2), width, height)
    assert len(page) <= height
    text = " ".join(" ".join(page).split())
    assert "the next job has waited 6 min longer than the 5 s that is promised" in text
    assert "24 schedules" in text
    for lane in ("high", "default", "low"):
        assert [lane, "1,234"] in [line.split()[:2] for line in page]


def test_what_is_cut_is_counted() -> None:
    page = lines(status(workers=60, schedulers=20, queues=0), 80, 34)
    live = [line for line in page if "● live" in line]
    schedulers = [line for line in live if line.startswith("rqscheduler")]
    workers = len(live) - len(schedulers)
    assert 3 <= workers < 60
    assert 1 <= len(schedulers) < 20
    assert f"… and {60 - workers} more" in page
    assert f"… and {20 - len(schedulers)} more" in page


def test_what_has_no_room_at_all_is_counted_by_its_verdict() -> None:
    page = lines(replace(status(workers=60, gone=2), schedulers=(SCHEDULER, GONE)), 80, rows=Rows(workers=0, schedulers=0))
    assert "60 workers: 2 gone, 58 live" in page
    assert "2 schedulers: 1 gone, 1 live" in page


def test_everything_is_shown_where_there_is_room() -> None:
    assert lines(status(), 120, 60) == lines(status(), 120)


def test_in_the_smallest_terminal_what_is_wrong_is_at_the_top() -> None:
    page = lines(status(workers=60), 40, 5)
    assert any(line.startswith("✗ ") for line in page[:5])


def test_names_are_cut_before_columns_are_left_out() -> None:
    long_named: tuple[QueueStatus, ...] = (replace(MAIL, name="x" * 300, waiting=1),)
    workers: tuple[WorkerStatus, ...] = (replace(WORKER, name="w" * 300),)
    page = lines(replace(WELL, queues=(*LANES, *long_named), workers=workers), 110)
    assert "WORKERS" in headings(page, "LANE")
    assert any(line.startswith("xxxxxxxxxxx") and "…" in line for line in page)
