"""Commands on jobs as an operator or a program gives them: what is chosen, asked, done and told. Shown on requeue."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Repeat
from rq.job import Job

from console.cli import run
from console.model.bulk import BATCH
from tests.conftest import BIN, Server, Stock, until
from tests.console.terminal import on_a_terminal
from tests.contents import contents

Say = Callable[..., tuple[int, str, str]]

FAILED = ("low-1", "low-2", "high-1")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line; its exit status and what it wrote to both streams."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(list(arguments))
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def jobs(redis: Redis, stock: Stock) -> dict[str, Job]:
    """Three that failed, one that finished, one that waits."""
    low, high = Queue("low", connection=redis), Queue("high", connection=redis)
    made = [
        low.enqueue("json.loads", "no JSON", job_id="low-1", meta={"user": "ada"}),
        low.enqueue("operator.truediv", 1, 0, job_id="low-2", meta={"user": "bob"}),
        high.enqueue("operator.truediv", 1, 0, job_id="high-1"),
        low.enqueue("operator.add", 1, 2, job_id="done"),
    ]
    assert stock.worker("--burst", "high", "low").wait(60) == 0
    made.append(low.enqueue("operator.add", 1, 2, job_id="waits"))
    return {job.id: job for job in made}


def waiting(redis: Redis, queue: str = "low") -> list[str]:
    return [job.decode() for job in redis.lrange(f"rq:queue:{queue}", 0, -1)]


def failed(redis: Redis, queue: str = "low") -> set[str]:
    return {job.decode() for job in redis.zrange(f"rq:failed:{queue}", 0, -1)}


# --- what is chosen -----------------------------------------------------------------------------


def test_ids_are_requeued_each_as_it_is_seen(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    status, out, err = say("requeue", "low-2", "done", "no-such-job", "waits", "low-1", "low-2", "--yes")
    assert (status, out.splitlines()[0]) == (1, "requeued 2, skipped 3 (2 state, 1 gone)")
    assert sorted(err.splitlines()) == [
        "done: it is finished",
        "no-such-job: there is no such job",
        "waits: it is queued",
    ]
    assert (waiting(redis), failed(redis)) == (["waits", "low-2", "low-1"], set())


def test_ids_come_from_standard_input(redis: Redis, jobs: dict[str, Job], say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"low-1 \n\n  high-1\tlow-2\r\n")))
    assert say("requeue", "-", "--yes")[0] == 0
    assert (waiting(redis), waiting(redis, "high")) == (["waits", "low-1", "low-2"], ["high-1"])


def test_a_whole_list(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    status, out, err = say("requeue", "--queue", "low", "--yes")
    assert (status, out.splitlines()[0], err) == (0, "requeued 2", "")
    assert (set(waiting(redis)), failed(redis), failed(redis, "high")) == ({"waits", "low-1", "low-2"}, set(), {"high-1"})


@pytest.mark.parametrize(("to_front", "expected"), [([], ["waits", *range(700)]), (["--to-front"], [*range(700), "waits"])])
def test_what_failed_first_is_first_in_the_queue_again(
    redis: Redis, jobs: dict[str, Job], say: Say, to_front: list[str], expected: list[object]
) -> None:
    redis.zrem("rq:failed:low", "low-1", "low-2")
    many(redis, 700)
    assert say("requeue", "--queue", "low", "--yes", *to_front)[0] == 0
    assert waiting(redis) == [one if isinstance(one, str) else f"many-{one:06}" for one in expected]


def test_ids_come_to_the_front_in_the_order_given(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    assert say("requeue", "low-2", "low-1", "--to-front", "--yes")[0] == 0
    assert waiting(redis) == ["low-2", "low-1", "waits"]


@pytest.mark.parametrize("chosen", [["--filter", "user:ada"], ["--state", "failed", "--filter", "error:JSONDecode"]])
def test_what_a_filter_wants(redis: Redis, jobs: dict[str, Job], say: Say, chosen: list[str]) -> None:
    status, out, _ = say("requeue", *chosen, "--yes")
    assert (status, out.splitlines()[0]) == (0, "requeued 1")
    assert failed(redis) == {"low-2"}


def grouped(say: Say) -> dict[str, str]:
    """The fingerprint of each group, by its exception."""
    return {one["exception"]: one["fingerprint"] for one in json.loads(say("failures", "--json")[1])["groups"]}


def test_all_of_a_group(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    group = grouped(say)["ZeroDivisionError"]
    status, out, _ = say("requeue", "--group", group, "--dry-run")
    assert (status, out.splitlines()[0]) == (0, f"Requeue 2 failed or stopped jobs of the group {group}")
    status, out, err = say("requeue", "--group", group.upper(), "--yes")
    assert (status, out.splitlines()[0], err) == (0, "requeued 2", "")
    assert (failed(redis), failed(redis, "high")) == ({"low-1"}, set())
    assert (waiting(redis), waiting(redis, "high")) == (["waits", "low-2"], ["high-1"])


@pytest.mark.parametrize("narrowed", [["--queue", "low"], ["--filter", "queue:low"], ["--filter", "user:bob"]])
def test_some_of_a_group(redis: Redis, jobs: dict[str, Job], say: Say, narrowed: list[str]) -> None:
    group = grouped(say)["ZeroDivisionError"]
    status, out, _ = say("delete", "--group", group, *narrowed, "--yes")
    assert (status, out.splitlines()[0]) == (0, "deleted 1")
    assert (failed(redis), failed(redis, "high")) == ({"low-1"}, {"high-1"})


def test_a_group_in_which_nothing_is(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    status, out, err = say("requeue", "--group", "0" * 12, "--yes")
    assert (status, out) == (0, "")
    assert err == f"nothing to be done: there is no failed or stopped job of the group {'0' * 12}\n"
    assert failed(redis) == {"low-1", "low-2"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["requeue", "--group", "everything"], "everything is no group"),
        (["requeue", "--group", "0" * 12, "--state", "failed"], "give --group without --state"),
        (["requeue", "--group", "0" * 12, "a-job"], "give ids, or else --queue, --state, --group and --filter"),
        (["cancel", "--group", "0" * 12], "not for failed ones"),
    ],
)
def test_a_group_that_is_not_meant_so(redis: Redis, say: Say, arguments: list[str], said: str) -> None:
    status, out, err = say(*arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_options_of_the_command_arrive(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    redis.hset("rq:job:low-1", mapping={"retry_intervals": "[1, 2, 3]", "retries_left": 0})
    assert say("requeue", "low-1", "--fresh-retries", "--to-front", "--yes")[0] == 0
    assert (waiting(redis), redis.hget("rq:job:low-1", "retries_left")) == (["low-1", "waits"], b"3")


def test_ids_of_any_bytes(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    odd = b"\xff\x1b[2J"
    redis.hset(b"rq:job:" + odd, mapping=redis.hgetall("rq:job:low-1"))
    redis.zadd("rq:failed:low", {odd: 1e12})
    assert say("requeue", os.fsdecode(odd), "--yes")[0] == 0
    assert redis.lrange("rq:queue:low", 1, 1) == [odd]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "say which jobs: their ids, - for ids on standard input, or --queue, --state, --group, --filter"),
        (["low-1", "--queue", "low"], "give ids, or else --queue, --state, --group and --filter"),
        (["-", "low-1"], "- reads ids on standard input; give no others beside it"),
        (["--state", "queued"], "requeue is for jobs that are failed, stopped, not for queued ones"),
        (["--filter", "state:finished"], "requeue is for jobs that are failed, stopped, not for finished ones"),
        (["low-1", "--rate", "5"], "give --canary too"),
        (["low-1", "--canary", "1", "--stop-above", "120"], "120 is no share from 0 to 100 per cent"),
        (["low-1", "--canary", "1", "--rate", "nan"], "nan is no number of jobs a second"),
        (["low-1"], "requeue changes something: add --yes to do it, or --dry-run to see what it is done to"),
    ],
)
def test_wrong_usage_is_one_line_and_does_nothing(
    redis: Redis, jobs: dict[str, Job], say: Say, arguments: list[str], reason: str
) -> None:
    before = contents(redis)
    status, out, err = say("requeue", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert reason in err
    assert contents(redis) == before


def test_a_state_must_be_said_where_several_would_do(redis: Redis, say: Say) -> None:
    status, _, err = say("delete", "--queue", "low", "--yes")
    assert (status, "say in which state, with --state: queued, " in err) == (2, True)


# --- what is told -------------------------------------------------------------------------------


def test_a_dry_run_tells_what_it_would_be_done_to_and_does_nothing(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    before = contents(redis)
    status, out, err = say("requeue", "low-1", "low-2", "done", "--dry-run")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "Requeue 2 jobs"
    told = [" ".join(line.split()) for line in out.splitlines()]
    assert "function json.loads 1, operator.truediv 1" in told
    assert "user ada 1, bob 1" in told
    assert "1 cannot be: requeue is for jobs that are failed, stopped" in told
    status, out, _ = say("requeue", "--queue", "low", "--dry-run", "--json")
    said = json.loads(out)
    assert (status, said["dry_run"], said["matched"], said["would"]) == (0, True, 2, 2)
    assert said["by"]["user"] == {"ada": 1, "bob": 1}
    assert contents(redis) == before


def test_json_has_the_promised_fields(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    redis.delete("rq:job:low-2")
    status, out, err = say("requeue", "--state", "failed", "--yes", "--reason", "the far end is back", "--json")
    said = json.loads(out)
    assert status == 1
    assert said.pop("operation")
    assert said == {
        "matched": 3, "done": 2, "sent": 0, "skipped": {"gone": 1}, "failed": {}, "undo_until": None,
        "not_done": [{"id": "low-2", "reason": "gone", "said": None}], "made": [], "untouched": 0, "how": "done", "said": None,
        "waiting": 0, "warnings": [],
    }  # fmt: skip
    assert err == "low-2: it is no longer there\n"


@pytest.mark.parametrize(
    ("chosen", "scope"),
    [(["low-2"], "job low-2"), (["--queue", "high"], "1 failed or stopped job of the queue high: high-1")],
)
def test_a_single_job_is_named(redis: Redis, jobs: dict[str, Job], say: Say, chosen: list[str], scope: str) -> None:
    assert say("requeue", *chosen, "--dry-run")[1].splitlines()[0] == f"Requeue {scope}"
    say("requeue", *chosen, "--yes")
    assert redis.xrange("tq:activity")[0][1][b"scope"].decode() == scope
    [said] = json.loads(say("activity", "--json")[1])["operations"]
    assert said["scope"] == scope


def test_it_is_in_the_audit(
    redis: Redis, jobs: dict[str, Job], say: Say, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setenv("TQ_OPERATOR", "ann")
    say("requeue", "--queue", "low", "--to-front", "--yes", "--reason", "the far end is back")
    begun, ended = (fields for _, fields in redis.xrange("tq:activity"))
    expected = {
        b"event": b"begun", b"who": b"ann", b"command": b"requeue", b"options": b"at_front",
        b"scope": b"2 failed or stopped jobs of the queue low", b"matched": b"2", b"why": b"the far end is back",
        b"target": server.url.encode(),
    }  # fmt: skip
    assert begun.items() >= expected.items()
    assert (ended[b"event"], ended[b"how"], ended[b"done"]) == (b"ended", b"done", b"2")
    assert ended[b"operation"] == begun[b"operation"]


@pytest.mark.parametrize("chosen", [["--queue", "nosuch"], ["--queue", "nosuch", "--dry-run"], ["--filter", "queue:nosuch"]])
def test_a_queue_that_nothing_names_is_said_to_be_none(redis: Redis, jobs: dict[str, Job], say: Say, chosen: list[str]) -> None:
    status, out, err = say("requeue", *chosen, "--yes")
    assert (status, "there is no queue nosuch; see the names: tq-console status" in out + err) == (1, True)
    status, out, _ = say("requeue", *chosen, "--yes", "--json")
    assert (status, "there is no queue nosuch" in out) == (1, True)


def test_a_job_that_never_was_is_said_to_be_none(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    assert say("requeue", "nosuch", "--yes") == (1, "", "not requeued: nosuch: there is no such job\n")
    assert say("requeue", "waits", "--yes") == (1, "", "not requeued: waits: it is queued\n")
    assert "1 cannot be: there is no such job" in say("requeue", "nosuch", "--dry-run")[1]


def test_no_more_than_some_are_told_one_by_one(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    many(redis, 25)
    status, out, _ = say("run-again", "--queue", "low", "--state", "failed", "--yes")
    runs = [line for line in out.splitlines() if " runs again as " in line]
    assert (status, len(runs), "and 7 more; --json names them all" in out) == (0, 20, True)
    status, _, err = say("requeue", *(f"nosuch-{n}" for n in range(25)), "--yes")
    assert (status, err.count("there is no such job"), "and 5 more; --json names them all" in err) == (1, 20, True)
    made = json.loads(say("run-again", "--queue", "low", "--state", "failed", "--yes", "--json")[1])["made"]
    assert len(made) == 27


def test_a_queue_that_nobody_works_is_told_of_before(redis: Redis, jobs: dict[str, Job], stock: Stock, say: Say) -> None:
    waits = "no worker listens on high, low: what comes there waits until one does"
    assert f"  {waits}\n" in say("requeue", "--state", "failed", "--dry-run")[1]
    assert json.loads(say("requeue", "--state", "failed", "--dry-run", "--json")[1])["warnings"] == [waits]
    stock.worker("--name", "w-1", "high", "low")
    until(lambda: redis.hget("rq:worker:w-1", "state") == b"idle", what="the worker is there")
    assert json.loads(say("requeue", "--state", "failed", "--dry-run", "--json")[1])["warnings"] == []


def test_nothing_to_be_done_is_no_failure(redis: Redis, say: Say) -> None:
    redis.sadd("rq:queues", "rq:queue:low")
    assert say("requeue", "--queue", "low", "--yes") == (
        0, "", "nothing to be done: there is no failed or stopped job of the queue low\n",
    )  # fmt: skip
    assert not redis.exists("tq:activity")


@pytest.mark.parametrize("filtered", [[], ["--filter", "user:mail"]])
def test_a_list_that_cannot_be_read_is_not_told_as_an_empty_one(redis: Redis, say: Say, filtered: list[str]) -> None:
    redis.set("rq:failed:mail", "no list")
    status, out, err = say("requeue", "--queue", "mail", "--yes", *filtered)
    assert (status, out) == (1, "")
    assert err.startswith("nothing to be done: 1 could not be read: rq:failed:mail: WRONGTYPE")


def test_a_server_that_cannot_be_reached_is_one_line(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", "redis://ann:hunter2@127.0.0.1:1/0")
    from jobs import settings

    settings.current.cache_clear()
    status, out, err = say("requeue", "low-1", "--yes")
    assert (status, out, err.count("\n"), "hunter2" in err) == (3, "", 1, False)


@pytest.mark.parametrize("arguments", [["--read-only"], []])
def test_nothing_is_changed_where_everything_is_only_looked_at(
    redis: Redis, jobs: dict[str, Job], say: Say, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    if not arguments:
        monkeypatch.setenv("TQ_READ_ONLY", "1")
    before = contents(redis)
    status, out, err = say(*arguments, "requeue", "low-1", "--yes")
    assert (status, out, "everything is only looked at" in err) == (2, "", True)
    assert contents(redis) == before


# --- on a terminal ------------------------------------------------------------------------------


def console(*arguments: str) -> list[str]:
    return [str(BIN / "tq-console"), *arguments]


def test_on_a_terminal_it_asks_and_no_is_no(redis: Redis, jobs: dict[str, Job], server: Server, tmp_path: Path) -> None:
    with on_a_terminal(console("requeue", "--queue", "low"), tmp_path, RQ_REDIS_URL=server.url) as terminal:
        terminal.shows("Requeue 2 failed or stopped jobs of the queue low on unix://", "[y/N]:")
        assert failed(redis) == {"low-1", "low-2"}
        terminal.press("enter")
        assert terminal.ends() == 1
        terminal.shows("nothing was done")
    assert failed(redis) == {"low-1", "low-2"}
    with on_a_terminal(console("requeue", "--queue", "low"), tmp_path, RQ_REDIS_URL=server.url) as terminal:
        terminal.shows("[y/N]:")
        terminal.press("y", "enter")
        assert terminal.ends() == 0
        terminal.shows("requeued 2")
    assert failed(redis) == set()


def test_what_came_after_the_preview_is_not_acted_on(
    redis: Redis, jobs: dict[str, Job], server: Server, tmp_path: Path
) -> None:
    with on_a_terminal(console("requeue", "--queue", "low"), tmp_path, RQ_REDIS_URL=server.url) as terminal:
        terminal.shows("[y/N]:")
        # Somebody else requeues one, and another one fails.
        jobs["low-1"].requeue()
        redis.hset("rq:job:new", mapping=redis.hgetall("rq:job:low-2"))
        redis.zadd("rq:failed:low", {"new": 1e12})
        terminal.press("y", "enter")
        assert terminal.ends() == 1
        terminal.shows("requeued 1, skipped 1 (changed)")
    assert (waiting(redis), failed(redis)) == (["waits", "low-1", "low-2"], {"new"})


def test_a_production_context_wants_its_name(redis: Redis, jobs: dict[str, Job], server: Server, tmp_path: Path) -> None:
    contexts = tmp_path / "contexts.toml"
    contexts.write_text(f'[prod]\nurl = "{server.url}"\nproduction = true\n')
    command = console("--context", "prod", "requeue", "low-1")
    for typed, status in (("y", 1), ("prod", 0)):
        with on_a_terminal(command, tmp_path, TQ_CONTEXTS=str(contexts)) as terminal:
            terminal.shows("Type prod to do it")
            terminal.press(typed, "enter")
            assert terminal.ends() == status
    assert failed(redis) == {"low-2"}


def many(redis: Redis, count: int) -> None:
    """So many jobs that failed, copies of one."""
    fields = redis.hgetall("rq:job:low-1")
    pipe = redis.pipeline(transaction=False)
    for n in range(count):
        pipe.hset(f"rq:job:many-{n:06}", mapping=fields)
        pipe.zadd("rq:failed:low", {f"many-{n:06}": 1e12 + n})
    pipe.execute()


def scripts_called(redis: Redis) -> int:
    """How many calls of a script the server has carried out."""
    return int(redis.info("commandstats")["cmdstat_evalsha"]["calls"])


@pytest.fixture
def gated(redis: Redis) -> Iterator[Redis]:
    """A server that runs no script until the test lets it."""
    yield redis
    redis.execute_command("CLIENT", "UNPAUSE")


def test_ctrl_c_lets_the_batch_end_and_tells_what_was_done(
    gated: Redis, jobs: dict[str, Job], server: Server, tmp_path: Path
) -> None:
    redis, count = gated, 5_000
    many(redis, count)
    process = subprocess.Popen(
        console("requeue", "--queue", "low", "--yes", "--json"),
        env={**os.environ, "RQ_REDIS_URL": server.url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: redis.llen("rq:queue:low") > 400, what="the bulk is under way")
    # Scripts wait, and so does the batch that is under way: the signal meets it in the middle.
    redis.execute_command("CLIENT", "PAUSE", 30_000, "WRITE")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == "interrupted: it ends after what is under way\n"
    before, calls = redis.llen("rq:queue:low"), scripts_called(redis)
    redis.execute_command("CLIENT", "UNPAUSE")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    said = json.loads(out)
    assert said["how"] == "canceled"
    assert said["done"] + said["untouched"] == count + 2
    assert (redis.llen("rq:queue:low"), redis.zcard("rq:failed:low")) == (said["done"] + 1, said["untouched"])
    assert redis.llen("rq:queue:low") - before <= BATCH
    # What is under way is one call, however many jobs there was time for.
    assert scripts_called(redis) - calls <= 1
    assert "canceled: " in err


def test_ctrl_c_while_it_is_still_looking_says_that_nothing_was_done(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with on_a_terminal(console("requeue", "low-1", "--yes"), tmp_path, RQ_REDIS_URL=url) as terminal:
            terminal.shows("looking")
            terminal.press("ctrl+c")
            assert terminal.ends() == 130
            assert terminal.text.strip() == "tq-console: interrupted: nothing was done"


def test_ctrl_c_at_the_question_says_that_nothing_was_done(
    redis: Redis, jobs: dict[str, Job], server: Server, tmp_path: Path
) -> None:
    with on_a_terminal(console("requeue", "--queue", "low"), tmp_path, (80, 24), RQ_REDIS_URL=server.url) as terminal:
        terminal.shows("[y/N]:")
        # Nothing is left of the bar above it.
        assert terminal.text.startswith("Requeue 2 failed or stopped jobs of the queue low\n")
        terminal.press("ctrl+c")
        assert terminal.ends() == 130
        terminal.shows("\ntq-console: interrupted: nothing was done")
    assert failed(redis) == {"low-1", "low-2"}


@pytest.fixture
def halted(redis: Redis) -> Iterator[Callable[[], None]]:
    """Lets the server stand still, from now until the function is called."""
    pid = int(redis.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    yield lambda: os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGCONT)


def test_what_was_typed_before_there_was_a_question_is_no_answer_to_it(
    redis: Redis, jobs: dict[str, Job], halted: Callable[[], None], server: Server, tmp_path: Path
) -> None:
    with on_a_terminal(console("requeue", "--queue", "low"), tmp_path, (80, 24), RQ_REDIS_URL=server.url) as terminal:
        terminal.shows("looking")
        terminal.press("y", "enter")
        # The terminal shows what it has taken in.
        terminal.shows("y\n")
        halted()
        terminal.shows("[y/N]:")
        terminal.press("enter")
        assert terminal.ends() == 1
        terminal.shows("nothing was done")
    assert failed(redis) == {"low-1", "low-2"}


def test_what_is_said_while_a_bar_is_shown_has_a_line_of_its_own(
    gated: Redis, jobs: dict[str, Job], server: Server, tmp_path: Path
) -> None:
    many(gated, 5_000)
    # It is noted in the audit before anything is done: there it waits.
    gated.execute_command("CLIENT", "PAUSE", 30_000, "WRITE")
    command = console("requeue", "--queue", "low", "--yes")
    with on_a_terminal(command, tmp_path, (80, 24), RQ_REDIS_URL=server.url) as terminal:
        terminal.shows("requeue ━")
        terminal.press("ctrl+c")
        said = "interrupted: it ends after what is under way"
        terminal.shows(said)
        gated.execute_command("CLIENT", "UNPAUSE")
        assert terminal.ends() == 130
        assert terminal.text.splitlines()[0] == said
        assert "━" not in terminal.text


# --- canary -------------------------------------------------------------------------------------


def test_a_canary_whose_jobs_fail_again_leaves_the_rest(redis: Redis, jobs: dict[str, Job], stock: Stock, say: Say) -> None:
    many(redis, 300)
    stock.worker("low")
    command = ["requeue", "--queue", "low", "--canary", "2", "--rate", "100", "--stop-above", "10", "--yes", "--json"]
    status, out, _ = say(*command)
    said = json.loads(out)
    assert (status, said["how"], said["done"], said["untouched"]) == (1, "stopped", 2, 300)
    assert "failed again" in said["said"]
    until(lambda: redis.zcard("rq:failed:low") == 302, what="both failed again, and the others still")


def test_a_dry_run_tells_of_the_canary_and_whether_anything_would_be_done(redis: Redis, jobs: dict[str, Job], say: Say) -> None:
    command = [
        "requeue",
        "--queue",
        "low",
        "--state",
        "failed",
        "--canary",
        "1",
        "--rate",
        "5",
        "--stop-above",
        "10",
        "--dry-run",
    ]
    status, out, err = say(*command)
    assert (status, err) == (0, "")
    assert out.splitlines()[1] == "  canary: 1 first; when they have ended, 5 a second, as long as no more than 10% fail again"
    assert json.loads(say(*command, "--json")[1])["canary"] == {"first": 1, "rate": 5.0, "stop_above": 0.1}
    assert "are all of them" in say("requeue", "--queue", "low", "--state", "failed", "--canary", "500", "--dry-run")[1]
    status, out, err = say("requeue", "nosuch", "--dry-run")
    assert (status, "1 cannot be" in out) == (1, True)
    assert json.loads(say("requeue", "nosuch", "--dry-run", "--json")[1])["canary"] is None


def test_a_canary_whose_jobs_do_well_is_followed(redis: Redis, jobs: dict[str, Job], stock: Stock, say: Say) -> None:
    sound = redis.hget("rq:job:done", "data")
    many(redis, 30)
    for key in redis.scan_iter("rq:job:many-*"):
        redis.hset(key, "data", sound)
    stock.worker("low")
    command = ["requeue", "--queue", "low", "--filter", "id:many", "--canary", "2", "--rate", "1000", "--yes", "--json"]
    status, out, _ = say(*command)
    assert (status, json.loads(out)["done"]) == (0, 30)
    until(lambda: redis.zcard("rq:finished:low") == 32, what="all have finished")


def test_a_canary_that_repeats_has_done_well_once_it_is_scheduled_again(redis: Redis, stock: Stock, say: Say) -> None:
    queue = Queue("low", connection=redis)
    for one in ("one", "two"):
        queue.enqueue("json.loads", "no JSON", job_id=one, repeat=Repeat(5, interval=600))
    assert stock.worker("--burst", "low").wait(60) == 0
    mended = Job.create("json.loads", ("1",), connection=redis)
    for one in ("one", "two"):
        redis.hset(f"rq:job:{one}", "data", mended.to_dict()["data"])
    stock.worker("low")
    status, out, err = say("requeue", "one", "two", "--canary", "1", "--yes")
    assert (status, out.splitlines()[0]) == (0, "requeued 2"), err
    until(lambda: redis.zcard("rq:scheduled:low") == 2, 30, "both wait for their next run")
