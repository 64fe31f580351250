"""A status as text for Prometheus (exposition format 0.0.4), for a file that its node exporter reads, or an answer to a scrape.

What is not known has no sample. Names that came out of Redis are made visible and escaped; two that look the same get a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.model.status import QueueStatus, Status
from console.model.text import visible

STATES = ("waiting", "running", "retrying", "scheduled", "deferred", "finished", "failed", "canceled")
"""Fields of a queue that count its jobs, which are values of the label `state`."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge: its name, what it tells, and each value with its labels."""

    name: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float | None]]


def text(status: Status) -> str:
    """The whole exposition, which ends with a line break."""
    return "".join(f"{line}\n" for metric in _metrics(status) for line in _lines(metric))


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
    verdicts = Counter((worker.verdict, worker.state or "unknown") for worker in status.workers)
    yield Metric("tq_workers", "Workers by verdict and state.", _counted(verdicts, ("verdict", "state")))
    yield Metric(
        "tq_schedulers",
        "Schedulers by kind and verdict.",
        _counted(Counter((one.kind, one.verdict) for one in status.schedulers), ("kind", "verdict")),
    )
    lags = [one.lag_s for one in status.schedulers if one.lag_s is not None]
    yield _one("tq_scheduler_lag_seconds", "For how long the entry that is longest due waits.", max(lags, default=None))
    counts = {name: getattr(schedules, name) for name in ("armed", "paused", "late", "orphaned", "quarantined")}
    yield Metric("tq_schedules", "Schedules by state.", [({"state": name}, count) for name, count in counts.items()])
    yield _one("tq_schedules_due_next_hour", "Entries that are due within the hour.", schedules.due_next_hour)
    codes = Counter((problem.code, problem.severity) for problem in status.problems)
    yield Metric("tq_problems", "Problems found, by code and severity.", _counted(codes, ("code", "severity")))
    yield _one("tq_status_timestamp_seconds", "When this was read, in epoch seconds.", status.as_of)


def _one(name: str, help: str, value: float | None) -> Metric:
    return Metric(name, help, [({}, value)])


def _counted(counts: Counter[Any], labels: Sequence[str]) -> list[tuple[Mapping[str, str], float | None]]:
    summed: Counter[tuple[str, ...]] = Counter()
    for values, count in counts.items():
        summed[tuple(visible(value) for value in values)] += count
    return [(dict(zip(labels, values, strict=True)), count) for values, count in sorted(summed.items())]


def _ended(queues: Sequence[tuple[str, QueueStatus]]) -> list[tuple[Mapping[str, str], float | None]]:
    return [
        ({"lane": name, "outcome": outcome}, getattr(queue.ended, outcome))
        for name, queue in queues
        if queue.ended is not None
        for outcome in ("done", "failed", "retried")
    ]


def _distinct(names: Sequence[str]) -> list[str]:
    """The names as they are shown; a number after each that looks like one before."""
    found: dict[str, None] = {}
    for name in map(visible, names):
        shown, number = name, 1
        while shown in found:
            number += 1
            shown = f"{name} ({number})"
        found[shown] = None
    return list(found)


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
