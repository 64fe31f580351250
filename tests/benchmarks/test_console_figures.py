"""The figures of the running program, as ratios of one run: `pytest -m benchmark -s tests/benchmarks/test_console_figures.py`.

What can be counted always runs: what a start loads, and what a refresh and a key draw. The timed ones are printed with the
bound that they are meant to keep; on a machine that is busy with something else only their ratios tell anything.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from console.widgets.columns import Column
from console.widgets.table import Table
from jobs import keys
from tests.benchmarks.big_server import BIGGEST, BigServer, seeded
from tests.benchmarks.ratios import medians, seconds
from tests.benchmarks.raw_terminal import RawTerminal, on_a_raw_terminal
from tests.conftest import BIN
from tests.console.view_host import Host

CONSOLE = str(BIN / "tq-console")
IMPORTS = [sys.executable, "-c", "import textual.app, redis, rq"]
STARTED = re.compile(rb"live 1 s")

# --- what is counted ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A row of a list."""

    key: bytes
    text: str


def rows(count: int) -> list[Row]:
    return [Row(b"%d" % n, f"row {n}") for n in range(count)]


class Watched(Table):
    """A table of such rows that counts the cells it draws."""

    def __init__(self) -> None:
        super().__init__(lambda row: row.key, (Column("ROW", 20, self._cell),))
        self.cells_drawn = 0

    def _cell(self, row: Row, now: float) -> str:
        self.cells_drawn += 1
        return row.text


@asynccontextmanager
async def watched(size: tuple[int, int]) -> AsyncIterator[tuple[Watched, Pilot[None]]]:
    table = Watched()
    async with Host(table).run_test(size=size) as pilot:
        await pilot.pause()
        yield table, pilot


async def test_a_refresh_and_a_key_draw_the_lines_that_change(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[int | str] = []
    refresh = Widget.refresh

    def noted(self: Widget, *regions: Region, **how: bool) -> Widget:
        if isinstance(self, Table):
            lines.extend([region.y for region in regions] or ["all"])
        return refresh(self, *regions, **how)

    monkeypatch.setattr(Widget, "refresh", noted)
    async with watched((80, 40)) as (table, pilot):
        known = rows(100)
        # The scroll bar comes with the first rows, and takes a cell of each line.
        for _ in range(2):
            table.show(known, 0, 1_000_000, 1.0)
            await pilot.pause()
        for y in range(40):
            table.render_line(y)
        lines.clear()
        table.show(rows(100), 0, 1_000_000, 2.0)
        assert lines == []
        table.show([*known[:5], Row(b"5", "changed"), *known[6:]], 0, 1_000_000, 3.0)
        assert lines == [6]
        lines.clear()
        table.move(1)
        assert lines == [1, 2]


async def test_a_table_draws_as_much_of_a_million_rows_as_of_a_hundred() -> None:
    drawn = []
    async with watched((80, 40)) as (table, _):
        for total in (100, 1_000_000):
            table.show(rows(100), 0, total, 1.0)
            table.refresh()
            table.cells_drawn = 0
            for y in range(40):
                table.render_line(y)
            drawn.append(table.cells_drawn)
            assert not table.children
    assert drawn == [39, 39]


def test_a_start_loads_its_own_screen_only() -> None:
    loads = "import sys, console.cli, console.commands.open, console.app; from console.screens import views; views.made('jobs')"
    done = subprocess.run([sys.executable, "-c", f"{loads}; print(*sys.modules)"], capture_output=True, text=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "console.screens.jobs" in loaded
    views = ("overview", "failures", "schedules", "workers", "activity", "operation", "job", "user")
    others = {f"console.screens.{name}" for name in views}
    unneeded = {"console.model.job", "console.model.secrets", "console.model.payload", "tomllib", "dotenv", "redis", "rq"}
    assert loaded & (others | unneeded | {"console.screens.help", "console.screens.palette"}) == set()


# --- what is timed ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def million() -> Iterator[BigServer]:
    """The server of the figures."""
    with seeded(jobs=1_000_000, queues=1_000, schedules=100_000, workers=300) as server:
        yield server


@pytest.fixture(scope="module")
def ten() -> Iterator[BigServer]:
    """An everyday server: ten queues, five thousand jobs."""
    with seeded(jobs=5_000, queues=10, schedules=500, workers=4) as server:
        yield server


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of an installed program, whose byte code is kept, as pip makes it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = str(tmp_path_factory.mktemp("code"))
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPYCACHEPREFIX": code}


def opened(
    env: Mapping[str, str], server: BigServer, *arguments: str, size: tuple[int, int] = (120, 40)
) -> AbstractContextManager[RawTerminal]:
    """The console over that server."""
    return on_a_raw_terminal([CONSOLE, *arguments], {**env, "RQ_REDIS_URL": server.url}, size)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values) * 1e3:,.0f} ms ({min(values) * 1e3:,.0f} to {max(values) * 1e3:,.0f})"


@pytest.mark.benchmark
def test_start_against_the_imports_alone_and_rq_info(million: BigServer, env: Mapping[str, str]) -> None:
    """From exec to the first true counts: at most 1.5 times the bare imports, and 4 times as fast as `rq info`."""
    with Redis.from_url(million.url) as redis:
        counts = re.compile(f"{redis.llen(f'rq:queue:{BIGGEST}'):,}".encode())

    def start() -> float:
        with opened(env, million) as terminal:
            return terminal.awaits(counts) - terminal.started

    def imports() -> None:
        subprocess.run(IMPORTS, check=True, env=env)

    def rq_info() -> None:
        subprocess.run([str(BIN / "rq"), "info", "-u", million.url], check=True, env=env, capture_output=True)

    # The first start and import write the byte code.
    start()
    imports()
    turns = [(start(), seconds(imports), seconds(rq_info)) for _ in range(11)]
    ours, theirs, slow = ([turn[at] for turn in turns] for at in range(3))
    ratio, rate = (statistics.median(turn[a] / turn[b] for turn in turns) for a, b in ((0, 1), (2, 0)))
    print(f"\nstart: {spread(ours)}, imports {spread(theirs)}: {ratio:.2f} times (at most 1.5)")
    print(f"rq info: {spread(slow)}: {rate:.1f} times as long (at least 4)")


@pytest.mark.benchmark
def test_from_a_key_to_its_repaint(million: BigServer, env: Mapping[str, str]) -> None:
    """p99 at most 30 ms, while 1,000 queues are refreshed every second."""
    chance = random.Random(1)
    took = []
    with opened(env, million) as terminal:
        terminal.awaits(STARTED)
        terminal.pass_time(3)
        for n in range(500):
            terminal.pass_time(chance.uniform(0.05, 0.15))
            down = n % 16 < 8
            at = n % 16 + 1 if down else 15 - n % 16
            cursor = re.compile("▸[^▸]{0,80}?".encode() + million.queues[at].encode())
            pressed = terminal.press("j" if down else "k")
            took.append(terminal.awaits(cursor) - pressed)
    took.sort()
    at50, at90, at99 = (took[int(len(took) * share)] * 1e3 for share in (0.5, 0.9, 0.99))
    print(f"\nkey to repaint: median {at50:.1f}, p90 {at90:.1f}, p99 {at99:.1f} ms (at most 30), worst {took[-1] * 1e3:.1f}")


@pytest.mark.benchmark
@pytest.mark.parametrize(("screen", "lines"), [("overview", 40), ("jobs", 55)])
def test_cpu_of_a_refresh_every_second(ten: BigServer, env: Mapping[str, str], screen: str, lines: int) -> None:
    """At most 2 % of a core; 50 rows of jobs are in sight. What is younger than a minute says another age every second."""
    with Redis.from_url(ten.url) as redis:
        jobs = [keys.RQ_JOB + job.decode() for job in redis.lrange("rq:queue:high", 0, 99)]

        def aged(seconds: int) -> None:
            at = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            for job in jobs:
                redis.hset(job, mapping={"created_at": at, "enqueued_at": at})

        with opened(env, ten, "--screen", screen, "--refresh", "1", size=(120, lines)) as terminal:
            terminal.awaits(STARTED)
            for age, what in ((10, "seconds old"), (600, "minutes old")):
                aged(age)
                terminal.pass_time(3)
                before, sent = terminal.cpu(), terminal.sent
                terminal.pass_time(30)
                share, sent = (terminal.cpu() - before) / 30, terminal.sent - sent
                print(f"\ncpu of {screen}, jobs {what}: {share:.2%} of a core (at most 2 %), {sent / 30:,.0f} bytes a second")


@pytest.mark.benchmark
def test_peak_memory_after_every_screen(million: BigServer, env: Mapping[str, str]) -> None:
    """At most 120 MB."""
    with opened(env, million) as terminal:
        terminal.awaits(STARTED)
        for key in ("2", "3", "4", "5", "6", "2", "G", "\r", "3", "G", "\r", "o", "4", "G", "\r", "5", "\r", "?", "\x1b", "1"):
            terminal.press(key)
            terminal.pass_time(2)
        assert terminal.process.poll() is None
        print(f"\npeak memory: {terminal.peak():.0f} MB (at most 120)")


@pytest.mark.benchmark
async def test_drawing_a_table_of_any_length() -> None:
    """The same cost at 100 rows and at 1,000,000."""
    page = rows(100)
    async with watched((120, 51)) as (table, _):

        def draws(total: int) -> Callable[[], None]:
            def draw() -> None:
                table.show(page, 0, total, 1.0)
                table.refresh()
                for y in range(51):
                    table.render_line(y)

            return draw

        many, few = medians(draws(1_000_000), draws(100), turns=201)
    print(f"\n50 rows: of 1,000,000 {many * 1e3:.2f} ms, of 100 {few * 1e3:.2f} ms: {many / few:.2f} times (the same)")
