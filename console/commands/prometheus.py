"""A status as text for Prometheus (exposition format 0.0.4), for a file that its node exporter reads, or an answer to a scrape.

What is not known has no sample. Names that came out of Redis have the escapes of the format, and a sign for what a terminal
would obey; of two that look the same then, one gets a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.model import problems
from console.model.promises import Promises, TierPromise
from console.model.status import QueueStatus, Status
from console.model.text import visible

VERDICTS = ("live", "late", "gone")
WORKER_STATES = ("started", "busy", "idle", "suspended")
SCHEDULERS = ("rqscheduler", "rq", "rq-cron")
SEVERITIES = ("error", "warning")
"""Values of labels that have a sample even when there is nothing of them: a rule about a sample that is missing never fires."""

STATES = ("waiting", "running", "retrying", "scheduled", "deferred", "finished", "failed", "canceled")
"""Fields of a queue that count its jobs, which are values of the label `state`."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge: its name, what it tells, and each value with its labels."""

    name: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float | None]]


def text(status: Status, promised: Promises | None = None, tiers: Mapping[tuple[str, str], float] | None = None) -> str:
    """The whole exposition, which ends with a line break. `promised` is whether promises are kept, `tiers` what each tier is
    promised in seconds, by its lane and its name; None without the job layer."""
    metrics = [*_metrics(status), *(_promises(promised, tiers or {}) if promised is not None else ())]
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric))


def _metrics(status: Status) -> Iterator[Metric]:
    server, schedules = status.server, status.schedules
    yield _one("tq_server_latency_seconds", "Seconds until the server's first reply.", server.latency_ms / 1_000)
    yield _one("tq_server_used_memory_bytes", "Memory that the server uses.", server.used_memory)
    yield _one("tq_server_max_memory_bytes", "Memory that the server may use, 0 without a limit.", server.maxmemory)
    yield _one("tq_suspended", "1 while no worker takes a job.", None if status.suspended is None else int(status.suspended))
    queues = list(zip(_distinct([queue.name for queue in status.queues]), status.queues, strict=True))
    yield Metric(
        "tq_queue_jobs",
        "Jobs of a queue in one state.",
        [({"queue": name, "state": state}, getattr(queue, state)) for name, queue in queues for state in STATES],
    )
    yield _one("tq_rate_limited_jobs", "Jobs of any queue that wait for a rate limit, in no queue.", status.held_back)
    for field, name, help in (
        ("oldest_s", "tq_queue_oldest_seconds", "Seconds for which the next job of the queue has waited."),
        ("promise_s", "tq_queue_promise_seconds", "The shortest wait that a tier of the lane is promised."),
        ("in_per_min", "tq_queue_in_per_minute", "Runs of users a minute that came into the queue."),
        ("out_per_min", "tq_queue_out_per_minute", "Runs of users a minute that ended for good."),
        ("drain_s", "tq_queue_drain_seconds", "Seconds until the queue is empty at this pace; absent while it grows."),
        ("overdue", "tq_queue_overdue_jobs", "Scheduled jobs more than a minute past due."),
        ("workers", "tq_queue_workers", "Workers that listen on the queue and are not gone."),
        ("busy", "tq_queue_busy_workers", "Those of them that run a job, of whichever queue."),
    ):
        yield Metric(name, help, [({"queue": label}, getattr(queue, field)) for label, queue in queues])
    yield Metric(
        "tq_lane_runs_ended", "Runs of the lane that ended in the last hour, and attempts to be retried.", _ended(queues)
    )
    workers = Counter({(verdict, state): 0 for verdict in VERDICTS for state in WORKER_STATES})
    workers.update((worker.verdict, worker.state or "unknown") for worker in status.workers)
    yield Metric("tq_workers", "Workers by verdict and state.", _counted(workers, ("verdict", "state")))
    schedulers = Counter({(kind, verdict): 0 for kind in SCHEDULERS for verdict in VERDICTS})
    schedulers.update((one.kind, one.verdict) for one in status.schedulers)
    yield Metric("tq_schedulers", "Schedulers by kind and verdict.", _counted(schedulers, ("kind", "verdict")))
    lags = [one.lag_s for one in status.schedulers if one.lag_s is not None]
    yield _one("tq_scheduler_lag_seconds", "For how long the entry that is longest due waits.", max(lags, default=None))
    counts = {name: getattr(schedules, name) for name in ("armed", "paused", "late", "orphaned", "quarantined", "failing")}
    yield Metric(
        "tq_schedules",
        "Schedules by state; failing: their runs failed twice in a row, whatever else they are.",
        [({"state": name}, count) for name, count in counts.items()],
    )
    yield _one("tq_schedules_due_next_hour", "Entries that are due within the hour.", schedules.due_next_hour)
    found = Counter({(code, severity): 0 for code in problems.codes() for severity in SEVERITIES})
    found.update((problem.code, problem.severity) for problem in status.problems)
    yield Metric("tq_problems", "Problems found, by code and severity.", _counted(found, ("code", "severity")))
    yield _one("tq_status_timestamp_seconds", "When this was read, in epoch seconds.", status.as_of)


def _promises(promised: Promises, tiers: Mapping[tuple[str, str], float]) -> Iterator[Metric]:
    ran = {(one.lane, one.tier): one for one in promised.tiers}
    rows = {**{(lane, tier): TierPromise(lane, tier, promise_s) for (lane, tier), promise_s in tiers.items()}, **ran}
    labels = dict(zip(rows, _distinct([tier for _, tier in rows]), strict=True))
    for name, help, values in (
        ("tq_tier_promise_seconds", "The wait that a tier is promised.", {key: one.promise_s for key, one in rows.items()}),
        (
            "tq_tier_starts_over_promise",
            "Runs that started in the last hour after a longer wait than promised.",
            {key: one.over if one.promise_s is not None else None for key, one in rows.items()},
        ),
        (
            "tq_tier_waiting_over_promise",
            f"Runs that have waited longer than promised, of the {promised.looked_at} of a lane that wait longest.",
            {key: one.over_now if one.promise_s is not None else None for key, one in rows.items()},
        ),
        (
            "tq_tier_longest_wait_seconds",
            f"The longest wait of the {promised.looked_at} runs of a lane that wait longest; 0 of a tier that has none there.",
            {key: one.longest_now or 0 for key, one in rows.items()},
        ),
    ):
        yield Metric(name, help, [({"lane": key[0], "tier": labels[key]}, value) for key, value in values.items()])
    yield Metric(
        "tq_lane_waiting_over_promise",
        "Runs that wait at present for longer than the shortest promise of the lane.",
        [({"lane": lane}, count) for lane, count in (promised.waiting_over or {}).items()],
    )


def _one(name: str, help: str, value: float | None) -> Metric:
    return Metric(name, help, [({}, value)])


def _counted(counts: Counter[Any], labels: Sequence[str]) -> list[tuple[Mapping[str, str], float | None]]:
    summed: Counter[tuple[str, ...]] = Counter()
    for values, count in counts.items():
        summed[tuple(_label(value) for value in values)] += count
    return [(dict(zip(labels, values, strict=True)), count) for values, count in sorted(summed.items())]


def _ended(queues: Sequence[tuple[str, QueueStatus]]) -> list[tuple[Mapping[str, str], float | None]]:
    return [
        ({"lane": name, "outcome": outcome}, getattr(queue.ended, outcome))
        for name, queue in queues
        if queue.ended is not None
        for outcome in ("done", "failed", "retried")
    ]


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with their line breaks and the signs that stand for other controls; a number after each that looks like one
    before."""
    found: dict[str, None] = {}
    for name in map(_label, names):
        shown, number = name, 1
        while shown in found:
            number += 1
            shown = f"{name} ({number})"
        found[shown] = None
    return list(found)


def _label(name: str) -> str:
    """A name as the value of a label: a line break has an escape of the format, other controls would reach a terminal."""
    return "\n".join(map(visible, name.split("\n")))


def _lines(metric: Metric) -> Iterator[str]:
    known = [(labels, value) for labels, value in metric.samples if value is not None]
    if not known:
        return
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} gauge"
    for labels, value in known:
        said = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{metric.name}{{{said}}} {value!r}" if said else f"{metric.name} {value!r}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
