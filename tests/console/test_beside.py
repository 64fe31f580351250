"""The second process that takes tracebacks apart: it tells what this one would, and whatever happens to it nothing is lost."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from console.model.failure_groups import Groups
from console.model.queries import GroupsQuery
from console.model.raised import Raised
from console.model.secrets import Secrets
from console.store import failure_groups
from console.store.beside import MOST_TOLD, Beside
from console.store.reader import open_reader
from console.store.tracebacks import Here
from tests import failed_jobs
from tests.conftest import Server, until


def packed(text: str) -> bytes:
    return base64.b64encode(zlib.compress(text.encode()))


STRANGE = [b"", b"no base64", base64.b64encode(b"no zlib"), packed(""), packed("one line"), packed("\x00\ud7ff\U0001f4a9" * 99)]
SECRETS = Secrets(("badge",))
TOLD = 'Traceback (most recent call last):\n  File "/srv/app/a.py", line 1, in f\nValueError: badge=abcdef wants a stamp\n'


def packs() -> list[list[bytes]]:
    """Stretches of tracebacks, some of them twice, and of what is none."""
    made = [packed(failed_jobs.text(kind, seed)) for seed in range(3) for kind in failed_jobs.KINDS]
    return [*(made[start : start + 7] for start in range(0, len(made), 7)), STRANGE, made[:3] * 2, [packed(TOLD)], []]


def here() -> list[dict[bytes, Raised]]:
    telling = Here(SECRETS)
    return [telling.tell(part) for part in packs()]


@pytest.fixture
def beside() -> Iterator[Beside]:
    with Beside(SECRETS) as telling:
        until(lambda: (telling.ask([]), telling.answer(), telling.ready)[-1], what="it is ready")
        yield telling


def answers(telling: Beside) -> list[dict[bytes, Raised]]:
    """Asked ahead, as the reading of failures asks."""
    found = []
    parts = packs()
    for n, part in enumerate(parts):
        telling.ask(part)
        if n >= telling.ahead:
            found.append(telling.answer())
    return found + [telling.answer() for _ in range(len(parts) - len(found))]


def without_empty(told: list[dict[bytes, Raised]]) -> list[dict[bytes, Raised]]:
    return [{packed: why for packed, why in part.items() if packed} for part in told]


def test_it_tells_what_this_process_would(beside: Beside) -> None:
    told = answers(beside)
    assert without_empty(told) == without_empty(here())
    assert beside.ready
    assert "abcdef" not in repr(told)
    # One object for all that are told the same, by which whoever has seen it knows it again.
    again = answers(beside)
    assert all(again[n][one] is told[n][one] for n, part in enumerate(told) for one in part)


def test_when_it_is_killed_the_rest_is_told_here(beside: Beside) -> None:
    parts = packs()
    for part in parts[: beside.ahead]:
        beside.ask(part)
    psutil.Process(beside.pid).kill()
    found = [beside.answer() for _ in parts[: beside.ahead]]
    for part in parts[beside.ahead :]:
        beside.ask(part)
        found.append(beside.answer())
    assert without_empty(found) == without_empty(here())
    assert (beside.pid, beside.ready, len(beside._out)) == (None, False, 0)


def test_where_none_can_be_started_all_is_told_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Beside(SECRETS) as telling:
        assert without_empty(answers(telling)) == without_empty(here())


def test_where_something_else_writes_into_its_answers_all_is_told_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As what an installation of Python runs at each start may do."""
    (tmp_path / "sitecustomize.py").write_text("print('tracing every call from here on', flush=True)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Beside(SECRETS) as telling:
        until(lambda: (telling.ask([]), telling.answer(), telling.pid is None)[-1], what="it is given up")
        assert without_empty(answers(telling)) == without_empty(here())


def test_an_answer_that_is_none_is_told_here(beside: Beside) -> None:
    beside._in += b"\0\0\0\3abc"
    assert without_empty(answers(beside)) == without_empty(here())
    assert beside.pid is None


def test_it_is_told_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_REDIS_URL", "redis://:secret@prod:6379/0")
    with Beside(SECRETS) as telling:
        assert telling.pid is not None
        process = psutil.Process(telling.pid)
        assert "secret" not in repr(process.environ())
        assert process.cmdline()[1:] == ["-P", "-m", "console.store.beside"]


def test_more_than_a_pipe_holds_is_asked_before_an_answer_is_read(beside: Beside) -> None:
    """Neither waits for the other to come to it."""
    large = [packed(failed_jobs.text("http", seed)) for seed in range(3_000)]
    parts = [large[start : start + 500] for start in range(0, len(large), 500)] * 3
    for part in parts:
        beside.ask(part)
    assert [list(beside.answer()) for _ in parts] == [list(dict.fromkeys(part)) for part in parts]


def test_of_many_kinds_no_more_are_remembered_than_is_said(beside: Beside) -> None:
    """And each failure is told as what it is."""
    names = [packed(TOLD.replace("ValueError", f"Error{n}")) for n in range(MOST_TOLD + 1)]
    parts = [names, names[:7], names[3:9]]
    told = []
    for part in parts:
        beside.ask(part)
        told.append(beside.answer())
    here = Here(SECRETS)
    assert told == [here.tell(part) for part in parts]
    assert len(beside._told) == 9


def test_it_ends_with_whoever_started_it() -> None:
    program = (
        "from console.store.beside import Beside; from console.model.secrets import Secrets\n"
        "with Beside(Secrets()) as telling: print(telling.pid, flush=True); input()"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    second = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.communicate()
    psutil.wait_procs([second], timeout=20)
    assert not second.is_running()


def told(url: str) -> tuple[Groups, float]:
    reader = open_reader(url)
    now = time.time()
    *_, found = reader.groups(GroupsQuery(), now, lambda: False)
    reader.close()
    return found, now


def test_groups_are_the_same_with_it_and_without(redis: Redis, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is asked: without it the second grouping could not tell."""
    made = failed_jobs.make(redis, 3_000, queues=("default", "low"), users=50)
    alone, now = told(server.url)
    monkeypatch.setattr(failure_groups, "MANY", 1)
    monkeypatch.setattr("time.time", lambda: now)
    asked: list[bool] = []
    answer = Beside.answer

    def watched(self: Beside) -> dict[bytes, Raised]:
        asked.append(self.ready)
        return answer(self)

    monkeypatch.setattr(Beside, "answer", watched)
    # The start of a process takes a while: until then all is told here.
    until(lambda: (told(server.url), any(asked))[-1], what="it was asked")
    found, _ = told(server.url)
    assert found == alone
    assert (found.read, found.done) == (len(made), True)
