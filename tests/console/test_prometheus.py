"""`status --prometheus`: text that a strict reader of the exposition format takes, whatever queues are named."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace

import pytest
from click.testing import CliRunner
from redis import Redis
from rq import Queue

from console.cli import run
from console.commands import prometheus
from console.commands.status import EVERYTHING, status
from console.model.promises import Promises, TierPromise
from console.store import status as store
from console.store.seen import Seen
from jobs import keys, registering, tiers
from jobs.users import User
from tests.console.fakes import status as sample
from tests.console.whole_site import nothing_changes
from tests.hostile import EVIL

HEAD = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|$)')


@dataclass
class Family:
    type: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


def parsed(text: str) -> dict[str, Family]:
    """A strict reader: help and type stand once, before the samples, which stand together and are of different labels each."""
    assert text.endswith("\n")
    found: dict[str, Family] = {}
    helped: list[str] = []
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("#"):
            kind, name, said = HEAD.fullmatch(line).groups()  # type: ignore[union-attr]
            if kind == "HELP":
                assert name not in helped
                helped.append(name)
            else:
                assert helped[-1] == name
                assert name not in found
                assert said in ("counter", "gauge", "histogram", "summary", "untyped")
                found[name] = Family(said)
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()  # type: ignore[union-attr]
        assert name == list(found)[-1] == helped[-1]
        pairs = labelled(labels) if labels is not None else ()
        assert len({label for label, _ in pairs}) == len(pairs)
        assert pairs not in found[name].samples
        found[name].samples[pairs] = float(value)
    assert list(found) == helped
    return found


def labelled(text: str) -> tuple[tuple[str, str], ...]:
    found, at = [], 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match is not None, text[at:]
        found.append((match[1], re.sub(r"\\(.)", lambda one: "\n" if one[1] == "n" else one[1], match[2])))
        at = match.end()
    return tuple(found)


@pytest.mark.parametrize(
    "wrong",
    ["a 1", "# HELP a b\n# TYPE a gauge\na 1\na 2\n", '# HELP a b\n# TYPE a gauge\na{b="\\x"} 1\n',
     '# HELP a b\n# TYPE a gauge\na{b="c" 1\n', "# HELP a b\n# TYPE a gauge\nc 1\n", "# HELP a b\n# TYPE a gauge\na one\n"],
)  # fmt: skip
def test_the_reader_is_strict(wrong: str) -> None:
    with pytest.raises((AssertionError, AttributeError, ValueError)):
        parsed(wrong)


def test_every_number_of_a_status_is_told() -> None:
    found = parsed(prometheus.text(sample(held_back=7)))
    assert found["tq_rate_limited_jobs"].samples[()] == 7
    assert all(name.startswith("tq_") and family.samples for name, family in found.items())

    def jobs(queue: str, state: str) -> float:
        return found["tq_queue_jobs"].samples[("queue", queue), ("state", state)]

    assert [jobs("low", "waiting"), jobs("high", "failed"), jobs("default", "retrying")] == [18_240, 12, 4]
    assert found["tq_queue_oldest_seconds"].samples[(("queue", "low"),)] == 11_520
    assert found["tq_problems"].samples[("code", "failing"), ("severity", "error")] == 1
    assert found["tq_workers"].samples[("verdict", "live"), ("state", "busy")] == 1
    # The default lane grows, so when it is empty nobody knows.
    assert list(found["tq_queue_drain_seconds"].samples) == [(("queue", "high"),)]


def test_names_that_would_break_the_text_are_escaped_and_stay_apart(redis: Redis) -> None:
    names = [EVIL, 'a"b', "a\\b", "a\nb", "a␊b", "", "ü", "a{b}", 'x"} 1\ntq_fake 1']
    for name in names:
        Queue(name, connection=redis).enqueue("time.sleep", 0)
    redis.sadd(keys.RQ_QUEUES, b"rq:queue:\xff\xfe", b"rq:queue:" + b"x" * 990 + b"1", b"rq:queue:" + b"x" * 990 + b"2")
    with nothing_changes(redis):
        found = store.read(redis, EVERYTHING, time.time(), Seen())
    families = parsed(prometheus.text(found))
    waiting = {labels[0][1] for labels in families["tq_queue_jobs"].samples if labels[1][1] == "waiting"}
    assert len(waiting) == len(found.queues)
    assert {'a"b', "a\\b", "a\nb", "a␊b", "", "ü", "a{b}", 'x"} 1\ntq_fake 1', "\\xff\\xfe"} <= waiting
    assert "tq_fake" not in families
    assert "\x1b" not in prometheus.text(found)


def test_what_is_not_known_has_no_sample() -> None:
    plain = sample()
    unknown = replace(plain, suspended=None, server=replace(plain.server, used_memory=None), queues=(), workers=())
    found = parsed(prometheus.text(unknown))
    assert not {"tq_suspended", "tq_server_used_memory_bytes", "tq_queue_jobs", "tq_tier_promise_seconds"} & set(found)


def test_what_there_is_none_of_is_told_so_that_a_rule_about_it_can_fire() -> None:
    found = parsed(prometheus.text(replace(sample(), workers=(), schedulers=(), problems=())))
    for name, label, value in (
        ("tq_workers", "verdict", "gone"),
        ("tq_schedulers", "kind", "rqscheduler"),
        ("tq_problems", "code", "no_worker"),
        ("tq_schedules", "state", "failing"),
    ):
        told = [number for labels, number in found[name].samples.items() if (label, value) in labels]
        assert told
        assert set(told) == {0.0}


def test_promises_are_told_of_every_tier_also_of_one_that_did_not_run() -> None:
    promised = Promises(
        3_600.0, (TierPromise("high", "pro", 5, over=3, longest_now=12.5, over_now=2),), waiting_over={"high": 2, "low": 0}
    )
    found = parsed(prometheus.text(sample(), promised, {("high", "pro"): 5, ("low", "free"): 3_600}))

    def told(name: str) -> dict[tuple[str, ...], float]:
        return {tuple(text for _, text in labels): value for labels, value in found[name].samples.items()}

    assert told("tq_tier_promise_seconds") == {("high", "pro"): 5, ("low", "free"): 3_600}
    assert told("tq_tier_starts_over_promise") == {("high", "pro"): 3, ("low", "free"): 0}
    assert told("tq_tier_waiting_over_promise") == {("high", "pro"): 2, ("low", "free"): 0}
    assert told("tq_tier_longest_wait_seconds") == {("high", "pro"): 12.5, ("low", "free"): 0}
    assert told("tq_lane_waiting_over_promise") == {("high",): 2, ("low",): 0}


def test_the_command_tells_promises_where_the_job_layer_is(redis: Redis) -> None:
    registering.set_user(redis, User("ada", "pro"))
    redis.zadd(keys.WAITING + "high", {"tq-scrape-1-2": time.time() - 3_600})
    done = CliRunner().invoke(status, ["--prometheus"], standalone_mode=False)
    assert done.exception is None
    found = parsed(done.output)
    assert found["tq_lane_waiting_over_promise"].samples[(("lane", "high"),)] == 1
    assert found["tq_tier_promise_seconds"].samples[("lane", "low"), ("tier", "free")] == tiers.current()["free"].promise


def test_the_command_prints_it_and_nothing_else(redis: Redis) -> None:
    Queue("mail", connection=redis).enqueue("time.sleep", 0)
    done = CliRunner().invoke(status, ["--prometheus"], standalone_mode=False)
    assert done.exception is None
    found = parsed(done.output)
    assert found["tq_queue_jobs"].samples[("queue", "mail"), ("state", "waiting")] == 1
    assert not [name for name in found if name.startswith(("tq_tier", "tq_lane_waiting"))]


def test_one_kind_of_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--prometheus", "--json"]) == 2
    assert "--prometheus" in capsys.readouterr().err
