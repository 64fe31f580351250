"""What somebody who may write to Redis and means harm leaves there: payloads that execute, that grow, that steer a terminal."""

from __future__ import annotations

import json
import pickle
import time
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis import Redis

import jobs
from jobs import keys
from jobs.schedules import schedule_id
from jobs.users import User

EVIL: Final = (
    "\x1b[31mTQ-ANSI\x1b]52;c;VFEtT1NDNTI=\x07\x1b]0;TQ-TITLE\x07\x9b5mTQ-C1\x9d0;TQ-C1-TITLE\x9c\u202eTQ-BIDI\u2066"
    "[/x][red]TQ-MARKUP[/red][@click=app.quit]TQ-CLICK[/]\r\n\x08\x00\x7f\x1bPTQ-DCS\x1b\\ {x!r} %s"
)
"""A text of all that a terminal or a widget might obey: colours, the clipboard (OSC 52), the title (OSC 0), the same in C1
controls, bidirectional overrides, markup, and device control."""

MARKERS: Final = (
    b"\x1b[31mTQ-ANSI", b"\x1b]52;c;VFEt", b"\x1b]0;TQ-TITLE", b"\x1bPTQ-DCS", b"\x9b5mTQ-C1", b"\xc2\x9b5mTQ-C1",
    b"\xc2\x9d0;TQ-C1", "\u202eTQ-BIDI".encode(),
)  # fmt: skip
"""Bytes of EVIL that must never reach a terminal. What stands after each sign does reach it, behind a visible one."""

HUGE: Final = 70 << 20
"""Bytes of a field that nobody may fetch: more than a whole console takes."""

MULTIPLIED_CALLS: Final = b"\x80\x04ca\nb\n" + b"2\x85R" * 60 + b"."
MULTIPLIED_STATES: Final = b"\x80\x04N\x94" + b"".join(b"ca\nb\nh%c\x85Rh%cb\x94" % (n, n) for n in range(60)) + b"."
"""Pickles of sixty objects, each with the one before as its maker and its argument, or as its argument and its state: there are
2⁶⁰ of them when they are written out."""

PERIODS: Final = (10**400, -5, 0)
"""Seconds that are no period, or one that no duration can say."""

QUEUE: Final = f"q{EVIL}"
WORKER: Final = f"w{EVIL}"
USER: Final = f"u{EVIL}"


@dataclass(frozen=True)
class Hostile:
    """Ids of hostile jobs by what is wrong with them, and the file that exists once something has executed."""

    jobs: Mapping[str, bytes]
    canary: Path

    @property
    def executed(self) -> bool:
        """Whether anything of what was written has been executed."""
        return self.canary.exists()


class Executes:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.file, "executed"))


def build(redis: Redis, canary: Path) -> Hostile:
    """Write the corpus raw, into an empty server: jobs in every list of a hostile queue, workers, users and schedules."""
    made = {}
    for name, fields in _hashes(canary).items():
        job = f"{name} {EVIL}".encode()
        made[name] = job
        redis.hset(b"rq:job:" + job, mapping=_plain_fields() | fields)
    _list(redis, list(made.values()))
    _results(redis, made, canary)
    _huge(redis, made)
    _ours(redis, made)
    _workers(redis, made["executes"])
    _schedules(redis)
    for name in ("a list for a hash", "a text for a list"):
        made[name] = name.encode()
    redis.rpush("rq:job:a list for a hash", "x")
    redis.hset("rq:job:a text for a list", mapping=_plain_fields())
    for key in (
        "rq:results:{}",
        "rq:executions:{}",
        "rq:job:{}:dependents",
        "rq:job::{}:dependencies",
        "tq:attempts:{}",
        "tq:log:{}",
    ):
        redis.set(key.format("a text for a list"), EVIL)
    return Hostile(made, canary)


def _plain_fields() -> dict[str, Any]:
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    return {
        "status": "queued", "origin": QUEUE, "created_at": at, "enqueued_at": at, "description": EVIL, "worker_name": WORKER,
        "data": _call(EVIL), "meta": pickle.dumps({"user": USER, "task": EVIL, "tier": EVIL, EVIL: EVIL}),
    }  # fmt: skip


def _call(*arguments: Any, function: str = EVIL) -> bytes:
    return zlib.compress(pickle.dumps((function, None, arguments, {EVIL: EVIL})))


def _hashes(canary: Path) -> dict[str, dict[str, Any]]:
    """Fields of the job hashes, by what is wrong with them."""
    inside: list[Any] = []
    inside.append(inside)
    lists: Any = ["x"] * 10
    for _ in range(12):
        lists = [lists] * 10
    executes = pickle.dumps(Executes(canary))
    return {
        "executes": {"data": _call(Executes(canary)), "meta": executes, "result": executes},
        "executes, not compressed": {"data": pickle.dumps(Executes(canary), 0), "meta": pickle.dumps(Executes(canary), 2)},
        "nested": {"data": zlib.compress(b"\x80\x04" + b")" + b"\x85" * 100_000 + b"."), "meta": b"[" * 100_000},
        "nested, nearly": {"data": zlib.compress(b"\x80\x04X\x01\x00\x00\x00fN)" + b"\x85" * 40_000 + b"}t.")},
        "recursive": {"data": _call(inside), "meta": pickle.dumps(inside)},
        "multiplied": {"data": _call(lists), "meta": pickle.dumps(lists)},
        "multiplied calls": {"data": zlib.compress(MULTIPLIED_CALLS), "meta": MULTIPLIED_STATES},
        "bomb": {"data": bomb(1 << 30), "exc_info": bomb(1 << 30)},
        "digits": {"data": _call(10**100_000), "meta": f"L{'9' * 100_000}L\n.".encode()},
        "digits in JSON": {"data": f'["{"f"}", null, [{"9" * 100_000}], {{}}]'.encode()},
        "lies about lengths": {"data": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x0fx.", "meta": b"\x80\x04Nr\xff\xff\xff\x7f."},
        "garbage": {"data": bytes(range(256)), "meta": b"\xff" * 100},
        "texts": dict.fromkeys(_TEXTS, EVIL),
        "no UTF-8": dict.fromkeys(("description", "origin", "worker_name", "status"), b"\xff\x1b]0;TQ-TITLE\x07\xfe"),
        "dates": dict.fromkeys(("created_at", "enqueued_at", "started_at", "ended_at"), "9999-99-99T99:99:99Z"),
        "numbers": dict.fromkeys(("timeout", "ttl", "retries_left", "number_of_retries"), "9" * 5_000),
        "nothing": {"data": b"", "meta": b"", "status": b"", "description": b""},
        "huge": {},
    }  # fmt: skip


_TEXTS: Final = (
    "status", "worker_name", "timeout", "ttl", "result_ttl", "failure_ttl", "retry_intervals", "repeat_intervals",
    "rate_limit_key", "group_id", "dependency_id", "dependency_ids", "success_callback_name", "failure_callback_name",
    "stopped_callback_name", "webhooks", "result", "exc_info", "enqueue_at_front", "created_at", "started_at", "ended_at",
    "last_heartbeat", "retries_left",
)  # fmt: skip


def bomb(size: int) -> bytes:
    """A zlib stream of `size` zeros (a multiple of a megabyte), a thousandth of that long, made without making them."""
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = machine.compress(bytes(1 << 20)) + machine.flush(zlib.Z_FULL_FLUSH)
    # A megabyte between two full flushes refers to nothing before it, so it may be said again (RFC 1951); RFC 1950 frames it.
    return b"\x78\xda" + block * (size >> 20) + b"\x03\x00" + ((size % 65_521) << 16 | 1).to_bytes(4, "big")


def _list(redis: Redis, ids: list[bytes]) -> None:
    now = time.time()
    redis.sadd("rq:queues", f"rq:queue:{QUEUE}", EVIL)
    redis.rpush(f"rq:queue:{QUEUE}", *ids, f"no hash {EVIL}")
    redis.rpush("rq:queue:default", *ids)
    scores = dict.fromkeys(ids, now + 3_600)
    for registry in ("finished", "failed", "deferred", "ready", "scheduled", "canceled"):
        redis.zadd(f"rq:{registry}:{QUEUE}", scores)
        redis.zadd(f"rq:{registry}:default", scores)
    redis.zadd(f"rq:wip:{QUEUE}", {job + b":" + EVIL.encode(): now + 90 for job in ids})
    redis.zadd("rq:finished:" + QUEUE, {"for ever": float("inf"), "never": -1})
    redis.sadd("rq:rl-keys", EVIL)
    redis.zadd(f"rq:rl:{EVIL}:rate_limited", scores)
    redis.sadd("rq:groups", EVIL)
    redis.sadd(f"rq:group:{EVIL}", *ids)


def _results(redis: Redis, made: Mapping[str, bytes], canary: Path) -> None:
    executes = b64encode(pickle.dumps(Executes(canary)))
    for name, job in made.items():
        trace = f'Traceback (most recent call last):\n  File "{EVIL}", line 1, in {EVIL}\nValueError: {EVIL}'
        redis.xadd(b"rq:results:" + job, {"type": "1", "worker_name": WORKER, "return_value": executes})
        redis.xadd(b"rq:results:" + job, {"type": EVIL, "return_value": EVIL, "exc_string": EVIL})
        packed = bomb(1 << 30) if name == "bomb" else zlib.compress(trace.encode())
        redis.xadd(b"rq:results:" + job, {"type": "2", "worker_name": WORKER, "exc_string": b64encode(packed)})
        redis.zadd(b"rq:executions:" + job, {EVIL: time.time() + 150})
        others = [other for other in made.values() if other != job]
        redis.sadd(b"rq:job:" + job + b":dependents", *others)
        redis.sadd(b"rq:job::" + job + b":dependencies", *others)


def _huge(redis: Redis, made: Mapping[str, bytes]) -> None:
    job, much = made["huge"], b"x" * HUGE
    redis.hset(b"rq:job:" + job, mapping={"description": much, "timeout": much})
    redis.xadd(b"rq:results:" + job, {"exc_string": much})
    redis.sadd(b"rq:job:" + job + b":dependents", much)


def _ours(redis: Redis, made: Mapping[str, bytes]) -> None:
    """Attempts, progress and log lines under the job layer's keys."""
    record = {
        "started": EVIL,
        "ended": 1e300,
        "worker": WORKER,
        "outcome": EVIL,
        "error": EVIL,
        "traceback": EVIL,
        "retry": EVIL,
    }
    for name in ("executes", "texts"):
        job = made[name]
        progress = json.dumps({"fraction": 0.5, "message": EVIL, "at": EVIL})
        attempts = {
            "n": "9" * 30,
            "1": json.dumps(record),
            "2": "[" * 50_000,
            "x" * 99: EVIL,
            "9" * 5_000: "{}",
            "progress": progress,
        }
        redis.hset(keys.ATTEMPTS.encode() + job, mapping=attempts)
        redis.rpush(keys.LOG.encode() + job, json.dumps({"at": EVIL, "attempt": EVIL, "message": EVIL}), EVIL, "[" * 50_000)


def _workers(redis: Redis, job: bytes) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    redis.sadd("rq:workers", f"rq:worker:{WORKER}", "rq:worker:wrong", EVIL)
    redis.hset(
        f"rq:worker:{WORKER}",
        mapping={
            "birth": at, "last_heartbeat": at, "queues": f"{QUEUE},{EVIL}", "hostname": EVIL, "state": "busy", "pid": EVIL,
            "version": EVIL, "python_version": EVIL, "ip_address": EVIL, "current_job": job, "successful_job_count": EVIL,
            "total_working_time": "nan", "failed_job_count": "9" * 5_000,
        },
    )  # fmt: skip
    redis.sadd(f"rq:worker:{WORKER}:executions", job + b":" + EVIL.encode())
    redis.set("rq:worker:wrong", EVIL)
    redis.hset(f"rq:scheduler:{EVIL}", mapping=dict.fromkeys(("name", "hostname", "queues", "pid", "last_heartbeat"), EVIL))
    redis.set(f"rq:scheduler-lock:{QUEUE}", EVIL)
    redis.zadd("rq:cron_schedulers", {EVIL: time.time()})
    cron: list[dict[str, Any]] = [
        {"func_name": EVIL, "queue_name": QUEUE, "cron": EVIL, "args": [EVIL], "kwargs": {EVIL: EVIL}, "interval": EVIL}
    ]
    cron += [{"name": f"period {n}", "interval": period} for n, period in enumerate(PERIODS)]
    redis.hset(f"rq:cron_scheduler:{EVIL}", mapping={"hostname": EVIL, "name": EVIL, "cron_jobs": json.dumps(cron)})
    redis.zadd("rq:cron_jobs", {EVIL: time.time()})


def _schedules(redis: Redis) -> None:
    """A user and a schedule as the job layer writes them, copied under hostile names."""
    jobs.set_user(redis, User("ada", "free"), ["scrape"])
    one, other = schedule_id("ada", "scrape"), schedule_id(USER, "scrape")
    user, definition = redis.hgetall(keys.USER + "ada"), redis.hgetall(keys.SCHEDULE + one)
    redis.zadd(keys.USERS, {USER: 0})
    redis.hset(keys.USER + USER, mapping=user | {b"zone": EVIL, b"webhook": EVIL, b"sources": json.dumps([EVIL])})
    redis.zadd(keys.SCHEDULES, {f"{USER}\0scrape": 0, EVIL: 0})
    evil = {
        b"user": USER,
        b"note": EVIL,
        b"by": EVIL,
        b"paused": "1",
        b"tier": EVIL,
        b"lane": QUEUE,
        b"skip:" + EVIL.encode(): "1",
    }
    redis.hset(keys.SCHEDULE + other, mapping=definition | evil)
    redis.sadd(keys.PAUSED, other)
    redis.hset(keys.RUNS + other, mapping={EVIL: f"{EVIL};{EVIL};1;2;3;4", "1": f"slot;failed;{int(time.time())};;{EVIL};1"})
    redis.zadd(keys.ENTRIES, {other: time.time() + 60, EVIL: time.time() + 60})
    redis.hset(keys.RQ_JOB + EVIL, mapping=_plain_fields() | {"status": "scheduled"})
    for n, period in enumerate(PERIODS):
        job = f"period {n}"
        fields = {"repeats_left": "3", "repeat_intervals": json.dumps([period]), "meta": pickle.dumps({"interval": period})}
        redis.hset(keys.RQ_JOB + job, mapping=_plain_fields() | {"status": "scheduled"} | fields)
        redis.zadd(keys.ENTRIES, {job: time.time() + 60})
        redis.zadd(f"rq:scheduled:{QUEUE}", {job: time.time() + 60})
