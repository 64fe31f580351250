"""The facts of users' schedules and of rq-scheduler's entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.model.secrets import Secrets
from console.model.why.facts import EntryFacts, QueueFacts, ScheduleFacts, SetAside
from console.store import bounded, run_records
from console.store.facts import definition, queue
from console.store.steps import Line, Reading, Steps, after, beside
from console.store.trip import Answer
from console.store.user_schedules import Name
from console.store.values import number, text
from console.store.workers import AskedWorkers
from jobs import keys, schedules
from jobs.errors import JobsError
from jobs.lanes import LANES
from jobs.schedules import Schedule


@dataclass(frozen=True, slots=True)
class AskedEntry:
    """The questions about one entry."""

    id: bytes
    score: Answer
    found: Answer
    expires: Answer


def ask_entry(line: Line, one: bytes) -> AskedEntry:
    """Ask about the entry of that id: three commands."""
    job = keys.RQ_JOB.encode() + one
    return AskedEntry(one, line.ask("ZSCORE", keys.ENTRIES, one), line.ask("EXISTS", job), line.ask("PTTL", job))


def entry(asked: AskedEntry, set_aside: Mapping[bytes, SetAside], now: float) -> EntryFacts | None:
    """The entry, None where there is and was none of that id. The heartbeat's is due in every pass, and never late."""
    aside, expires = set_aside.get(asked.id), asked.expires.count()
    if asked.score.value is None and aside is None:
        return None
    return EntryFacts(
        id=text(asked.id),
        due=now if asked.id == keys.HEARTBEAT_ENTRY.encode() else number(asked.score.value),
        found=None if asked.found.value is None else bool(asked.found.value),
        expires_s=expires / 1000 if expires is not None and expires >= 0 else None,
        set_aside=aside,
    )


def lanes(line: Line, registered: Reading[AskedWorkers], now: float) -> Steps[dict[str, QueueFacts]]:
    """The facts of the lanes, where runs of schedules wait, in the trip after `registered`."""
    workers = yield from after(registered)
    found = [Reading(queue.read(line, lane.encode(), workers, now)) for lane in LANES]
    yield from beside(*found)
    return {lane: one.result for lane, one in zip(LANES, found, strict=True)}


def read(
    line: Line,
    names: Sequence[Name],
    aside: Reading[dict[bytes, SetAside]],
    lanes: Reading[dict[str, QueueFacts]],
    now: float,
    secrets: Secrets,
) -> Steps[list[ScheduleFacts]]:
    """The facts of these schedules, in two trips; `aside` is quarantined.read, and `lanes` is `lanes`."""
    ids = [name.id for name in names]
    entries = [ask_entry(line, one) for one in ids]
    listed = [_ask_listed(line, name) for name in names]
    definitions = Reading(bounded.hashes(line, [keys.SCHEDULE.encode() + one for one in ids]))
    histories = Reading(bounded.hashes(line, [keys.RUNS.encode() + one for one in ids]))
    yield from beside(definitions, histories)
    found_aside, queues = (yield from after(aside)), (yield from after(lanes))
    return [
        _restore(name, raw, history, entry(asked, found_aside, now), member, queues, now, secrets)
        for name, raw, history, asked, member in zip(names, definitions.result, histories.result, entries, listed, strict=True)
    ]


def _ask_listed(line: Line, name: Name) -> Answer | None:
    """Ask whether a schedule is on the list of schedules; nobody can where its user is not known."""
    if name.user is None or name.task is None:
        return None
    return line.ask("ZSCORE", keys.SCHEDULES, f"{name.user}\0{name.task}".encode("utf-8", "surrogateescape"))


def _restore(
    name: Name,
    raw: dict[bytes, bytes] | None,
    history: dict[bytes, bytes] | None,
    entry: EntryFacts | None,
    listed: Answer | None,
    queues: Mapping[str, QueueFacts],
    now: float,
    secrets: Secrets,
) -> ScheduleFacts:
    schedule = _readable(text(name.id), raw)
    begun = ScheduleFacts(
        id=text(name.id),
        user=name.user if name.user is not None else "",
        task=name.task if name.task is not None else "",
        found=None if raw is None else bool(raw),
        listed=None if listed is None else listed.value is not None,
    )
    lane = queues.get(schedule.lane) if schedule is not None else None
    return definition.facts(begun, schedule, run_records.restore(text(name.id), history), entry, lane, now, secrets)


def _readable(one: str, raw: dict[bytes, bytes] | None) -> Schedule | None:
    try:
        return schedules.restore(one, raw)
    except JobsError:
        return None
