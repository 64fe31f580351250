"""How a status is drawn for people: lanes first, what is wrong last, and no more than a screen of anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import humanize
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.model.status import Problem, QueueStatus, ScheduleCounts, SchedulerStatus, Status, WorkerStatus
from console.model.text import visible

MOST = 30
"""Rows of one table; how many others there are is said below it."""

WIDE = 110
"""Columns of a terminal from which on nothing has to be left out."""

UNKNOWN = "?"
VERDICTS = {"live": ("● live", "green"), "late": ("◐ late", "yellow"), "gone": ("✗ gone", "red")}
SEVERITIES = {"error": ("✗", "red"), "warning": ("▲", "yellow")}
WORST_FIRST = {"gone": 0, "late": 1, "live": 2}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `number` columns are aligned right and never cut, `wide` ones are left out of a narrow terminal."""

    header: str
    number: bool = False
    wide: bool = False


QUEUE_COLUMNS = (
    Column("LANE"),
    Column("WAITING", number=True),
    Column("OLDEST", number=True),
    Column("PROMISE", number=True),
    Column("IN/min", number=True, wide=True),
    Column("OUT/min", number=True, wide=True),
    Column("DRAINS", number=True),
    Column("RUNNING", number=True),
    Column("RETRYING", number=True, wide=True),
    Column("FAILED", number=True),
    Column("WORKERS", number=True),
)
WORKER_COLUMNS = (
    Column("WORKER"),
    Column("HOST", wide=True),
    Column("QUEUES"),
    Column("STATE", wide=True),
    Column("VERDICT"),
    Column("JOB"),
    Column("BEAT", number=True, wide=True),
    Column("DONE", number=True),
    Column("FAILED", number=True),
)
SCHEDULER_COLUMNS = (
    Column("SCHEDULER"),
    Column("NAME"),
    Column("HOST", wide=True),
    Column("POLL", number=True),
    Column("LAG", number=True),
    Column("SEEN", number=True),
    Column("VERDICT"),
)


def drawn(status: Status, width: int, stale_s: float | None = None) -> RenderableType:
    """`status` for a terminal of `width` columns; `stale_s` is its age when the server cannot be reached any more."""
    wide = width >= WIDE
    return Group(
        _heading(status, stale_s),
        Text(),
        *_queues(status.queues, wide),
        Text(),
        *_workers(status.workers, wide),
        Text(),
        *_schedulers(status.schedulers, wide),
        Text(),
        _schedules(status.schedules),
        Text(),
        *_problems(status.problems),
    )


def duration(seconds: float | None) -> str:
    """`seconds` in its two largest units: 41 s, 12 min, 3 h 12 m, 5 d 2 h; a dash for None."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60} m" if whole % 3_600 >= 60 else f"{whole // 3_600} h"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"


def _heading(status: Status, stale_s: float | None) -> Text:
    server = status.server
    memory = humanize.naturalsize(server.used_memory, binary=True) if server.used_memory is not None else UNKNOWN
    parts = [server.url, f"{server.kind} {server.version or UNKNOWN}", f"{server.latency_ms:.1f} ms", memory]
    line = Text("  ".join(visible(part) for part in parts))
    line.append(f"  as of {datetime.fromtimestamp(status.as_of, UTC):%H:%M:%S} UTC", "dim")
    if stale_s is not None:
        line.append(f"  STALE {duration(stale_s)}: the server cannot be reached; trying again", "bold red")
    return line


def _queues(queues: Sequence[QueueStatus], wide: bool) -> list[RenderableType]:
    worth = [queue for queue in queues if queue.lane or _holds_something(queue)]
    idle = len(queues) - len(worth)
    rows = [
        (
            _text(queue.name, "bold" if queue.lane else ""),
            _count(queue.waiting),
            _text(duration(queue.oldest_s)),
            _promise(queue),
            _rate(queue.in_per_min),
            _rate(queue.out_per_min),
            _text(_drains(queue)),
            _count(queue.running),
            _count(queue.retrying),
            _count(queue.failed),
            _text(f"{queue.workers:,} ({queue.busy:,} busy)" if queue.busy else f"{queue.workers:,}"),
        )
        for queue in worth[:MOST]
    ]
    more = [f"{len(worth) - MOST:,} others with jobs or workers"] if len(worth) > MOST else []
    more += [f"{idle:,} with neither jobs nor workers"] if idle else []
    return [_table(QUEUE_COLUMNS, rows, wide), *([_aside(f"and {', and '.join(more)}")] if more else [])]


def _workers(workers: Sequence[WorkerStatus], wide: bool) -> list[RenderableType]:
    if not workers:
        return [_aside("no worker is registered")]
    rows = [
        (
            _text(worker.name),
            _text(worker.host or UNKNOWN),
            _text(" ".join(worker.queues) or UNKNOWN),
            _text(worker.state or UNKNOWN),
            Text(*VERDICTS[worker.verdict]),
            _text(worker.job or "–"),
            _text(duration(worker.heartbeat_s)),
            _count(worker.done),
            _count(worker.failed),
        )
        for worker in sorted(workers, key=lambda worker: WORST_FIRST[worker.verdict])[:MOST]
    ]
    return [_table(WORKER_COLUMNS, rows, wide), *_others(len(workers))]


def _schedulers(schedulers: Sequence[SchedulerStatus], wide: bool) -> list[RenderableType]:
    if not schedulers:
        return [_aside("no scheduler is seen")]
    rows = [
        (
            _text(scheduler.kind),
            _text(scheduler.name),
            _text(scheduler.host or UNKNOWN),
            _text(f"{scheduler.poll_s:g} s" if scheduler.poll_s is not None else "–"),
            _text(duration(scheduler.lag_s)),
            _text(duration(scheduler.seen_s)),
            Text(*VERDICTS[scheduler.verdict]),
        )
        for scheduler in schedulers[:MOST]
    ]
    return [_table(SCHEDULER_COLUMNS, rows, wide), *_others(len(schedulers))]


def _schedules(schedules: ScheduleCounts) -> Text:
    counted = {
        "armed": schedules.armed,
        "paused": schedules.paused,
        "late": schedules.late,
        "orphaned": schedules.orphaned,
        "set aside": schedules.quarantined,
        "due within the hour": schedules.due_next_hour,
    }
    return Text("Schedules: " + ", ".join(f"{_count(count)} {name}" for name, count in counted.items()))


def _problems(problems: Sequence[Problem]) -> list[RenderableType]:
    if not problems:
        return [Text("✓ no problem found", "green")]
    lines: list[RenderableType] = [Text("1 problem" if len(problems) == 1 else f"{len(problems)} problems", "bold")]
    for problem in problems[:MOST]:
        sign, colour = SEVERITIES[problem.severity]
        lines.append(Text.assemble((f"{sign} {visible(problem.subject)}: ", colour), visible(problem.message)))
        lines.append(Padding(Text(visible(problem.remedy), "dim"), (0, 0, 0, 2), expand=False))
    return lines


def _table(columns: Sequence[Column], rows: Sequence[Sequence[Text]], wide: bool) -> Table:
    """The columns that the terminal has room for. Names that are still too long are cut, numbers never are."""
    shown = [n for n, column in enumerate(columns) if wide or not column.wide]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in (columns[n] for n in shown):
        table.add_column(column.header, justify="right" if column.number else "left", no_wrap=column.number)
    for row in rows:
        table.add_row(*(row[n] for n in shown))
    return table


def _others(total: int) -> list[RenderableType]:
    return [_aside(f"and {total - MOST:,} others")] if total > MOST else []


def _aside(text: str) -> Text:
    return Text(text, "dim")


def _text(text: str, style: str = "") -> Text:
    return Text(visible(text), style, no_wrap=True, overflow="ellipsis")


def _count(count: int | None) -> Text:
    return _text(UNKNOWN if count is None else f"{count:,}")


def _rate(rate: float | None) -> Text:
    if rate is None:
        return _text("–")
    return _text(f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.1f}")


def _promise(queue: QueueStatus) -> Text:
    if queue.promise_s is None:
        return _text("–")
    broken = queue.oldest_s is not None and queue.oldest_s > queue.promise_s
    return _text(f"{duration(queue.promise_s)} {'✗' if broken else '✓'}", "red" if broken else "green")


def _drains(queue: QueueStatus) -> str:
    if queue.drain_s is not None:
        return "now" if queue.drain_s == 0 else duration(max(1, queue.drain_s))
    if queue.in_per_min is None and queue.out_per_min is None:
        return "–"
    return "grows" if (queue.in_per_min or 0) > (queue.out_per_min or 0) > 0 else "never"


def _holds_something(queue: QueueStatus) -> bool:
    counts = (queue.waiting, queue.running, queue.scheduled, queue.deferred, queue.failed)
    return bool(queue.workers) or any(count is None or count for count in counts)
