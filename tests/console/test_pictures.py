"""Pictures of the main screens over the demo's data, at three sizes, with the clock standing still.

`pytest tests/console/test_pictures.py --snapshot-update` draws them anew; the README shows some of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from redis import Redis
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from console.app import Console
from console.demo import sample
from console.model.commands import Requeue
from console.model.failure_groups import Groups
from console.model.operations import Operation
from console.model.pages import Found
from console.model.ports import Snapshot, Target
from console.model.queries import FailingQuery, GroupsQuery, JobsQuery, OverviewQuery, SearchQuery, SelectQuery, ViewQuery
from console.model.selection import Selected
from console.model.status import Status
from console.screens.dialogs.confirm import Confirm
from console.store.reader import StoreReader, open_reader
from console.store.writer import open_writer
from jobs import keys, settings, tiers
from tests.conftest import Server
from tests.console.acting import acted
from tests.console.pilots import Driver, driving
from tests.console.recording import load, restore

SIZES = ((80, 24), (120, 40), (200, 60))
URL = "redis://localhost:6379/0"
ANOTHER = Operation("another", "bob", "ops-2", 0.0, "requeue", "", "", 1, URL)


class Svg(SingleFileSnapshotExtension):
    """A picture in a file of its own."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Svg)


@dataclass
class Steady:
    """The store's reader of the demo's data, and the same answer to what every server answers otherwise each time."""

    reader: StoreReader

    def read(self, query: ViewQuery, now: float) -> Snapshot:
        found = self.reader.read(query, now)
        if isinstance(found, Status):
            return replace(found, server=replace(found.server, url=URL, latency_ms=0.4, version="9.1.2", used_memory=3_000_000))
        return found

    def search(self, query: SearchQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Found]:
        return self.reader.search(query, now, stopped)

    def groups(self, query: GroupsQuery | FailingQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Groups]:
        return self.reader.groups(query, now, stopped)

    def select(self, query: SelectQuery, now: float, stopped: Callable[[], bool], *, details: bool) -> Iterator[Selected]:
        return self.reader.select(query, now, stopped, details=details)

    def close(self) -> None:
        self.reader.close()


def begun(url: str, at: float) -> Steady:
    """A reader whose next answer tells everything: the first one of a console tells only what takes no time."""
    reader = open_reader(url)
    reader.read(OverviewQuery(size=0), at)
    return Steady(reader)


@dataclass(frozen=True)
class Demo:
    """The demo's data in the test's server, and the instant when it was recorded."""

    at: float
    target: Target


@pytest.fixture
def demo(redis: Redis, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setenv("TQ_TIERS", str(sample.TIERS))
    settings.current.cache_clear()
    tiers.current.cache_clear()
    recorded: dict[str, Any] = load()
    restore(redis, recorded)
    operate(redis, recorded["at"])
    with redis.pubsub() as listening:
        # The demo's workers listened when it was recorded.
        listening.subscribe(*recorded["channels"])
        for _ in recorded["channels"]:
            listening.get_message(timeout=5)
        yield Demo(
            recorded["at"],
            Target("demo", URL, lambda: begun(server.url, recorded["at"]), "green", write=lambda: open_writer(server.url)),
        )
    monkeypatch.undo()
    time.tzset()


def operate(redis: Redis, at: float) -> None:
    """What three operators did in the hour before `at`: the demo's data has none of it."""
    asked: tuple[tuple[float, str, str, dict[str, Any]], ...] = (
        (
            3_000,
            "ann",
            "requeue",
            {"scope": "all failed jobs of high, under error:Timeout", "matched": 212, "why": "vendor is back"},
        ),
        (1_260, "bob", "delete", {"scope": "12 jobs that were marked", "matched": 12, "options": "with_dependents"}),
        (900, "ann", "cancel", {"scope": "all queued jobs of low", "matched": 412}),
        (30, "cy", "requeue", {"scope": "all failed jobs of every queue", "matched": 18_240, "why": "fixed in 2.4.1"}),
    )
    ended: tuple[tuple[float, dict[str, Any]], ...] = (
        (2_998, {"how": "done", "done": 209, "skipped:changed": 3}),
        (1_259, {"how": "done", "done": 12}),
        (890, {"how": "canceled", "done": 200}),
    )
    for number, (ago, who, command, more) in enumerate(asked):
        told = {"operation": f"1k6z0q{number}b7rt", "who": who, "host": "ops-1", "command": command, "target": URL, **more}
        redis.xadd(keys.ACTIVITY, {"event": "begun", **told}, id=f"{(at - ago) * 1_000:.0f}-0")
        if number < len(ended):
            ago, came = ended[number]
            fields = {"event": "ended", "operation": told["operation"], **came}
            redis.xadd(keys.ACTIVITY, fields, id=f"{(at - ago) * 1_000:.0f}-0")
    redis.hset(keys.OPERATION + "1k6z0q3b7rt", mapping={"done": 4_211, "changed": 12})
    redis.zadd(keys.TRASH, {"1k6z0q1b7rt": at + 2_340})
    redis.zadd(keys.TRASHED + "1k6z0q1b7rt", {str(n): n for n in range(12)})


async def one_operation(driver: Driver) -> None:
    await driver.press("6")
    await driver.shows("done from consoles")
    await driver.press("j", "j", "enter")
    await driver.shows("WHAT CAME OF IT")


async def failed_job(driver: Driver) -> None:
    await driver.press("3")
    await driver.shows("failures")
    await driver.press("enter")
    await driver.shows("ATTEMPTS")


async def in_groups(driver: Driver) -> None:
    await driver.press("3")
    await driver.shows("failures")
    await driver.press("tab")
    await driver.shows("[in groups]", "grouped")
    await driver.shows_not("grouping")


async def one_user(driver: Driver) -> None:
    await driver.press("4")
    await driver.shows("ada@lovelace")
    await driver.press("j", "enter")
    await driver.shows("SCHEDULE scrape")


async def finished(driver: Driver) -> None:
    await driver.press("2")
    await driver.shows("queued")
    await driver.app.go(replace(driver.app.view.place(), query=JobsQuery("finished")))
    await driver.shows("[finished", "scrape_for_user")


async def confirming(driver: Driver) -> None:
    await driver.press("3")
    await driver.shows("failures")
    await driver.press("asterisk", "r")
    await driver.shows("Requeue", "y does it")


async def outcomes(driver: Driver) -> None:
    await driver.press("3")
    await driver.shows("failures")
    await driver.press("space", "space", "space", "space", "space", "r")
    await driver.shows("Requeue 5 failed jobs", "y does it")
    # Somebody else is faster with the first of them.
    confirm = driver.app.screen
    assert isinstance(confirm, Confirm)
    assert driver.app.target.write is not None
    acted(driver.app.target.write(), ANOTHER, Requeue(), confirm.seen[:1], driver.app.now())
    await driver.press("y")
    await driver.shows("requeued 4, skipped 1 (changed)")
    await driver.press("v")
    await driver.shows("esc closes")


async def timeline(driver: Driver) -> None:
    await driver.press("e")
    await driver.shows("DONE FROM CONSOLES" if driver.app.size.height > 24 else "in/min")


def numbered(key: str, *texts: str) -> Callable[[Driver], Any]:
    async def opened(driver: Driver) -> None:
        await driver.press(key)
        await driver.shows(*texts)

    return opened


SCREENS = {
    "overview": numbered("1", "schedules armed", "WHAT FAILS"),
    "jobs": finished,
    "failures": numbered("3", "failures"),
    "groups": in_groups,
    "schedules": numbered("4", "ada@lovelace", "PermanentE"),
    "workers": numbered("5", "rqscheduler"),
    "activity": numbered("6", "done from consoles"),
    "operation": one_operation,
    "job": failed_job,
    "user": one_user,
    "timeline": timeline,
    "confirm": confirming,
    "outcomes": outcomes,
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("screen", SCREENS)
async def test_screen(demo: Demo, picture: SnapshotAssertion, screen: str, size: tuple[int, int]) -> None:
    async with driving(Console([demo.target], demo.target, refresh_s=1, clock=lambda: demo.at), size) as driver:
        await driver.shows("schedules armed")
        await SCREENS[screen](driver)
        await driver.until(lambda: "Reading" not in driver.text)
        await driver.pilot.pause(0.2)
        assert driver.app.export_screenshot(title="tq-console") == picture


@pytest.mark.parametrize("theme", ["light", "contrast"], ids=lambda theme: f"failures-{theme}")
async def test_theme(demo: Demo, picture: SnapshotAssertion, theme: str) -> None:
    async with driving(Console([demo.target], demo.target, theme=theme, refresh_s=1, clock=lambda: demo.at)) as driver:
        await driver.press("3")
        await driver.shows("failures")
        await driver.until(lambda: "Reading" not in driver.text)
        await driver.pilot.pause(0.2)
        assert driver.app.export_screenshot(title="tq-console") == picture
