"""Where an ACL lets a user write some keys only: what he may not do as a whole, he does nothing of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.group import Group
from rq.job import JobStatus
from rq.rate_limit import RateLimit
from rq.registry import FailedJobRegistry

from console.model.commands import (
    Cancel,
    Command,
    Delete,
    JobCommand,
    JobSeen,
    Move,
    Requeue,
    Reschedule,
    RetryNow,
    RunAgain,
    ToFront,
)
from console.model.ports import WriteError
from console.store.writer import StoreWriter
from jobs import User, controls, keys, set_user
from tests.catalogue_tasks import echo
from tests.conftest import Server
from tests.console.acting import act, codes, restore, seen, snapshot
from tests.console.giving import undo
from tests.console.rights import limited
from tests.contents import contents
from tests.fast_tiers import fast_tiers

__all__ = ["fast_tiers"]

OWN = ("rq:job:*", "rq:results:*")
"""What is one job's own."""


def queued(redis: Redis, name: str = "", *, limit: int = 0, group: str = "") -> JobSeen:
    queue = Queue("old", connection=redis)
    if group:
        [job] = Group.create(redis, group).enqueue_many(queue, [Queue.prepare_data(echo, (1,))])
    else:
        job = queue.enqueue(echo, job_id=name or None, rate_limit=RateLimit("vendor", limit) if limit else None)
    return seen(redis, job.id, "old", "queued")


def failed(redis: Redis, name: str = "", **options: int) -> JobSeen:
    one = queued(redis, name, **options)
    queue = Queue("old", connection=redis)
    job = queue.fetch_job(one.key.decode())
    assert job is not None
    redis.zrem("rq:rl:vendor:allowed", job.id)
    queue.remove(job)
    job.set_status(JobStatus.FAILED)
    FailedJobRegistry(queue=queue).add(job, ttl=600)
    return seen(redis, job.id, "old", "failed")


def scheduled(redis: Redis) -> JobSeen:
    job = Queue("old", connection=redis).enqueue_in(timedelta(hours=1), echo)
    return seen(redis, job.id, "old", "scheduled")


COMMANDS = {
    "requeue": (Requeue(), lambda redis: failed(redis)),
    "requeue with a rate limit": (Requeue(), lambda redis: failed(redis, limit=1)),
    "retry-now": (RetryNow(), scheduled),
    "run-again": (RunAgain(), lambda redis: failed(redis)),
    "move": (Move(b"new"), queued),
    "move of a scheduled one": (Move(b"new"), scheduled),
    "to-front": (ToFront(), queued),
    "reschedule": (Reschedule(2e9), scheduled),
    "cancel": (Cancel(), queued),
    "cancel with a rate limit": (Cancel(), lambda redis: queued(redis, limit=1)),
    "delete": (Delete(), queued),
    "delete of a failed one": (Delete(), lambda redis: failed(redis)),
    "delete with a rate limit": (Delete(), lambda redis: queued(redis, limit=1)),
    "delete from a group": (Delete(), lambda redis: queued(redis, group="night")),
}


def written(before: dict[bytes, object], after: dict[bytes, object]) -> list[str]:
    """The keys that differ and that jobs share."""
    differ = [key.decode() for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    return sorted(key for key in differ if not key.startswith(("tq:", "rq:job:", "rq:results:")))


def but_counts(redis: Redis) -> dict[bytes, object]:
    return {key: content for key, content in contents(redis).items() if not key.startswith(b"tq:operation:")}


@pytest.mark.parametrize("name", COMMANDS)
def test_without_one_key_of_those_that_it_writes_nothing_is_done(redis: Redis, server: Server, name: str) -> None:
    command, made = COMMANDS[name]
    assert isinstance(command, JobCommand)
    queued(redis)
    job = made(redis)
    queued(redis)
    redis.delete("rq:queues")
    dumped, before = snapshot(redis), but_counts(redis)
    assert codes(act(redis, command, job)) == ["done"]
    needed = written(before, but_counts(redis))
    assert needed
    for missing in needed:
        restore(redis, dumped)
        with limited(redis, server.url, *OWN, *(key for key in needed if key != missing)) as theirs:
            assert codes(act(theirs, command, job)) == ["refused"], missing
        assert but_counts(redis) == before, missing


@pytest.mark.parametrize("command", [Requeue(), Move(b"new"), Delete()], ids=lambda command: command.WORD)
def test_a_user_of_some_jobs_acts_on_these_only(redis: Redis, server: Server, command: Command) -> None:
    make = failed if isinstance(command, Requeue) else queued
    theirs, others = make(redis, "theirs-1"), make(redis, "others-1")
    before = redis.hgetall("rq:job:others-1")
    # A job without a name is theirs, too, and stands for no other.
    own = ("rq:job:theirs-*", "rq:job::theirs-*", "rq:results:theirs-*", "rq:job:", "rq:job::dependents")
    with limited(redis, server.url, *own, "rq:queue:*", "rq:queues", "rq:failed:*") as connection:
        assert codes(act(connection, command, others, theirs)) == ["refused", "done"]
    assert redis.hgetall("rq:job:others-1") == before
    assert redis.hgetall(keys.OPERATION + "op1")[b"refused"] == b"1"


def test_what_the_user_may_not_put_back_stays_in_the_trash(redis: Redis, server: Server) -> None:
    jobs = [failed(redis), queued(redis)]
    before = but_counts(redis)
    assert codes(act(redis, Delete(), *jobs)) == ["done"] * 2
    trashed = but_counts(redis)
    with limited(redis, server.url, *OWN) as theirs:
        assert undo(StoreWriter(theirs, server.url), [one.key for one in jobs]) == ["refused"] * 2
    assert {**but_counts(redis), keys.ACTIVITY.encode(): None} == {**trashed, keys.ACTIVITY.encode(): None}
    with limited(redis, server.url, *OWN, "rq:failed:old") as theirs:
        assert undo(StoreWriter(theirs, server.url), [one.key for one in jobs]) == ["done", "refused"]
    with limited(redis, server.url, *OWN, "rq:queue:old", "rq:queues") as theirs:
        assert undo(StoreWriter(theirs, server.url), [one.key for one in jobs]) == ["gone", "done"]
    assert {**but_counts(redis), keys.ACTIVITY.encode(): None} == {**before, keys.ACTIVITY.encode(): None}


def test_who_has_no_results_is_put_back_without_a_right_to_any(redis: Redis, server: Server) -> None:
    job = failed(redis)
    before = but_counts(redis)
    assert codes(act(redis, Delete(), job)) == ["done"]
    with limited(redis, server.url, "rq:job:*", "rq:failed:old") as theirs:
        assert undo(StoreWriter(theirs, server.url), [job.key]) == ["done"]
    assert {**but_counts(redis), keys.ACTIVITY.encode(): None} == {**before, keys.ACTIVITY.encode(): None}


def test_a_run_of_ours_needs_what_is_noted_of_it(redis: Redis, server: Server) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    job = seen(redis, run, "default", "queued")
    before = but_counts(redis)
    with limited(redis, server.url, "rq:*") as theirs:
        redis.execute_command("ACL", "SETUSER", "reader", "resetkeys", "~rq:*", "~tq:operation:*", "%R~tq:*")
        assert codes(act(theirs, Move(b"new"), job)) == ["refused"]
        assert codes(act(theirs, Cancel(), job)) == ["refused"]
    assert but_counts(redis) == before


@pytest.mark.parametrize(
    "denied", ["rename", "zremrangebyscore", "ltrim", "hset", "zscore", "sismember", "zcard", "zrange", "lindex"]
)
def test_without_one_of_the_commands_nothing_is_begun(redis: Redis, server: Server, denied: str) -> None:
    job = failed(redis)
    before = but_counts(redis)
    with limited(redis, server.url, "rq:*") as theirs:
        redis.execute_command("ACL", "SETUSER", "reader", f"-{denied}")
        with pytest.raises(WriteError, match="refuses"):
            act(theirs, Delete(), job)
    assert but_counts(redis) == before
