"""What an operator does to the server from the console, over a reader and a writer in memory: keys, dialogs, what is told."""

from __future__ import annotations

from console.app import Console
from console.model.commands import Requeue
from console.model.ports import Target
from console.model.queries import FailuresQuery
from tests.console.fakes import NOW, FakeReader, FakeWriter, writing
from tests.console.pilots import driving


def console(target: Target, **given: object) -> Console:
    return Console([target], target, refresh_s=0.05, clock=lambda: NOW, **given)  # type: ignore[arg-type]


async def test_r_on_a_failed_job_requeues_it_after_a_yes() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("j", "r")
        await driver.shows("Requeue 1 failed job", "job job-1", "rediss://…@cache-1/0", "scrape_for_user")
        print(driver.text)
        await driver.press("y")
        await driver.shows("requeued 1", "39 failures")
        print(driver.text)
    [(operation, command, seen)] = writer.acted
    assert command == Requeue()
    assert [one.key for one in seen] == [b"job-1"]
    assert reader.selected == [FailuresQuery(only=(b"job-1",))]
    assert (operation.command, operation.scope, operation.matched) == ("requeue", "job job-1", 1)
