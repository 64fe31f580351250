"""No script keeps the server long: it ends when its time is over, and what one call is given has a bound."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from redis import Redis
from rq import Queue

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
    TrashSeen,
    Undo,
)
from console.model.operations import Operation
from console.store.acts import job_scripts
from console.store.writer import StoreWriter
from tests.catalogue_tasks import echo
from tests.console.acting import LISTS, acted, codes

COUNT = 100

LOOKED = 8
"""So many jobs a script begins between two looks at the clock, at the most (lua/jobs.lua, `unwatched`)."""


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a script's time be over when it looks at the clock for the first time."""
    monkeypatch.setattr(job_scripts, "MOST_US", 1)
    monkeypatch.setattr(job_scripts, "WITH_TRASH_US", 1)


def made(redis: Redis, state: str) -> list[JobSeen]:
    """COUNT jobs in one list of the queue q, as they are seen."""
    job = Queue("q", connection=redis).enqueue(echo, 1)
    redis.delete("rq:queue:q")
    fields = {**redis.hgetall(job.key), b"status": state.encode()}
    found = [JobSeen(b"job-%d" % n, b"q", state, 4e9 + n if state in LISTS else None) for n in range(COUNT)]
    with redis.pipeline(transaction=False) as pipe:
        for one in found:
            pipe.hset(b"rq:job:" + one.key, mapping=fields)
            if one.score is None:
                pipe.rpush("rq:queue:q", one.key)
            else:
                pipe.zadd(f"rq:{LISTS[state]}:q", {one.key: one.score})
        pipe.execute()
    return found


def calls(redis: Redis, command: Command, seen: Sequence[JobSeen | TrashSeen]) -> int:
    """Do it to all of these, and tell how many calls of the script that took."""
    redis.config_resetstat()
    asked = Operation(f"{command.WORD}-1", "ann", "host", time.time(), command.WORD, "", "these jobs", len(seen), "")
    found = acted(StoreWriter(redis, "redis://the-test"), asked, command, seen, time.time())
    assert codes(found) == ["done"] * len(seen)
    assert [one.key for one in found] == [one.key for one in seen]
    return int(redis.info("commandstats")["cmdstat_evalsha"]["calls"])


@pytest.mark.usefixtures("no_time")
@pytest.mark.parametrize(
    ("command", "state"),
    [
        (Requeue(), "failed"), (RetryNow(), "scheduled"), (RunAgain(), "finished"), (Reschedule(5e9), "scheduled"),
        (Cancel(), "queued"), (Cancel(), "deferred"), (Delete(), "failed"), (Delete(), "queued"), (Move(b"other"), "queued"),
        (ToFront(), "queued"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.WORD,
)  # fmt: skip
def test_a_script_whose_time_is_over_leaves_the_others_to_the_next_call(redis: Redis, command: JobCommand, state: str) -> None:
    assert calls(redis, command, made(redis, state)) >= COUNT / LOOKED


@pytest.mark.usefixtures("no_time")
@pytest.mark.parametrize("state", ["failed", "queued"])
def test_so_does_that_of_undoing(redis: Redis, state: str) -> None:
    jobs = made(redis, state)
    calls(redis, Delete(), jobs)
    assert not redis.exists(f"rq:{LISTS.get(state, 'queue')}:q")
    assert calls(redis, Undo("delete-1"), [TrashSeen(one.key) for one in reversed(jobs)]) >= COUNT / LOOKED
    assert redis.exists(*(b"rq:job:" + one.key for one in jobs)) == COUNT


def test_the_time_of_a_script_is_half_of_what_it_may_keep_the_server() -> None:
    """Of the 5 ms the rest is for the job that is under way when the time is over, and for what is done once after the last."""
    assert 0 < job_scripts.WITH_TRASH_US <= job_scripts.MOST_US <= 2_500


def test_a_call_is_given_no_more_than_a_batch_however_much_time_there_is(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many a cancel lets pass, and so many are unknown after an outage."""
    assert job_scripts.FIRST <= 200
    # It takes thousands of jobs until the calls have grown so far.
    monkeypatch.setattr(job_scripts, "FIRST", 200)
    monkeypatch.setattr(job_scripts, "MOST_US", 60_000_000)
    jobs = [JobSeen(b"gone-%d" % n, b"q", "failed", 1.0) for n in range(700)]
    asked = Operation("op1", "ann", "host", time.time(), "requeue", "", "these jobs", len(jobs), "")
    found = StoreWriter(redis, "redis://the-test").act(asked, Requeue(), jobs, time.time)
    assert [len(came) for came in found] == [200, 200, 200, 100]
