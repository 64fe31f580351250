"""Failed jobs by the thousand, as RQ's workers leave them: hashes, results with tracebacks, and the registries.

Each traceback is one of Python's, of an exception that was raised, with the worker's frames in front as every job's has.
"""

from __future__ import annotations

import base64
import pickle
import random
import time
import traceback
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from redis import Redis

from jobs import keys
from tests import failing_tasks
from tests.failing_tasks import ELSEWHERE, SAID

HEAD: Final = "Traceback (most recent call last):\n"
BY_RQ: Final = (
    HEAD + '  File "/srv/venv/lib/python3.12/site-packages/rq/worker/base.py", line 1633, in perform_job\n'
    "    return_value = job.perform()\n"
    "                   ^^^^^^^^^^^^^\n"
    '  File "/srv/venv/lib/python3.12/site-packages/rq/job.py", line 1546, in perform\n'
    "    self._result = self._execute()\n"
    "                   ^^^^^^^^^^^^^^^\n"
    '  File "/srv/venv/lib/python3.12/site-packages/rq/job.py", line 1583, in _execute\n'
    "    result = self.func(*self.args, **self.kwargs)\n"
    "             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
)
ENDED: Final = {
    "killed": "Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ",
    "crashed": "Work-horse terminated unexpectedly; waitpid returned 139 (signal 11); ",
}

KINDS: Final = (
    *(kind for kind in SAID if kind != "megabyte"),
    *(call.__name__ for call in ELSEWHERE[:8] if call is not failing_tasks.deeper_and_deeper),
    *ENDED,
)
"""Forty kinds, none of which takes long to make."""

BATCH: Final = 500
YEAR: Final = 31_536_000


@dataclass(frozen=True)
class Made:
    """A failed job: its id, kind, queue, user (None for nobody) and tier, and when it failed."""

    id: str
    kind: str
    queue: str
    user: str | None
    tier: str
    at: float


def trace(call: Callable[[], object]) -> str:
    """What RQ's worker keeps of a call that fails."""
    try:
        call()
    except BaseException as error:
        whole, last = traceback.format_exc(), "".join(traceback.format_exception(error, chain=False))
        # The frame of this function stands in the place of the worker's.
        return whole.removesuffix(last) + last.replace(HEAD, BY_RQ, 1)
    raise AssertionError("it raised nothing")


def text(kind: str, seed: object) -> str:
    """What is kept of a failure of one of KINDS."""
    if kind in ENDED:
        return ENDED[kind]
    if kind in SAID:
        return trace(lambda: failing_tasks.fail(kind, seed))
    return trace(lambda: getattr(failing_tasks, kind)(seed))


def function(kind: str) -> str:
    return "tests.failing_tasks.fail" if kind in SAID else f"tests.failing_tasks.{kind}"


def make(
    redis: Redis,
    count: int,
    *,
    kinds: Sequence[str] = KINDS,
    queues: Sequence[str] = ("default",),
    seed: int = 0,
    users: int = 997,
    within: float = 80_000,
) -> list[Made]:
    """Make so many failures, in turn of each kind, in any of the queues, `within` so many seconds, and return them."""
    chance = random.Random(seed)
    now = time.time()
    made = [
        Made(
            id=str(uuid.UUID(int=chance.getrandbits(128))),
            kind=kinds[n % len(kinds)],
            queue=chance.choice(queues),
            user=f"user-{chance.randrange(users)}@example.com" if n % 11 else None,
            tier=("pro", "free")[n % 2],
            at=round(now - chance.random() * within, 3),
        )
        for n in range(count)
    ]
    add(redis, made)
    return made


def add(redis: Redis, made: Iterable[Made]) -> None:
    """Write these failures as RQ leaves them."""
    rest = list(made)
    redis.sadd(keys.RQ_QUEUES, *(keys.RQ_QUEUE + queue for queue in {one.queue for one in rest}))
    for start in range(0, len(rest), BATCH):
        with redis.pipeline(transaction=False) as pipe:
            for one in rest[start : start + BATCH]:
                ended = datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                whose = {} if one.user is None else {"user": one.user, "tier": one.tier}
                fields = {
                    "status": "failed", "origin": one.queue, "description": f"{function(one.kind)}('{one.kind}', '{one.id}')",
                    "created_at": ended, "enqueued_at": ended, "started_at": ended, "ended_at": ended, "last_heartbeat": ended,
                    "worker_name": "", "group_id": "", "timeout": 180, "failure_ttl": YEAR, "success_callback_name": "",
                    "failure_callback_name": "", "stopped_callback_name": "", "data": zlib.compress(one.id.encode() * 4),
                    "meta": pickle.dumps({**whose, "task": "scrape", "schedule": f"scrape-{one.user}", "slot": int(one.at)}),
                }  # fmt: skip
                pipe.hset(keys.RQ_JOB + one.id, mapping=fields)
                result = {
                    "type": 2, "worker_name": f"worker-{one.id[:8]}",
                    "exc_string": base64.b64encode(zlib.compress(text(one.kind, one.id).encode())),
                    "execution_id": one.id, "execution_started_at": one.at, "execution_ended_at": one.at,
                }  # fmt: skip
                pipe.xadd(f"rq:results:{one.id}", result, id=f"{int(one.at * 1000)}-0")
                pipe.zadd(keys.RQ_FAILED + one.queue, {one.id: int(one.at) + YEAR})
            pipe.execute()


def remove(redis: Redis, made: Iterable[Made]) -> None:
    """Take these out of their registries, as requeuing does."""
    with redis.pipeline(transaction=False) as pipe:
        for one in made:
            pipe.zrem(keys.RQ_FAILED + one.queue, one.id)
        pipe.execute()


def counts(made: Iterable[Made]) -> list[int]:
    """How many there are of each kind, the most first."""
    return sorted(Counter(one.kind for one in made).values(), reverse=True)
