"""What is wrong with an installation that only a longer look finds: rules over what was examined beside its status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from console.model import versions, words
from console.model.counting import counted, named
from console.model.problem_words import ENTRIES, WORKERS, error, subject, warning
from console.model.queries import FailuresQuery
from console.model.schedule_problems import shortest_promise
from console.model.starting import OFTEN
from console.model.status import Problem, Status

SKEW: Final = 5.0
"""Seconds by which a clock may differ: less is no more than what a round trip and RQ's whole seconds make of it."""

GROWTH: Final = 100
"""Failed jobs that have to be added to a registry within about an hour for it to be one that grows."""

LEAST_SPAN: Final = 600.0
"""Seconds that must lie between two samples for the difference to be a growth."""


@dataclass(frozen=True, slots=True)
class PlainEntry:
    """An entry of rq-scheduler that is not a user's. `gap_s` is the time from its next slot to the one after, None where it
    comes due once; `ttls` are how long RQ keeps its job after a success and after a failure, negative for good, None where its
    hash does not say. `same` is equal for entries that call the same, at the same times, from the same queue."""

    id: str
    due: float | None
    found: bool | None = None
    call: str = ""
    cadence: str = ""
    gap_s: float | None = None
    retries_left: int | None = None
    result_ttl: int | None = None
    failure_ttl: int | None = None
    same: bytes = b""


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a host, so many seconds ahead of the server's, at least; less than nothing: behind."""

    host: str
    ahead_s: float


@dataclass(frozen=True, slots=True)
class Growth:
    """By how many a queue's registry of failed jobs has grown in `since_s` seconds."""

    queue: str
    key: bytes
    failed: int
    grown: int
    since_s: float


@dataclass(frozen=True, slots=True)
class Examined:
    """An installation, examined. `packages` are the versions where the console runs, `worker_versions` those of RQ by the
    workers' names. `gaps` are the shortest times between two slots, by tier."""

    status: Status
    entries: tuple[PlainEntry, ...] = ()
    clocks: tuple[Clock, ...] = ()
    growth: tuple[Growth, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    worker_versions: Mapping[str, str] = field(default_factory=dict)
    gaps: Mapping[str, float] = field(default_factory=dict)


def find(examined: Examined) -> Iterator[Problem]:
    """Every problem that the examination has found, in the order of RULES."""
    for rule in RULES:
        yield from rule(examined)


def entry_job_gone(examined: Examined) -> Iterator[Problem]:
    """`entry_job_gone`: plain entries whose jobs have no hash any more."""
    gone = [entry.id for entry in examined.entries if entry.found is False]
    if gone:
        yield error(
            "entry_job_gone",
            subject(gone, "entries"),
            f"{counted(len(gone), 'entry has', 'entries have')} a job whose hash is gone: rqscheduler drops "
            + ("it silently when it is due" if len(gone) == 1 else "them silently when they are due"),
            "make these schedules anew; with result_ttl=-1 and a long failure_ttl their jobs stay",
            len(gone),
            ENTRIES,
            gone,
        )


def ttl_ends_schedule(examined: Examined) -> Iterator[Problem]:
    """`ttl_ends_schedule`: plain entries that come again, and whose jobs are kept for less long than that takes."""
    short = [(entry, ttl) for entry in examined.entries if (ttl := _too_short(entry))]
    if short:
        entry, ttl = short[0]
        yield error(
            "ttl_ends_schedule",
            subject([one.id for one, _ in short], "entries"),
            f"{_told(entry)} comes due every {words.age(entry.gap_s)}, and its {ttl} is shorter: after its next run its job "
            "expires, and the schedule ends without a word" + _others(len(short)),
            "schedule it anew with result_ttl=-1 and a failure_ttl that is longer than its interval",
            len(short),
            ENTRIES,
            [one.id for one, _ in short],
        )


def retries_spent(examined: Examined) -> Iterator[Problem]:
    """`retries_spent`: plain entries whose runs share one job, which has no retry left for any of them."""
    spent = [entry for entry in examined.entries if entry.gap_s is not None and entry.retries_left == 0]
    if spent:
        yield warning(
            "retries_spent",
            subject([entry.id for entry in spent], "entries"),
            f"{_told(spent[0])} was given retries, and has none left: all its runs share one job, and what one run has spent "
            "no later one has" + _others(len(spent)),
            "let a schedule of the job layer make a job for each run; or schedule it anew",
            len(spent),
            ENTRIES,
            [entry.id for entry in spent],
        )


def duplicate_schedules(examined: Examined) -> Iterator[Problem]:
    """`duplicate_schedules`: plain entries that do the same at the same times, as an application leaves them that schedules
    whenever it starts."""
    alike: defaultdict[bytes, list[PlainEntry]] = defaultdict(list)
    for entry in examined.entries:
        if entry.same and entry.gap_s is not None:
            alike[entry.same].append(entry)
    repeated = [entries for entries in alike.values() if len(entries) > 1]
    if repeated:
        most = max(repeated, key=len)
        surplus = sum(len(entries) - 1 for entries in repeated)
        yield warning(
            "duplicate_schedules",
            subject([entries[0].id for entries in repeated], "schedules"),
            f"{_told(most[0])} ({most[0].cadence}) is scheduled {len(most):,} times, and runs so often each time"
            + _others(len(repeated)),
            "keep one of each, and give it an id of its own (id=…) where it is scheduled",
            surplus,
            ENTRIES,
            [entry.id for entry in most],
        )


def failed_grows(examined: Examined) -> Iterator[Problem]:
    """`failed_grows`: registries of failed jobs that have grown by much within an hour."""
    for growth in examined.growth:
        if growth.grown >= GROWTH and growth.since_s >= LEAST_SPAN:
            yield warning(
                "failed_grows",
                growth.queue,
                f"{growth.failed:,} failed jobs are kept, {growth.grown:,} more than {growth.since_s / 60:,.0f} min ago; "
                "each stays for a year where no failure_ttl says otherwise",
                f"see what they are: tq-console failures --filter queue:{growth.queue}; requeue or delete them, by group",
                growth.grown,
                FailuresQuery(growth.key),
            )


def clock_skew(examined: Examined) -> Iterator[Problem]:
    """`clock_skew`: hosts whose clocks differ from the server's."""
    for clock in examined.clocks:
        if abs(clock.ahead_s) > SKEW:
            side = "ahead of" if clock.ahead_s > 0 else "behind"
            yield warning(
                "clock_skew",
                clock.host,
                f"its clock is {words.age(abs(clock.ahead_s))} {side} the server's: heartbeats and due times are judged "
                "wrongly by so much",
                "let every host keep its time by NTP",
                0,
                WORKERS,
            )


def poll_skips_slots(examined: Examined) -> Iterator[Problem]:
    """`poll_skips_slots`: a scheduler looks for due entries less often than a tier's schedules come due, so that slots pass
    between two looks."""
    status = examined.status
    polls = {one.name: one.poll_s for one in status.schedulers if one.kind == "rqscheduler" and one.verdict != "gone"}
    known = [poll for poll in polls.values() if poll is not None]
    often = {tier: gap for tier, gap in examined.gaps.items() if known and gap < min(known)}
    if often and status.schedules.armed:
        tier, gap = min(often.items(), key=lambda one: one[1])
        promise = shortest_promise(status)
        # What `slow_poll` says is to be right, too: one start is enough.
        every = gap // 2 if promise is None or promise >= min(known) else min(gap // 2, OFTEN)
        yield warning(
            "poll_skips_slots",
            subject(sorted(polls), "schedulers"),
            f"polls every {min(known):g} s, and {tier} comes due every {words.age(gap)}: of several slots between two "
            "looks one run is made",
            f"start it as rqscheduler -i {max(1, int(every))}",
            0,
            WORKERS,
        )


def broken_versions(examined: Examined) -> Iterator[Problem]:
    """`broken_versions`: versions that are known to break with each other, here, or of workers with the server."""
    server = examined.status.server
    is_redis = server.kind == "redis" and server.version is not None
    known = {"server": server.version} if is_redis and server.version else {}
    for pair in versions.broken({**examined.packages, **known}):
        yield _broken(pair, "this host", {**examined.packages, **known})
    found: defaultdict[str, list[str]] = defaultdict(list)
    for worker, version in sorted(examined.worker_versions.items()):
        found[version].append(worker)
    for version, workers in found.items():
        for pair in versions.broken({**known, "rq": version}):
            yield _broken(pair, subject(workers, "workers"), {**known, "rq": version}, workers)


RULES: Final[tuple[Callable[[Examined], Iterator[Problem]], ...]] = (
    broken_versions,
    entry_job_gone,
    ttl_ends_schedule,
    failed_grows,
    retries_spent,
    duplicate_schedules,
    poll_skips_slots,
    clock_skew,
)


def _too_short(entry: PlainEntry) -> str:
    """The lifetime that ends a schedule, with its seconds; empty where none does."""
    for name, ttl in (("result_ttl", entry.result_ttl), ("failure_ttl", entry.failure_ttl)):
        if entry.gap_s is not None and ttl is not None and 0 <= ttl < entry.gap_s:
            return f"{name} ({words.age(ttl)})"
    return ""


def _told(entry: PlainEntry) -> str:
    return words.call(entry.call) if entry.call else f"the entry {entry.id}"


def _others(count: int) -> str:
    return f"; the same of {counted(count - 1, 'other')}" if count > 1 else ""


def _broken(pair: versions.Pair, where: str, found: Mapping[str, str], names: tuple[str, ...] | list[str] = ()) -> Problem:
    told = named([f"{name} {found[name]}" for name in (pair.one, pair.other)])
    return error(
        "broken_versions", where, f"{told} do not go together: {pair.breaks}", f"update one of them; see {pair.source}", 0,
        WORKERS if names else None, list(names),
    )  # fmt: skip
