"""History: the curves of the lanes, or of one queue, and the audit around an instant."""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis

from console.model.history import HistoryPage, Point, of_column
from console.model.queries import HistoryQuery
from console.model.secrets import Secrets
from console.store import activity, curves, outlook
from console.store.own_readings import OwnReadings
from console.store.seen import Seen
from console.store.steps import Line, Reading, Steps, together
from console.store.values import age, instant, whole
from jobs import keys
from jobs.lanes import LANES


def read(connection: Redis, query: HistoryQuery, now: float, seen: Seen, secrets: Secrets) -> HistoryPage:
    """The page of `query` at `now` (epoch seconds), in four round trips at the most, however long the span and however much was
    recorded. Writes nothing. What cannot be read is named. Raises redis' ConnectionError and TimeoutError, and InvalidTiers."""
    line = Line(connection)
    at = None if query.at is None else min(max(0.0, query.at), now)
    names = [lane.encode() for lane in LANES] if query.queue is None else [query.queue]
    present = Reading(_present(line, names, now, seen.own))
    past = Reading(curves.of_queues(line, names, query.span, now, seen.probes, seen.own, at))
    near = Reading(activity.near(line, now if at is None else at, now, secrets))
    beside = [Reading(outlook.beside(line, now, seen))] if at is None else []
    together(line, past, present, near, *beside)
    until = now if at is None else min(now, of_column(query.span, now, at)[1])
    begun = [(row, row.at if row.at is not None else row.ended_at) for row in near.result]
    found = tuple(one for one in past.result if query.queue is not None or one.known)
    return HistoryPage(
        now,
        query.span,
        found,
        at,
        tuple(row for row, when in begun if at is None or when is None or when < until),
        beside[0].result if beside else None,
        line.refused,
    )


def _present(line: Line, names: Sequence[bytes], now: float, own: OwnReadings) -> Steps[None]:
    """Read how the queues are now, and keep it for where nobody else does."""
    asked = [
        (
            name,
            line.ask("LLEN", keys.RQ_QUEUE.encode() + name),
            line.ask("LINDEX", keys.RQ_QUEUE.encode() + name, 0),
            line.ask("ZCOUNT", keys.RQ_FAILED.encode() + name, f"({now}", "+inf"),
            line.ask("HMGET", keys.LANE.encode() + name, "in", "done", "failed"),
        )
        for name in names
    ]
    yield
    heads = [
        line.ask("HGET", keys.RQ_JOB.encode() + head.value, "enqueued_at") if isinstance(head.value, bytes) else None
        for _, _, head, _, _ in asked
    ]
    if any(heads):
        yield
    for (name, waiting, _, failed, counts), head in zip(asked, heads, strict=True):
        since = head.value if head is not None and isinstance(head.value, bytes) else None
        came, done, failed_runs = [*(whole(count) for count in counts.rows()), None, None, None][:3]
        oldest = age(instant(since), now)
        own.keep(name, Point(now, waiting.count(), oldest, failed.count(), came, done, failed_runs, own=True))
