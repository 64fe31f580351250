"""`undo`, `delete`, `empty`, the other commands on jobs, and those on workers, as an operator gives them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry

from console.cli import run
from jobs import keys
from jobs.registering import set_schedule, set_user
from jobs.users import User
from tests.conftest import Server, Stock, until
from tests.contents import contents

Say = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line; its exit status and what it wrote to both streams."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(list(arguments))
        return status, *capsys.readouterr()

    return call


def done(said: tuple[int, str, str]) -> str:
    """The first line that a command said of what it did."""
    assert (said[0], said[2]) == (0, ""), said
    return said[1].splitlines()[0]


def waiting(redis: Redis, queue: str = "low") -> list[str]:
    return [job.decode() for job in redis.lrange(f"rq:queue:{queue}", 0, -1)]


def enqueued(redis: Redis, *names: str, **options: object) -> None:
    for name in names:
        Queue("low", connection=redis).enqueue("operator.add", 1, 2, job_id=name, **options)


def ours(redis: Redis) -> dict[bytes, object]:
    """All but what operations leave of themselves."""
    return {key: value for key, value in contents(redis).items() if not key.startswith(b"tq:")}


# --- jobs ---------------------------------------------------------------------------------------


def test_what_hangs_on_jobs_is_told_before_they_are_deleted(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "b")
    enqueued(redis, "child", "other", depends_on="a")
    redis.zadd("rq:scheduler:scheduled_jobs", {"b": 1e12})
    status, out, err = say("delete", "a", "b", "--dry-run")
    assert (status, err) == (0, "")
    assert "  1 is the job of an rq-scheduler entry: left alone, or its schedule would end\n" in out
    assert "  1 has jobs that wait for it, 2 in all: left alone, or those would wait for ever\n" in out
    assert "  1 has jobs that wait for it, 2 in all: those then wait for ever\n" in say("cancel", "a", "--dry-run")[1]
    said = json.loads(say("delete", "a", "b", "--dry-run", "--json")[1])
    assert said["ties"] == {"entry": 1, "dependents": 1}
    assert json.loads(say("requeue", "--queue", "low", "--dry-run", "--json")[1])["ties"] == {}


def test_delete_and_undo(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "b", "c")
    before = ours(redis)
    status, out, err = say("delete", "b", "a", "--yes", "--json")
    said = json.loads(out)
    assert (status, err, said["done"], said["undo_until"] is not None) == (0, "", 2, True)
    assert waiting(redis) == ["c"]
    assert not redis.exists("rq:job:a", "rq:job:b")
    assert done(say("undo", said["operation"], "--yes")) == "put back 2"
    assert ours(redis) == before
    status, out, err = say("undo", said["operation"], "--yes")
    assert (status, out) == (1, "")
    assert err == (
        f"nothing that operation {said['operation']} took is in the trash: it was put back, its time is over, or there is no"
        " such operation\n"
    )


def test_empty_and_undo(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "b", "c")
    before = ours(redis)
    status, out, err = say("empty", "low", "--yes")
    assert (status, err, out.splitlines()[0]) == (0, "", "deleted 3")
    assert redis.xrange(keys.ACTIVITY)[0][1][b"command"] == b"empty"
    assert waiting(redis) == []
    command = out.split("undone by: tq-console ")[1].split()
    assert done(say(*command, "--yes")) == "put back 3"
    assert ours(redis) == before


def test_a_queue_that_nothing_names_cannot_be_emptied(redis: Redis, say: Say) -> None:
    status, out, err = say("empty", "nosuch", "--yes")
    assert (status, out) == (1, "")
    assert err == "nothing to be done: there is no queue nosuch; see the names: tq-console status\n"


def test_a_dry_run_of_undo_looks(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "a-name-that-is-longer-than-thirty-two-bytes", "x" * 300)
    operation = json.loads(say("empty", "low", "--yes", "--json")[1])["operation"]
    enqueued(redis, "a-name-that-is-longer-than-thirty-two-bytes", "x" * 300)
    status, out, err = say("undo", operation, "--dry-run")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"Put back 1 thing that operation {operation} took: a",
        "  2 cannot be: there is one of that id again",
    ]
    status, out, _ = say("undo", operation, "--yes")
    assert (status, out.splitlines()[0]) == (1, "put back 1, skipped 2 (exists)")
    status, out, err = say("undo", "nosuch", "--dry-run")
    assert (status, out) == (1, "")
    assert err.startswith("nothing that operation nosuch took is in the trash: ")


def test_a_dry_run_of_the_undo_of_a_schedule_looks_too(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    operation = say("schedules", "remove", "ada", "scrape")[1].split()[-1]
    assert say("undo", operation, "--dry-run")[1].startswith("Put back 1 thing")
    set_user(redis, User("ada", "free"))
    set_schedule(redis, "ada", "scrape")
    assert "1 cannot be: there is one of that id again" in say("undo", operation, "--dry-run")[1]
    assert say("undo", operation, "--yes")[1].startswith("not put back: there is one of that id again")


def test_a_job_that_others_wait_for_is_left_unless_it_is_said(redis: Redis, say: Say) -> None:
    enqueued(redis, "a")
    enqueued(redis, "b", depends_on="a")
    status, out, _ = say("delete", "a", "--yes")
    assert (status, out.splitlines()[0]) == (1, "not deleted: other jobs wait for it, and would wait for ever")
    status, out, err = say("delete", "a", "--with-dependents", "--yes")
    assert (status, out.splitlines()[0]) == (0, "deleted 1")
    assert err == "1 job waits for what was deleted: it waits for ever; tq-console why JOB says more\n"


@pytest.mark.parametrize(
    ("command", "did", "left"),
    [
        (["cancel", "a", "nightly"], "canceled", {b"a": b"canceled", b"nightly": b"canceled"}),
        (["delete", "a", "nightly"], "deleted", {}),
        (["empty", "low"], "deleted", {}),
    ],
)
def test_the_job_of_an_entry_is_kept_unless_with_entry_is_said(
    redis: Redis, say: Say, command: list[str], did: str, left: dict[bytes, bytes]
) -> None:
    enqueued(redis, "a", "nightly")
    redis.zadd(keys.ENTRIES, {"nightly": 1e12})
    assert "1 is the job of an rq-scheduler entry: left alone, or its schedule would end\n" in say(*command, "--dry-run")[1]
    status, out, _ = say(*command, "--yes")
    assert (status, out.splitlines()[0]) == (1, f"{did} 1, skipped 1 (entry)")
    assert (waiting(redis), redis.zscore(keys.ENTRIES, "nightly")) == (["nightly"], 1e12)
    assert "1 is the job of an rq-scheduler entry: the schedule ends with it\n" in say(*command, "--with-entry", "--dry-run")[1]
    assert say(*command, "--with-entry", "--yes")[1].splitlines()[0].startswith(f"{did} 1")
    assert (waiting(redis), redis.zscore(keys.ENTRIES, "nightly")) == ([], None)
    found = {job: redis.hget(b"rq:job:" + job, "status") for job in (b"a", b"nightly")}
    assert {job: status for job, status in found.items() if status} == left


def test_who_waits_for_ever_for_what_is_canceled_is_told(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "free")
    enqueued(redis, "b", "c", depends_on="a")
    status, out, err = say("cancel", "a", "free", "--yes")
    assert (status, out.splitlines()[0]) == (0, "canceled 2")
    assert err == "2 jobs wait for what was canceled: they wait for ever; tq-console why JOB says more\n"


def test_who_waits_is_told_of_a_whole_list_too(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "free")
    enqueued(redis, "b", depends_on="a")
    said = json.loads(say("cancel", "--queue", "low", "--state", "queued", "--yes", "--json")[1])
    assert (said["done"], said["waiting"]) == (2, 1)


@pytest.mark.parametrize("gone", ["cancel", "delete"])
def test_the_way_out_for_who_waits_for_ever_leads_out(redis: Redis, stock: Stock, say: Say, gone: str) -> None:
    enqueued(redis, "a")
    enqueued(redis, "b", depends_on="a")
    say(gone, "a", *(["--with-dependents"] if gone == "delete" else []), "--yes")
    [reason] = json.loads(say("why", "b", "--json")[1])["reasons"]
    cancel, again = re.findall(r"tq-console ([\w-]+ b)\b", reason["remedy"])
    assert done(say(*cancel.split(), "--yes")) == "canceled 1"
    made = json.loads(say(*again.split(), "--yes", "--json")[1])["made"][0]["new"]
    assert stock.worker("--burst", "low").wait(60) == 0
    assert Job.fetch(made, redis).get_status() == "finished"


def test_cancel(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "b")
    assert done(say("cancel", "--queue", "low", "--state", "queued", "--yes")) == "canceled 2"
    assert Job.fetch("a", redis).get_status() == "canceled"


def test_move(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "b", "c")
    redis.sadd("rq:queues", "rq:queue:high")
    unserved = "no worker listens on high: what is moved there waits until one does\n"
    status, out, err = say("move", "a", "c", "--to", "high", "--yes")
    assert (status, out.splitlines()[0], err) == (0, "moved 2", unserved)
    assert (waiting(redis), waiting(redis, "high")) == (["b"], ["a", "c"])
    assert say("move", "--queue", "high", "--to", "low", "--yes")[1].splitlines()[0] == "moved 2"
    assert waiting(redis) == ["b", "a", "c"]


def test_a_move_to_where_nobody_works_is_told_of(redis: Redis, stock: Stock, say: Say) -> None:
    enqueued(redis, "a")
    told = "there is no queue hgih yet, and no worker listens on it: what is moved there waits for one"
    said = say("move", "a", "--to", "hgih", "--dry-run")[1]
    assert f"  {told}\n" in said
    assert "  What is queued comes to the end of that queue, and counts as waiting from then on.\n" in said
    assert json.loads(say("move", "a", "--to", "hgih", "--dry-run", "--json")[1])["warnings"] == [told]
    stock.worker("--name", "w-1", "high")
    until(lambda: redis.hget("rq:worker:w-1", "state") == b"idle", what="the worker is there")
    assert json.loads(say("move", "a", "--to", "high", "--dry-run", "--json")[1])["warnings"] == []


@pytest.mark.parametrize("name", ["", " low", "a,b", "\x1b[31m", "\udcff"])
def test_a_name_that_no_queue_should_have_is_wrong_usage(redis: Redis, say: Say, name: str) -> None:
    enqueued(redis, "a")
    status, out, err = say("move", "a", "--to", name, "--yes")
    assert (status, out) == (2, "")
    assert err.startswith("tq-console: Invalid value for '--to'")
    assert err[:-1].isprintable()
    assert waiting(redis) == ["a"]
    assert not redis.exists(keys.ACTIVITY)


def test_to_front(redis: Redis, say: Say) -> None:
    enqueued(redis, "a", "b", "c")
    assert done(say("to-front", "c", "b", "--yes")) == "moved to the front 2"
    assert waiting(redis) == ["c", "b", "a"]


def test_retry_now_and_reschedule(redis: Redis, stock: Stock, say: Say) -> None:
    low = Queue("low", connection=redis)
    low.enqueue("operator.truediv", 1, 0, job_id="tried", retry=Retry(1, 600))
    low.enqueue_in(timedelta(hours=1), "operator.add", 1, 2, job_id="later")
    assert stock.worker("--burst", "low").wait(60) == 0
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    assert done(say("reschedule", "later", "--due", tomorrow.isoformat(), "--yes")) == "rescheduled 1"
    assert redis.zscore("rq:scheduled:low", "later") == tomorrow.timestamp()
    assert done(say("retry-now", "--queue", "low", "--yes")) == "queued 1"
    assert (waiting(redis), redis.zrange("rq:scheduled:low", 0, -1)) == (["tried"], [b"later"])
    assert say("reschedule", "later", "--due", "now", "--yes")[2] == ""
    status, out, err = say("reschedule", "later", "--due", "2020-01-01T00:00Z", "--yes")
    assert (status, out.splitlines()[0], err) == (0, "rescheduled 1", "that instant is past: what is due then is due at once\n")
    status, _, err = say("reschedule", "later", "--due", "soon", "--yes")
    assert (status, "soon: write now, in 10m, " in err) == (2, True)


def test_run_again_tells_the_new_ids(redis: Redis, stock: Stock, say: Say) -> None:
    enqueued(redis, "a")
    assert stock.worker("--burst", "low").wait(60) == 0
    status, out, _ = say("run-again", "a", "--yes", "--json")
    [made] = json.loads(out)["made"]
    assert (status, made["id"], waiting(redis)) == (0, "a", [made["new"]])
    status, out, _ = say("run-again", "a", "--yes")
    assert out.splitlines()[1] == f"a runs again as {waiting(redis)[1]}"


@pytest.mark.parametrize(("command", "job"), [("requeue", "failed"), ("retry-now", "later"), ("run-again", "failed")])
def test_of_what_runs_then_a_few_may_be_tried_first(redis: Redis, say: Say, command: str, job: str) -> None:
    low = Queue("low", connection=redis)
    low.enqueue_in(timedelta(hours=1), "operator.add", 1, 2, job_id="later")
    failed = low.enqueue("operator.truediv", 1, 0, job_id="failed")
    low.remove(failed)
    failed.set_status(JobStatus.FAILED)
    FailedJobRegistry(queue=low).add(failed, ttl=600)
    status, out, _ = say(command, job, "--canary", "3", "--rate", "5", "--stop-above", "0", "--dry-run", "--json")
    assert (status, json.loads(out)["canary"]) == (0, {"first": 3, "rate": 5.0, "stop_above": 0.0})
    assert json.loads(say(command, job, "--canary", "3", "--dry-run", "--json")[1])["canary"]["rate"] == 50.0
    for alone in ("--rate", "--stop-above"):
        status, out, err = say(command, job, alone, "5", "--yes")
        assert (status, out) == (2, "")
        assert "give --canary too" in err


# --- workers ------------------------------------------------------------------------------------


@pytest.fixture
def busy(redis: Redis, stock: Stock) -> Job:
    """A job that runs for minutes, on the worker w-1."""
    job = Queue("low", connection=redis).enqueue("tests.catalogue_tasks.dawdle", 300, job_id="long")
    stock.worker("--name", "w-1", "low", PYTHONPATH=str(ROOT))
    until(lambda: job.get_status() == "started" and redis.hget("rq:worker:w-1", "state") == b"busy", what="the job runs")
    return job


def test_stop(busy: Job, say: Say) -> None:
    assert done(say("stop", "long", "--yes")) == "stopped 1"
    assert busy.get_status() == "stopped"


def test_stop_job_of_a_worker(busy: Job, say: Say) -> None:
    status, out, err = say("worker", "stop-job", "w-1", "nobody", "--yes")
    assert (status, out.splitlines()[0]) == (1, "stopped 1, skipped 1 (gone)")
    assert "w-1: long is stopped" in out
    assert err == "nobody: there is no such worker\n"
    assert busy.get_status() == "stopped"


def test_kill_horse(busy: Job, say: Say) -> None:
    assert say("worker", "kill-horse", "w-1", "--dry-run")[1] == (
        "Kill the work-horse of worker w-1\n  The job ends where it is, with nothing cleaned up: it fails, or is tried again.\n"
        "  w-1 runs long\n"
    )
    assert done(say("worker", "kill-horse", "w-1", "--yes")) == "killed 1"
    assert busy.get_status() == "failed"


def test_shutdown(redis: Redis, stock: Stock, say: Say) -> None:
    process = stock.worker("--name", "w-1", "low")
    until(lambda: redis.hget("rq:worker:w-1", "state") == b"idle", what="the worker is there")
    assert done(say("worker", "shutdown", "w-1", "--yes")) == "shut down 1"
    assert process.wait(30) == 0


def test_suspend_and_resume(redis: Redis, say: Say) -> None:
    status, out, err = say("suspend", "--for", "90", "--yes")
    assert (status, out.splitlines()[:2], err) == (0, ["suspended all workers", "all workers: 0 workers suspended"], "")
    assert 0 < redis.ttl("rq:suspended") <= 90
    assert done(say("resume", "--yes")) == "resumed all workers"
    assert not redis.exists("rq:suspended")
    assert done(say("resume", "--yes")) == "nothing changed: all workers are not suspended"
    assert [fields[b"command"] for _, fields in redis.xrange(keys.ACTIVITY) if b"command" in fields][1:] == [b"resume"] * 2
    assert done(say("suspend", "--yes")) == "suspended all workers"
    assert done(say("suspend", "--yes")) == "nothing changed: all workers are suspended already"
    assert say("suspend", "--for", "0", "--yes")[0] == 2


def test_what_is_asked_on_the_whole_installation(redis: Redis, say: Say) -> None:
    assert say("suspend", "--for", "10m", "--dry-run")[1] == (
        "Suspend all workers for 10 min\n  They end the jobs that they run, and take no others: what is enqueued waits.\n"
    )
    assert not redis.exists("rq:suspended")


def test_yes_stands_also_for_the_name_of_a_production_context(
    redis: Redis, say: Say, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = tmp_path / "contexts.toml"
    contexts.write_text(f'[prod]\nurl = "{server.url}"\nproduction = true\n')
    monkeypatch.setenv("TQ_CONTEXTS", str(contexts))
    # The context puts it there, and it is to be gone after the test.
    monkeypatch.setenv("RQ_KEY_PREFIX", "rq")
    enqueued(redis, "a")
    assert done(say("--context", "prod", "delete", "a", "--yes")) == "deleted 1"
    assert "nor for the name of a production context" in " ".join(say("delete", "--help")[1].split())
