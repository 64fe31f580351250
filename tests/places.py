"""Whether every job of a server is where its status says: the checker of the drills."""

from __future__ import annotations

from collections import Counter
from typing import Final

from redis import Redis

LISTS: Final = {
    b"queued": "queue", b"finished": "finished", b"failed": "failed", b"stopped": "failed", b"started": "wip",
    b"scheduled": "scheduled", b"canceled": "canceled", b"deferred": "deferred", b"ready_to_enqueue": "ready",
}  # fmt: skip


def misplaced(redis: Redis) -> list[str]:
    """What is wrong: jobs that are in no list, in another one than their status says, or in several, and ids without a job.

    Looks at everything, and is meant for a server on which nothing moves. Jobs that wait for a rate limit are in a list of
    its own; those that have its slots are queued or run.
    """
    statuses = _statuses(redis)
    found: dict[bytes, Counter[str]] = {}
    for kind in dict.fromkeys(LISTS.values()):
        for key in redis.scan_iter(f"rq:{kind}:*", count=1_000):
            for job in _members(redis, key):
                found.setdefault(job, Counter())[key.decode("utf-8", "replace")] += 1
    for key in redis.scan_iter("rq:rl:*:rate_limited"):
        for job in _members(redis, key):
            found.setdefault(job, Counter())["rate limited"] += 1
    wrong = [f"{job!r} has no hash, and is in {dict(found[job])}" for job in sorted(found.keys() - statuses.keys())]
    for job, (status, origin) in sorted(statuses.items()):
        kind = LISTS.get(status)
        place = "rate limited" if status == b"rate_limited" else f"rq:{kind}:{(origin or b'').decode()}"
        if found.get(job) != {place: 1}:
            wrong.append(f"{job!r} is {status!r}, and in {dict(found.get(job, {}))}")
    return wrong


def _statuses(redis: Redis) -> dict[bytes, list[bytes | None]]:
    """The status and the queue of each job."""
    keys = list(redis.scan_iter("rq:job:*", count=1_000, _type="hash"))
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hmget(key, "status", "origin")
        return dict(zip((key.removeprefix(b"rq:job:") for key in keys), pipe.execute(), strict=True))


def _members(redis: Redis, key: bytes) -> list[bytes]:
    if redis.type(key) == b"list":
        return redis.lrange(key, 0, -1)
    return [member.partition(b":")[0] for member in redis.zrange(key, 0, -1)]
