"""The poller reads what was asked for last, one read at a time, less often in an outage, and never dies silently."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from textual.message import Message

from console.messages import GroupsProgressed, ReadFailed, SearchProgressed, SnapshotReady
from console.model.failure_groups import Groups
from console.model.filters import parse
from console.model.ports import Reader, ReadError, Snapshot
from console.model.queries import FailuresQuery, GroupsQuery, JobQuery, JobsQuery, OverviewQuery, ViewQuery
from console.poller import MAX_BACKOFF_S, Poller
from tests.conftest import until
from tests.console.fakes import NOW, FakeReader

SOON = 0.02
"""Seconds between two refreshes of these tests."""


@dataclass
class Posted:
    """What a poller has posted, and the poller."""

    reader: FakeReader
    poller: Poller
    messages: list[Message] = field(default_factory=list)

    def answers(self) -> list[SnapshotReady]:
        return [message for message in self.messages if isinstance(message, SnapshotReady)]

    def failures(self) -> list[ReadFailed]:
        return [message for message in self.messages if isinstance(message, ReadFailed)]

    def progress(self) -> list[SearchProgressed]:
        return [message for message in self.messages if isinstance(message, SearchProgressed)]


@pytest.fixture
def posted() -> Iterator[Posted]:
    yield from polling(FakeReader())


def polling(reader: FakeReader, refresh_s: float = SOON) -> Iterator[Posted]:
    messages: list[Message] = []
    poller = Poller(lambda: reader, messages.append, refresh_s, lambda: NOW)
    poller.start()
    yield Posted(reader, poller, messages)
    reader.gate.set()
    poller.stop()
    until(lambda: not any(thread.name == "poller" for thread in threading.enumerate()), what="the end of its thread")
    assert reader.closed or not reader.asked


def test_nothing_is_read_until_something_is_asked(posted: Posted) -> None:
    posted.poller.again()
    seq = posted.poller.ask(JobsQuery())
    until(posted.answers)
    assert all(query == JobsQuery() for query in posted.reader.asked if not isinstance(query, OverviewQuery))
    assert {answer.seq for answer in posted.answers()} == {seq}


def test_what_was_asked_is_read_again_and_again(posted: Posted) -> None:
    posted.poller.ask(JobsQuery())
    until(lambda: len(posted.answers()) > 5)


def test_another_list_has_another_number_and_another_page_has_not(posted: Posted) -> None:
    first = posted.poller.ask(JobsQuery())
    page = posted.poller.ask(JobsQuery(start=50), fresh=False)
    other = posted.poller.ask(FailuresQuery())
    assert (page, other) == (first, first + 1)


def test_one_read_is_in_flight_and_the_last_question_is_the_next(posted: Posted) -> None:
    posted.reader.gate.clear()
    posted.poller.ask(JobsQuery())
    until(lambda: posted.reader.asked)
    for start in range(50, 500, 50):
        posted.poller.ask(JobsQuery(start=start))
    last = posted.poller.ask(JobQuery(b"x"))
    assert len(posted.reader.asked) == 1
    posted.reader.gate.set()
    until(lambda: any(answer.seq == last for answer in posted.answers()))
    asked: list[ViewQuery] = [query for query in posted.reader.asked if not isinstance(query, OverviewQuery)]
    assert asked[:2] == [JobsQuery(), JobQuery(b"x")]


def test_the_overview_is_read_now_and_then_for_the_problems(posted: Posted) -> None:
    posted.poller.ask(JobsQuery())
    until(lambda: len(posted.answers()) > 10)
    assert [answer.query for answer in posted.answers()].count(OverviewQuery(size=0)) == 1


def test_an_overview_that_fails_beside_another_screen_does_that_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.poller.WATCH_S", 0.0)
    reader = FakeReader()
    answer = reader.read

    def read(query: ViewQuery, now: float) -> Snapshot:
        if isinstance(query, OverviewQuery):
            raise ReadError("the tiers are wrong")
        return answer(query, now)

    reader.read = read  # type: ignore[method-assign]
    for posted in polling(reader):
        posted.poller.ask(JobsQuery())
        until(lambda: len(posted.answers()) > 20)  # noqa: B023
        assert {failure.query for failure in posted.failures()} == {OverviewQuery(size=0)}


def test_an_outage_is_told_and_ends_by_itself(posted: Posted) -> None:
    posted.poller.ask(JobsQuery())
    until(posted.answers)
    posted.reader.failing = "redis://…@here: cannot be reached"
    told = until(lambda: len(posted.failures()) > 3 and posted.failures())
    assert told[0].reason == "redis://…@here: cannot be reached"
    waits = [failure.again_s for failure in told]
    assert waits == sorted(waits)
    assert waits[1] == 2 * waits[0]
    before = len(posted.answers())
    posted.reader.failing = ""
    posted.poller.again()
    until(lambda: len(posted.answers()) > before + 3)


def test_the_wait_in_an_outage_is_bounded() -> None:
    poller = Poller(FakeReader, lambda message: None, 1.0)
    assert [poller._backoff(n) for n in (1, 2, 3, 4, 5, 99)] == [1, 2, 4, MAX_BACKOFF_S, MAX_BACKOFF_S, MAX_BACKOFF_S]


def test_a_server_that_cannot_be_reached_at_first_is_tried_again() -> None:
    reader, tries = FakeReader(), []

    def connect() -> Reader:
        tries.append(1)
        if len(tries) < 3:
            raise ReadError("not yet")
        return reader

    messages: list[Message] = []
    poller = Poller(connect, messages.append, SOON, lambda: NOW)
    poller.start()
    poller.ask(JobsQuery())
    until(lambda: any(isinstance(message, SnapshotReady) for message in messages))
    poller.stop()
    assert [type(message) for message in messages[:2]] == [ReadFailed, ReadFailed]


def test_an_error_that_nobody_foresaw_is_told_by_its_class_alone(posted: Posted) -> None:
    def broken(query: ViewQuery, now: float) -> None:
        raise KeyError("hunter2")

    posted.reader.read = broken  # type: ignore[method-assign, assignment]
    posted.poller.ask(JobsQuery())
    told = until(posted.failures)[0].reason
    assert "KeyError" in told
    assert "hunter2" not in told


def test_frozen_means_that_only_what_is_asked_is_read(posted: Posted) -> None:
    posted.poller.ask(JobsQuery())
    until(posted.answers)
    posted.poller.freeze(True)
    posted.poller.ask(FailuresQuery())
    until(lambda: isinstance(posted.answers()[-1].query, FailuresQuery))
    read = len(posted.reader.asked)
    posted.poller.ask(JobQuery(b"x"))
    until(lambda: isinstance(posted.answers()[-1].query, JobQuery))
    assert len(posted.reader.asked) == read + 1
    posted.poller.freeze(False)
    until(lambda: len(posted.reader.asked) > read + 3)


def test_a_search_tells_how_far_it_is_beside_the_reads(posted: Posted) -> None:
    posted.poller.ask(JobsQuery())
    seq = posted.poller.search(JobsQuery(filter=parse("user:user-1", {"user": "text"})))
    until(lambda: posted.progress() and posted.progress()[-1].found.done)  # type: ignore[union-attr]
    assert {message.seq for message in posted.progress()} == {seq}
    assert posted.progress()[-1].found.read == 200  # type: ignore[union-attr]


def test_a_search_that_is_replaced_tells_no_more(posted: Posted) -> None:
    first = posted.poller.search(JobsQuery())
    posted.poller.cancel_search()
    second = posted.poller.search(FailuresQuery())
    until(lambda: any(message.seq == second for message in posted.progress()))
    assert posted.poller.search_seq == second > first


def test_groups_and_the_failures_of_one_are_read_by_one_reader_that_stays() -> None:
    readers: list[FakeReader] = []
    messages: list[Message] = []

    def connect() -> Reader:
        readers.append(FakeReader(grouped=[Groups(NOW, 40, 40, (), done=True)]))
        return readers[-1]

    poller = Poller(connect, messages.append, SOON, lambda: NOW)
    poller.start()
    for query in (GroupsQuery(), GroupsQuery(b"low"), FailuresQuery(group="0" * 12)):
        seq = poller.search(query)
        until(lambda seq=seq: any(getattr(message, "seq", None) == seq for message in messages))
    told = [message for message in messages if isinstance(message, GroupsProgressed)]
    assert [message.groups for message in told] == [Groups(NOW, 40, 40, (), done=True)] * 2
    [reader] = readers
    assert reader.groups_asked == [GroupsQuery(), GroupsQuery(b"low")]
    assert reader.searched == [FailuresQuery(group="0" * 12)]
    poller.stop()
    until(lambda: reader.closed == 1, what="the end of its reader")


def test_a_grouping_that_fails_says_why_and_one_that_is_replaced_tells_no_more(posted: Posted) -> None:
    posted.reader.grouped = [Groups(NOW, 40, 40, (), done=True)]
    posted.reader.group_gate.clear()
    first = posted.poller.search(GroupsQuery())
    until(lambda: posted.reader.groups_asked)
    posted.reader.failing = "too slow"
    second = posted.poller.search(GroupsQuery(b"low"))
    posted.reader.group_gate.set()
    until(lambda: any(isinstance(message, GroupsProgressed) for message in posted.messages))
    told = [message for message in posted.messages if isinstance(message, GroupsProgressed)]
    assert [(message.seq, message.groups, message.reason) for message in told] == [(second, None, "too slow")]
    assert second > first


def test_numbers_go_on_from_those_of_the_server_before() -> None:
    poller = Poller(FakeReader, lambda message: None, 1.0, seq=41)
    assert poller.ask(JobsQuery()) == 42
