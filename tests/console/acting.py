"""What a command of ours leaves, against what RQ's own call leaves, key by key and field by field.

A differential test does both to the same contents and says of every difference whether it is meant:

    found = differences(redis, theirs=lambda: job.requeue(), ours=lambda: act(redis, Requeue(), seen(redis, listed)))
    ...
    only_meant("requeue", found)

`only_meant` is called once for a command, with the differences of all its cases: it fails for each that MEANT does not name,
and for each of MEANT that none of them showed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any, Final

from redis import Redis

from console.model.commands import Command, JobSeen, Outcome, Seen
from console.model.operations import Operation
from console.model.ports import Writer
from console.store.writer import StoreWriter
from tests.catalogue import Listed
from tests.contents import contents

KEY: Final = "(key)"
EXPIRY: Final = "(expiry)"


@dataclass(frozen=True)
class Meant:
    """A difference that is meant, in keys that `key` matches as a whole (a regular expression), in `field`: one of a hash, a
    member of a set, an element of a list, EXPIRY, or KEY where the key is on one side only; `*` for any field."""

    command: str
    key: str
    field: str
    reason: str


JOB: Final = r"rq:job:(?!.*:dependents$).+"
DEPENDENTS: Final = r"rq:job:.+:dependents"

MEANT: Final = (
    Meant("requeue", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("requeue", r"rq:queues", "*", "RQ's requeue does not name the queue, and nothing that lists queues would show it"),
    Meant("requeue", JOB, EXPIRY, "what was put into a queue must not expire there"),
    Meant("requeue", DEPENDENTS, EXPIRY, "nor what tells who waits for it"),
    Meant("requeue", JOB, "exc_info", "RQ's requeue adds a traceback of nothing where there was none, which reads the same"),
    Meant("retry-now", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("retry-now", JOB, EXPIRY, "what was put into a queue must not expire there"),
    Meant("retry-now", r"rq:queues", "*", "the pass does not name the queue, and nothing that lists queues would show it"),
    Meant("cancel", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("cancel", r"rq:scheduler:scheduled_jobs", KEY, "RQ's cancel leaves the entry, which fires all the same"),
    Meant("delete", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("delete", r"tq:trash.*", KEY, "what is deleted is in the trash for its time"),
    Meant(
        "delete", r"rq:scheduler:scheduled_jobs", KEY, "RQ's delete leaves the entry, which rq-scheduler drops when it is due"
    ),
    Meant("delete", JOB, KEY, "RQ's delete breaks off where the set of the job's group is gone, and leaves a hash in no list"),
    Meant("empty", r"tq:operation:.+", "*", "what came of it is counted in the step that does it"),
    Meant("empty", r"tq:trash.*", "*", "what is deleted is in the trash for its time"),
    Meant("empty", r"rq:group:.+", "*", "RQ's empty leaves in a group what there is no longer"),
    Meant("empty", r"rq:rl:.+", "*", "RQ's empty leaves the slots of a rate limit with jobs that are gone, for ever"),
    Meant("empty", JOB, "status", "the next job of the limit gets the slot that is free"),
    Meant("empty", JOB, "enqueued_at", "and is queued then"),
    Meant("empty", r"rq:queue:.+", KEY, "in the queue of its own"),
    Meant("suspend", r"tq:operation:.+", "*", "what came of it is counted in the step that does it"),
    Meant("reschedule", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("stop", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("stop-job", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant(
        "stop-job",
        r"rq:pubsub:.+",
        "command",
        "RQ's send_stop_job_command stops whichever attempt at the job its worker is at when it hears it; stop-execution stops"
        " the one that was seen, as RQ's own send_stop_execution_command does",
    ),
    Meant("stop-job", r"rq:pubsub:.+", "execution_id", "the attempt that was seen"),
    Meant("shutdown", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("kill-horse", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("remove", r"tq:operation:.+", KEY, "what came of it is counted in the step that does it"),
    Meant("remove", r"tq:trash.*", KEY, "what is removed is in the trash for its time"),
    Meant("remove", JOB, KEY, "rq-scheduler's cancel leaves the hash of the entry for ever"),
)
"""Every difference that is meant, by command, with its reason."""


@dataclass(frozen=True)
class Difference:
    """One: `theirs` and `ours` are the values, None where there is none. `key` is the channel, where it is of a message."""

    key: str
    field: str
    theirs: Any
    ours: Any


def differences(redis: Redis, theirs: Callable[[], object], ours: Callable[[], object]) -> list[Difference]:
    """Do both to what the server holds, the second after all is as it was before the first, and tell how the contents differ.

    Instants of the time of the test are the same for all. The server is left as `ours` left it.
    """
    before = snapshot(redis)
    began = time.time() - 2
    theirs()
    left = contents(redis)
    restore(redis, before)
    ours()
    now = contents(redis)
    # What has expired meanwhile, such as the hash of a worker that ended a minute ago, nobody took away.
    seconds, micros = redis.time()
    at = seconds * 1_000 + micros // 1_000
    expired = {key for found in (left, now) for key, (_, expires) in found.items() if expires == -2 or 0 < expires <= at}
    kept = sorted((left.keys() | now.keys()) - expired)
    return [one for key in kept for one in _of_key(key, left.get(key), now.get(key), began)]


def only_meant(command: str, found: Iterable[Difference]) -> None:
    """Fail for differences that are not meant, and for what is meant and never happens."""
    met: set[Meant] = set()
    unmeant = []
    of_command = [one for one in MEANT if one.command == command]
    for difference in found:
        named = [one for one in of_command if re.fullmatch(one.key, difference.key) and one.field in ("*", difference.field)]
        met.update(named)
        if not named:
            unmeant.append(difference)
    assert not unmeant, "\n".join(["differences that nobody means:", *map(str, unmeant)])
    never = [one for one in of_command if one not in met]
    assert not never, "\n".join(["meant, and never seen:", *map(str, never)])


def snapshot(redis: Redis) -> list[tuple[bytes, bytes, int]]:
    """All that the server holds, for `restore`."""
    keys = sorted(redis.scan_iter(count=1_000))
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.dump(key)
            pipe.pexpiretime(key)
        replies = pipe.execute()
    return [(key, *pair) for key, pair in zip(keys, zip(replies[::2], replies[1::2], strict=True), strict=True) if pair[0]]


def restore(redis: Redis, dumped: list[tuple[bytes, bytes, int]]) -> None:
    """Let the server hold exactly this again, expiries included."""
    redis.flushall()
    with redis.pipeline(transaction=False) as pipe:
        for key, content, expiry in dumped:
            pipe.restore(key, max(0, expiry), content, absttl=True)
        pipe.execute()


def act(redis: Redis, command: Command, *jobs: JobSeen, operation: str = "op1", ahead: float = 0) -> list[Outcome]:
    """Do a command of ours as the console does, without an audit; `ahead` is how wrong its clock is, in seconds."""
    now = time.time() + ahead
    asked = Operation(operation, "ann", "host", now, command.WORD, "", "these jobs", len(jobs), "")
    return acted(StoreWriter(redis, "redis://the-test"), asked, command, jobs, now)


def acted(writer: Writer, asked: Operation, command: Command, seen: Sequence[Seen], now: float) -> list[Outcome]:
    """What comes of all that was seen, in order."""
    return [one for came in writer.act(asked, command, seen, lambda: now, lambda: True) for one in came]


def codes(outcomes: Iterable[Outcome]) -> list[str]:
    """`done`, `sent`, or why not, of each."""
    return [one.reason or one.result for one in outcomes]


LISTS: Final = {
    "scheduled": "scheduled", "retrying": "scheduled", "deferred": "deferred", "ready": "ready", "finished": "finished",
    "failed": "failed", "stopped": "failed", "canceled": "canceled",
}  # fmt: skip


def unchanged(redis: Redis, command: Command, *jobs: JobSeen) -> list[str]:
    """The codes of a command that changes nothing but the counts of its operation."""
    before = contents(redis)
    found = codes(act(redis, command, *jobs))
    counted = b"tq:operation:op1"
    assert {**contents(redis), counted: None} == {**before, counted: None}
    return found


def seen(redis: Redis, job: Listed | str, queue: str = "", state: str = "") -> JobSeen:
    """A job of the catalogue, or one by its id, queue and state, as a list shows it now."""
    key, of, word = (job.id, job.queue, job.state) if isinstance(job, Listed) else (job, queue, state)
    score = redis.zscore(f"rq:{LISTS[word]}:{of}", key) if word in LISTS else None
    return JobSeen(key.encode(), of.encode(), word, score)


def _of_key(key: bytes, theirs: Any, ours: Any, began: float) -> Iterable[Difference]:
    name = key.decode("utf-8", "backslashreplace")
    if theirs is None or ours is None:
        yield Difference(name, KEY, theirs, ours)
        return
    for field, left, right in _fields(theirs[0], ours[0]):
        if left != right and not _same_instant(left, right, began):
            yield Difference(name, field, left, right)
    if theirs[1] != ours[1] and not (min(theirs[1], ours[1]) > 0 and abs(theirs[1] - ours[1]) < 5_000):
        yield Difference(name, EXPIRY, theirs[1], ours[1])


def _fields(theirs: Any, ours: Any) -> Iterable[tuple[str, Any, Any]]:
    """The fields of two contents with the value of each."""
    if type(theirs) is not type(ours):
        yield "(type)", type(theirs), type(ours)
    elif isinstance(theirs, dict):
        for field in sorted(theirs.keys() | ours.keys()):
            yield field.decode(), theirs.get(field), ours.get(field)
    elif isinstance(theirs, set):
        for member in sorted(theirs ^ ours):
            yield member.decode(), member if member in theirs else None, member if member in ours else None
    elif isinstance(theirs, list):
        if all(isinstance(one, tuple) and isinstance(one[1], float) for one in theirs + ours):
            yield from _fields(dict(theirs), dict(ours))
        else:
            for n, (left, right) in enumerate(zip_longest(theirs, ours)):
                yield str(n), left, right
    else:
        yield "", theirs, ours


def _same_instant(theirs: Any, ours: Any, began: float) -> bool:
    """Whether both are instants since `began`, or instants of the future that were reckoned from such."""
    left, right = _instant(theirs), _instant(ours)
    if left is None or right is None:
        return False
    return began <= min(left, right) and abs(left - right) < 5


def _instant(value: Any) -> float | None:
    try:
        if isinstance(value, float):
            return value
        return datetime.strptime(value.decode(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()
    except (ValueError, AttributeError, UnicodeDecodeError):
        return None
