"""How a status is drawn for people: what is wrong first, then lanes, and no more than a screen of anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import humanize
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.model import drain, words
from console.model.counting import counted
from console.model.status import Problem, QueueStatus, ScheduleCounts, SchedulerStatus, Status, Verdict, WorkerStatus
from console.model.text import visible

MOST = 30
"""Rows of one table; how many others there are is said below it."""

NARROW = 12
"""Columns to which a name is cut before another column is left out."""

GAP = 2
"""Columns between two columns of a table."""

UNKNOWN = "?"
VERDICTS = {"live": ("● live", "green"), "late": ("◐ late", "yellow"), "gone": ("✗ gone", "red")}
SEVERITIES = {"error": ("✗", "red"), "warning": ("▲", "yellow")}
WORST_FIRST: dict[Verdict, int] = {"gone": 0, "late": 1, "live": 2}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `number` columns are aligned right and never cut. In a terminal without room for all of them, the one with the
    highest `spare` is left out first, and one with 0 never."""

    header: str
    spare: int = 0
    number: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows of each are drawn, at the most; 0 leaves a line that counts them. `gaps` are the empty lines between two of
    them."""

    problems: int = MOST
    queues: int = MOST
    workers: int = MOST
    schedulers: int = MOST
    gaps: int = 1


QUEUE_COLUMNS = (
    Column("LANE"),
    Column("WAITING", number=True),
    Column("OLDEST", 1, number=True),
    Column("PROMISE", 3, number=True),
    Column("IN/min", 9, number=True),
    Column("OUT/min", 8, number=True),
    Column("DRAINS", 6, number=True),
    Column("RUNNING", 5, number=True),
    Column("RETRYING", 7, number=True),
    Column("FAILED", 2, number=True),
    Column("WORKERS", 4, number=True),
)
WORKER_COLUMNS = (
    Column("WORKER"),
    Column("HOST", 7),
    Column("QUEUES", 2),
    Column("STATE", 5),
    Column("VERDICT"),
    Column("JOB", 1),
    Column("BEAT", 6, number=True),
    Column("OK", 4, number=True),
    Column("ERRORS", 3, number=True),
)
SCHEDULER_COLUMNS = (
    Column("SCHEDULER", 1),
    Column("NAME"),
    Column("HOST", 5),
    Column("POLL", 4, number=True),
    Column("LAG", 3, number=True),
    Column("SEEN", 2, number=True),
    Column("VERDICT"),
)


def drawn(status: Status, width: int, stale_s: float | None = None, rows: Rows = Rows()) -> RenderableType:
    """`status` for a terminal of `width` columns; `stale_s` is its age when the server cannot be reached any more."""
    gap = [Text()] * rows.gaps
    return Group(
        _heading(status, stale_s),
        *_problems(status.problems, rows.problems),
        *gap,
        *_queues(status.queues, width, rows.queues),
        *gap,
        *_workers(status.workers, width, rows.workers),
        *gap,
        *_schedulers(status.schedulers, width, rows.schedulers),
        *gap,
        _schedules(status.schedules, status.held_back),
    )


def duration(seconds: float | None) -> str:
    """`seconds` in its two largest units: 41 s, 12 min, 3 h 12 m, 5 d 2 h; a dash for None."""
    return "–" if seconds is None else words.age(int(seconds))


def _heading(status: Status, stale_s: float | None) -> Text:
    server = status.server
    memory = humanize.naturalsize(server.used_memory, binary=True) if server.used_memory is not None else UNKNOWN
    parts = [server.url, f"{server.kind} {server.version or UNKNOWN}", f"{server.latency_ms:.1f} ms", memory]
    line = Text("  ".join(visible(part) for part in parts))
    if server.refuses_writes:
        line.append(f"  READ-ONLY: {server.refuses_writes}", "yellow")
    line.append(f"  as of {datetime.fromtimestamp(status.as_of, UTC):%H:%M:%S} UTC", "dim")
    if stale_s is not None:
        line.append(f"  STALE {duration(stale_s)}: the server cannot be reached; trying again", "bold red")
    return line


def _queues(queues: Sequence[QueueStatus], width: int, most: int) -> list[RenderableType]:
    # Without the job layer nothing is promised, and a lane is a queue like any other.
    promised = any(queue.promise_s is not None for queue in queues)
    here = [queue for queue in queues if promised or not queue.lane or _holds_something(queue)]
    worth = [queue for queue in here if queue.lane or _holds_something(queue)]
    columns = QUEUE_COLUMNS if promised else (Column("QUEUE"), *QUEUE_COLUMNS[1:])
    rows = [
        (
            _text(queue.name, "bold" if queue.lane and promised else ""),
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
        for queue in worth[:most]
    ]
    more = [f"{counted(len(worth) - most, 'other')} with jobs or workers"] if len(worth) > most else []
    more += [f"{idle:,} with neither jobs nor workers"] if (idle := len(here) - len(worth)) else []
    head = _table(columns, rows, width) if rows else _aside("no queue has jobs or workers")
    return [head, *([_aside(f"… and {', and '.join(more)}")] if more else [])]


def _workers(workers: Sequence[WorkerStatus], width: int, most: int) -> list[RenderableType]:
    if not workers:
        return [_aside("no worker is registered")]
    if not most:
        return [_tally(counted(len(workers), "worker"), workers)]
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
        for worker in sorted(workers, key=lambda worker: WORST_FIRST[worker.verdict])[:most]
    ]
    return [_table(WORKER_COLUMNS, rows, width), *_others(len(workers) - most)]


def _schedulers(schedulers: Sequence[SchedulerStatus], width: int, most: int) -> list[RenderableType]:
    if not schedulers:
        return [_aside("no scheduler is seen")]
    if not most:
        return [_tally(counted(len(schedulers), "scheduler"), schedulers)]
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
        for scheduler in schedulers[:most]
    ]
    return [_table(SCHEDULER_COLUMNS, rows, width), *_others(len(schedulers) - most)]


def _schedules(schedules: ScheduleCounts, held_back: int | None) -> Text:
    armed, paused = schedules.armed, schedules.paused
    total = None if armed is None or paused is None else armed + paused
    entries = {
        "late": schedules.late,
        "set aside": schedules.quarantined,
        "due within the hour": schedules.due_next_hour,
    }
    counts = ", ".join(f"{_count(count)} {name}" for name, count in entries.items())
    head = f"{UNKNOWN} schedules" if total is None else counted(total, "schedule")
    # The heartbeat of the job layer counts them, so nobody knows before it has beaten once.
    orphaned = "" if schedules.orphaned is None else f", {_count(schedules.orphaned)} orphaned"
    # They are in no queue, so in no row above.
    limited = f"; {counted(held_back, 'job waits', 'jobs wait')} for a rate limit" if held_back else ""
    return Text(f"{head}, {_count(paused)} paused{orphaned}; entries: {counts}{limited}")


def _problems(problems: Sequence[Problem], most: int) -> list[RenderableType]:
    if not problems:
        return [Text("✓ no problem found", "green")]
    lines: list[RenderableType] = [Text(counted(len(problems), "problem"), "bold")]
    for problem in problems[:most]:
        sign, colour = SEVERITIES[problem.severity]
        lines.append(Text.assemble((f"{sign} {visible(problem.subject)}: ", colour), visible(problem.message)))
        lines.append(Padding(Text(visible(problem.remedy), "dim"), (0, 0, 0, 2), expand=False))
    return [*lines, *_others(len(problems) - most)]


def _table(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> Table:
    """The columns that `width` columns have room for. Names that are too long are cut, numbers never are."""
    natural = [max(len(column.header), *(row[n].cell_len for row in rows)) for n, column in enumerate(columns)]
    widths = _fitted(columns, natural, width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for n, cells in widths.items():
        column = columns[n]
        table.add_column(column.header, justify="right" if column.number else "left", no_wrap=True, width=cells)
    for row in rows:
        table.add_row(*(row[n] for n in widths))
    return table


def _fitted(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[int, int]:
    """The width of each column that is shown, by its place."""
    least = [wanted if column.number else min(wanted, NARROW) for column, wanted in zip(columns, natural, strict=True)]
    shown = list(range(len(columns)))

    def over(widths: Sequence[int]) -> int:
        return sum(widths[n] for n in shown) + GAP * (len(shown) - 1) - width

    while over(least) > 0 and any(columns[n].spare for n in shown):
        shown.remove(max(shown, key=lambda n: columns[n].spare))
    widths = list(natural)
    while over(widths) > 0 and (cut := [n for n in shown if widths[n] > least[n]]):
        widths[max(cut, key=lambda n: widths[n])] -= 1
    return {n: widths[n] for n in shown}


def _tally(total: str, those: Sequence[WorkerStatus | SchedulerStatus]) -> Text:
    """How many there are of each verdict, where there is no room for a row of each."""
    verdicts = Counter(one.verdict for one in those)
    return _aside(f"{total}: " + ", ".join(f"{verdicts[name]:,} {name}" for name in WORST_FIRST if verdicts[name]))


def _others(more: int) -> list[RenderableType]:
    return [_aside(f"… and {more:,} more")] if more > 0 else []


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
    return drain.never(queue) or "–"


def _holds_something(queue: QueueStatus) -> bool:
    counts = (queue.waiting, queue.running, queue.scheduled, queue.deferred, queue.failed)
    return bool(queue.workers) or any(count is None or count for count in counts)
