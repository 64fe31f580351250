"""The screens Job and User: one page of everything, folded and unfolded, with what can be opened from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from console.model.job import Attempt, JobDetail, Related
from console.model.job import Place as Listed
from console.model.payload import Call, Long, Many, Undecodable
from console.model.queries import JobQuery, JobsQuery, UserQuery
from console.model.schedules import UserPage
from console.model.status import Refused
from console.screens.job import JobView
from console.screens.place import Place
from console.screens.user import UserView
from tests.console.view_host import SIZES, Host, drawn, in_utc, text
from tests.console.view_samples import HOSTILE, JOB, NOW, TRACEBACK, USER, job_row, schedule

TALL = (120, 110)
"""High enough for a whole page."""


@asynccontextmanager
async def job(detail: JobDetail, size: tuple[int, int] = TALL) -> AsyncIterator[tuple[Host, JobView, Any]]:
    view = JobView("job")
    app = Host(in_utc(view))
    query = JobQuery(detail.key)
    async with app.run_test(size=size) as pilot:
        view.open(Place("job", query))
        await pilot.pause()
        assert "Reading …" in text(view)
        view.show(query, detail)
        await pilot.pause()
        yield app, view, pilot


def go_to(view: Any, words: str) -> None:
    """Put the cursor on the first line that has these words."""
    for line in range(view.page.length):
        view.page.move_to(line)
        if words in view.page.text():
            return
    pytest.fail(f"no line says {words!r}")


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_screen_of_a_failed_job_tells_what_failed_and_where(size: tuple[int, int]) -> None:
    async with job(JOB, size) as (_, view, _pilot):
        said = text(view)
        for words in ("✗ failed", "scrape_for_user", "'ada@example.com'", "0 of 2 retries left", "worker-a.1834", "20 s",
                      "did not answer within 20 s", 'File "/srv/app/shop/fetch.py", line 31'):  # fmt: skip
            assert words in said


async def test_the_page_tells_everything_that_is_known() -> None:
    async with job(JOB) as (_, view, _pilot):
        said = text(view)
        for words in (
            "scrape ada@example.com", "tq-scrape-0123456789", "12:57:00", "waited 5 min", "ran 20 s", "kept 6 d 22 h more",
            "↻ retried", "40%  page 4 of 10", "page 11 read", "✓ finished  shop.login.session", "2 of 9", "? gone      child-2",
            "{'user_id': 'ada@example.com', 'trace': {'id': 7}}", "rq:failed:high  at place 4  kept until 2025-03-21",
            "failure_ttl         604800",
        ):  # fmt: skip
            assert words in said, words
        assert "though that is" not in said


async def test_folded_a_traceback_has_the_frames_of_the_application_alone() -> None:
    async with job(JOB) as (_, view, _pilot):
        said = text(view)
        assert "shop/scrape.py" in said
        assert "site-packages" not in said
        assert "ssl.py" not in said
        assert "3 frames of libraries, f unfolds" in said
        view.do("fold")
        said = text(view)
        assert "site-packages/rq/job.py" in said
        assert "ssl.py" in said
        assert "The above exception was the direct cause" in said
        assert "page 0 read" in said
        assert "f unfolds" not in said
        assert said.count("x") > 200, "the long field is whole"
        view.do("fold")
        assert "site-packages" not in text(view)


async def test_unfolding_leaves_the_cursor_on_its_line() -> None:
    async with job(JOB, (80, 24)) as (_, view, pilot):
        go_to(view, "page 9 read")
        await pilot.pause()
        view.do("fold")
        await pilot.pause()
        assert "page 9 read" in view.page.text()
        assert any(line.startswith("▸") and "page 9 read" in line for line in drawn(view))


async def test_a_refresh_leaves_the_cursor_on_what_it_is_on() -> None:
    async with job(JOB, (80, 24)) as (_, view, pilot):
        go_to(view, "child-2")
        await pilot.pause()
        before = next(y for y, line in enumerate(drawn(view)) if line.startswith("▸"))
        more = Attempt(3, NOW - 60, NOW - 50, "worker-a.1834", "failed", "ValueError: no", TRACEBACK)
        view.show(view.asked, replace(JOB, attempts=(*JOB.attempts, more), attempts_total=3))
        await pilot.pause()
        assert view.page.target() == ("job", b"child-2")
        assert next(y for y, line in enumerate(drawn(view)) if line.startswith("▸")) == before


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("session(", Place("job", JobQuery(b"parent-1"))),
        ("mail.send", Place("job", JobQuery(b"child-1"))),
        ("ada@example.com  pro", Place("user", UserQuery("ada@example.com"))),
        ("queue       high", Place("jobs", JobsQuery(queue=b"high"))),
    ],
)
async def test_enter_opens_what_the_line_stands_for(words: str, place: Place) -> None:
    async with job(JOB) as (_app, view, _pilot):
        go_to(view, words)
        assert view.do("open") == place


async def test_a_line_that_stands_for_nothing_is_copied_as_it_is() -> None:
    async with job(JOB) as (app, view, pilot):
        assert view.owner() == "ada@example.com"
        go_to(view, "shop/fetch.py")
        assert not view.do("open")
        assert view.copied() == ("line", 'File "/srv/app/shop/fetch.py", line 31, in fetch')
        go_to(view, "id  ")
        assert view.copied() == ("id", JOB.id)
        view.page.move(1)
        assert view.copied() == ("job", JOB.id)
        await pilot.pause()
        assert app.gone == []


async def test_times_are_told_in_the_chosen_zone() -> None:
    async with job(JOB) as (_, view, _pilot):
        view.zone = timezone(timedelta(hours=5, minutes=30))
        view.draw()
        assert "18:32:11" in text(view)


async def test_a_job_that_is_gone_says_what_is_left() -> None:
    gone = JobDetail(
        NOW, b"j-1", "j-1", False, places=(Listed("rq:queue:low", 0),), dependents=(Related(b"c", "c", "deferred"),)
    )
    async with job(gone) as (_, view, _pilot):
        said = text(view)
        assert "no such job" in said
        assert "There is no job of this id" in said
        assert "rq:queue:low  at place 1" in said
        assert "⋯ deferred" in said
    async with job(JobDetail(NOW, b"j-1", "j-1", False)) as (_, view, _pilot):
        assert "Nothing is left of it" in text(view)


async def test_lists_that_contradict_the_state_are_told() -> None:
    async with job(replace(JOB, status="queued", places=())) as (_, view, _pilot):
        assert "in no list, though that is queued" in text(view)
    waits = replace(JOB, status="queued", places=(Listed("rq:failed:high", 0, -1.0),))
    async with job(waits) as (_, view, _pilot):
        assert "in none of the lists of its state, though that is queued" in text(view)
        assert "kept for good" in text(view)
    blind = replace(JOB, places=(), refused=(Refused("rq:failed:high", "NOPERM"),))
    async with job(blind) as (_, view, _pilot):
        assert "though that is" not in text(view), "nothing is concluded from what was not read"
        assert "rq:failed:high: NOPERM" in text(view)
    long = replace(JOB, status="queued", places=(), unsearched=("rq:queue:high",))
    async with job(long) as (_, view, _pilot):
        assert "though that is" not in text(view)
        assert "not searched to its end: rq:queue:high" in text(view)


async def test_what_cannot_be_decoded_is_told_as_such() -> None:
    unknown = Undecodable("a pickle of a later protocol", 5_000, "80 06 95 00")
    detail = replace(JOB, call=unknown, meta=unknown, attempts=(Attempt(None, None, NOW, None, "failed", None, unknown),))
    async with job(detail) as (_, view, _pilot):
        said = text(view)
        assert said.count("a pickle of a later protocol") == 3
        assert "80 06 95 00" in said
        assert "scrape ada@example.com" in drawn(view)[0], "the description takes the place of the call"


async def test_a_job_of_which_nothing_but_its_id_is_known_is_drawn() -> None:
    async with job(JobDetail(NOW, b"j-1", "j-1", True)) as (_, view, _pilot):
        said = text(view)
        assert "? unknown" in said
        assert "nothing is known of what it calls" in said
        assert "kept for good" in said


async def test_long_values_fold() -> None:
    call = Call("f", None, (Long("a" * 3_000, 1_000_000), Many("list", tuple(range(2_000)), 98_000)), ())
    result = Attempt(1, NOW - 3, NOW, None, "finished", result=Many("list", tuple(range(500))), has_result=True)
    async with job(replace(JOB, call=call, attempts=(result,)), (80, 24)) as (_, view, pilot):
        folded = view.page.length
        assert "more lines, f unfolds" in text(view)
        view.do("fold")
        await pilot.pause()
        assert view.page.length > folded + 20
        view.do("last")
        await pilot.pause()
        assert drawn(view)[-1].startswith("▸")


async def test_a_running_job_shows_its_progress_before_its_attempts() -> None:
    running = replace(
        JOB, status="started", ended_at=None, heartbeat_at=NOW - 3, attempts=(Attempt(1, NOW - 60, None, "w", "running"),)
    )
    async with job(running) as (_, view, _pilot):
        said = text(view)
        assert said.index("PROGRESS") < said.index("ATTEMPTS")
        assert "▶ running" in said
        assert "heartbeat   3 s ago" in said


async def test_hostile_texts_on_a_job_are_visible() -> None:
    bad = replace(
        JOB, id=HOSTILE, queue=HOSTILE, status=HOSTILE, description=HOSTILE, user=HOSTILE, tier=HOSTILE, task=HOSTILE,
        schedule=HOSTILE, worker=HOSTILE, call=Call(HOSTILE, HOSTILE, (HOSTILE,), ((HOSTILE, HOSTILE),)), meta=HOSTILE,
        attempts=(Attempt(1, NOW, NOW, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, True),), progress=(0.5, HOSTILE),
        log=((NOW, HOSTILE),), fields={HOSTILE: HOSTILE}, depends_on=(Related(b"x", HOSTILE, HOSTILE, HOSTILE),),
        places=(Listed(HOSTILE, 0, 0.0),), refused=(Refused(HOSTILE, HOSTILE),), slot=1e300, created_at=-1e300,
    )  # fmt: skip
    for size in ((80, 200), (200, 200)):
        async with job(bad, size) as (_, view, _pilot):
            for _ in range(2):
                assert "␛]52" in text(view)
                assert all(character.isprintable() for line in drawn(view) for character in line)
                view.do("fold")


@asynccontextmanager
async def user(page: UserPage, size: tuple[int, int] = TALL) -> AsyncIterator[tuple[Host, UserView, Any]]:
    view = UserView("user")
    app = Host(in_utc(view))
    async with app.run_test(size=size) as pilot:
        view.open(Place("user", UserQuery(page.id)))
        await pilot.pause()
        view.show(view.asked, page)
        await pilot.pause()
        yield app, view, pilot


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_screen_of_a_user_tells_who_and_when_next(size: tuple[int, int]) -> None:
    async with user(USER, size) as (_, view, _pilot):
        said = text(view)
        for words in ("ada@example.com", "pro", "Europe/Rome", "https://hooks.example/ada", "3 to deliver",
                      "every hour, at :17", "in 12 min", "●●●●●●✗●●●"):  # fmt: skip
            assert words in said


async def test_a_user_is_told_whole() -> None:
    async with user(USER) as (_, view, _pilot):
        said = text(view)
        for words in ("SCHEDULE scrape", "SCHEDULE deliver", "✗ failing", "410 hooks.example", "skipped: 2 overlapping",
                      "RUNNING JOBS", "FAILED JOBS", "7 more runs, f unfolds", "1,204 delivered"):  # fmt: skip
            assert words in said, words
        slots = said.count(":15:00")
        view.do("fold")
        assert "f unfolds" not in text(view)
        assert text(view).count(":15:00") > slots


async def test_runs_and_jobs_of_a_user_open() -> None:
    async with user(USER) as (_app, view, _pilot):
        go_to(view, "✓ finished")
        assert view.do("open") == Place("job", JobQuery(USER.schedules[0].runs[0].id.encode()))
        go_to(view, "run-2")
        assert view.do("open") == Place("job", JobQuery(b"run-2"))


async def test_an_unknown_user_and_one_without_schedules_are_told() -> None:
    async with user(UserPage(NOW, "nobody", False)) as (_, view, _pilot):
        assert "no such user" in text(view)
        assert "to the letter" in text(view)
    async with user(replace(USER, schedules=(), jobs=(), active=False)) as (_, view, _pilot):
        said = text(view)
        assert "nothing runs for this user by itself" in said
        assert "inactive" in said
        assert "none is queued, running, retrying or failed" in said


async def test_hostile_texts_of_a_user_are_visible() -> None:
    bad = replace(
        USER, id=HOSTILE, tier=HOSTILE, zone=HOSTILE, sources=(HOSTILE,), webhook=HOSTILE,
        schedules=(schedule(HOSTILE, task=HOSTILE, cadence=HOSTILE, note=HOSTILE, last_error=HOSTILE, skipped={HOSTILE: 1}),),
        jobs=(job_row("x", "failed", call=HOSTILE, error=HOSTILE), job_row("y", HOSTILE)),
    )  # fmt: skip
    async with user(bad) as (_, view, _pilot):
        assert "␛]52" in text(view)
        assert all(character.isprintable() for line in drawn(view) for character in line)


async def test_the_line_of_an_attempt_copies_its_whole_traceback() -> None:
    async with job(JOB) as (_app, view, _pilot):
        go_to(view, "✗ failed")
        failed = next(attempt for attempt in JOB.attempts if attempt.outcome == "failed")
        go_to(view, f"{failed.n}  ✗ failed")
        what, text = view.copied() or ("", "")
        assert what == "traceback"
        assert text.splitlines() == str(failed.traceback).splitlines()
