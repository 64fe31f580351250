"""How an operation is carried out: what cancel, pause, an outage and a canary let pass, and what is told of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from console.model import bulk
from console.model.bulk import BATCH, Control, Progress, Report, carry_out
from console.model.canary import LOOKED_AT, Canary, Trial
from console.model.commands import Command, JobSeen, Outcome, Requeue, RunAgain, Seen, Stop, outcome
from console.model.operations import Ended, Operation
from console.model.ports import ReadError, WriteError

OPERATION = Operation("op", "ann", "desk", 1.0, "requeue", "", "failed", 0, "redis://here")


def jobs(count: int) -> list[JobSeen]:
    return [JobSeen(b"job-%d" % n, b"mail", "failed", float(n)) for n in range(count)]


@dataclass
class Memory:
    """A writer that notes what it is asked to do. `before` is called with the number of each batch before it is done."""

    before: Callable[[int], None] = lambda n: None
    codes: Mapping[bytes, str] = field(default_factory=dict)
    batches: list[list[bytes]] = field(default_factory=list)
    noted: list[Operation | Ended] = field(default_factory=list)
    checks: list[list[bytes]] = field(default_factory=list)
    stubborn: frozenset[bytes] = frozenset()
    copies: bool = False
    """Whether it makes a copy of each: copy-1 of job-1."""
    undo_until: float | None = None

    def begin(self, operation: Operation) -> None:
        self.noted.append(operation)

    def act(
        self,
        operation: Operation,
        command: Command,
        seen: Sequence[Seen],
        clock: Callable[[], float],
        more: Callable[[], bool],
    ) -> Iterator[Sequence[Outcome]]:
        for start in range(0, len(seen), BATCH):
            if start and not more():
                return
            batch = seen[start : start + BATCH]
            try:
                self.before(len(self.batches))
            except WriteError as error:
                yield [outcome(one.key, "refused" if error.refused else "unknown") for one in batch]
                raise
            self.batches.append([one.key for one in batch])
            told = "sent" if isinstance(command, Stop) else "done"
            made = [one.key.replace(b"job", b"copy") if self.copies else None for one in batch]
            yield [outcome(one.key, self.codes.get(one.key, told), new=new) for one, new in zip(batch, made, strict=True)]

    def check(self, command: Command, seen: Sequence[Seen]) -> Sequence[Outcome]:
        self.checks.append([one.key for one in seen])
        return [outcome(one.key, "sent" if one.key in self.stubborn else "done") for one in seen]

    def end(self, operation: Operation, ended: Ended) -> float | None:
        self.noted.append(ended)
        return self.undo_until

    def settle(self, operation: Operation, command: Command, ended: Ended) -> Ended:
        return replace(ended, undo_until=self.end(operation, ended))

    def close(self) -> None:
        pass

    @property
    def done(self) -> list[bytes]:
        return [key for batch in self.batches for key in batch]


def go(
    writer: Memory,
    seen: Sequence[JobSeen],
    control: Control | None = None,
    command: Command | None = None,
    told: Callable[[Progress], object] = lambda progress: None,
    trial: Trial | None = None,
) -> Report:
    report = carry_out(
        writer, OPERATION, command or Requeue(), seen, control or Control(), told, clock=lambda: 9.0, trial=trial
    )
    assert writer.noted == [OPERATION, replace(report.ended, undo_until=None)]
    assert report.ended.undo_until == writer.undo_until
    return report


def test_all_is_done_in_batches_and_in_order() -> None:
    writer = Memory(codes={b"job-3": "changed", b"job-4": "gone", b"job-5": "gone"})
    report = go(writer, jobs(2 * BATCH + 1))
    assert [len(batch) for batch in writer.batches] == [BATCH, BATCH, 1]
    assert [one.key for one in report.outcomes] == [one.key for one in jobs(2 * BATCH + 1)]
    assert (report.ended.how, report.ended.said, report.ended.at) == ("done", "", 9.0)
    counts = report.ended.counts
    assert (counts.done, counts.skipped, counts.failed) == (2 * BATCH - 2, {"changed": 1, "gone": 2}, {})
    assert not counts.held


@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_cancel_lets_the_batch_that_is_under_way_end_and_leaves_the_rest(at: int) -> None:
    control = Control()
    writer = Memory(before=lambda n: control.cancel() if n == at else None)
    report = go(writer, jobs(10 * BATCH), control)
    assert len(writer.batches) == at + 1
    assert [one.key for one in report.outcomes] == writer.done
    assert (report.ended.how, report.ended.counts.done) == ("canceled", (at + 1) * BATCH)


def test_what_is_canceled_before_it_begins_does_nothing() -> None:
    control = Control()
    control.cancel()
    writer = Memory()
    report = go(writer, jobs(10), control)
    assert (writer.batches, report.outcomes, report.ended.how) == ([], (), "canceled")


def test_an_outage_makes_one_batch_unknown_and_leaves_the_rest() -> None:
    def fail(n: int) -> None:
        if n == 2:
            raise WriteError("redis://here: cannot be reached")

    report = go(Memory(before=fail), jobs(10 * BATCH))
    assert Counter(one.reason or one.result for one in report.outcomes) == {"done": 2 * BATCH, "unknown": BATCH}
    assert [one.reason for one in report.outcomes[2 * BATCH :]] == ["unknown"] * BATCH
    assert (report.ended.how, report.ended.said) == ("broken off", "redis://here: cannot be reached")
    assert report.ended.counts.failed == {"unknown": BATCH}


def test_a_refusal_is_told_from_an_outage() -> None:
    def fail(n: int) -> None:
        raise WriteError("this user may not do that", refused=True)

    report = go(Memory(before=fail, undo_until=3_609.0), jobs(3))
    assert (report.ended.how, report.ended.counts.failed) == ("broken off", {"refused": 3})


def test_nothing_is_done_without_an_audit() -> None:
    class Unheard(Memory):
        def begin(self, operation: Operation) -> None:
            raise WriteError("no audit")

    writer = Unheard()
    with pytest.raises(WriteError, match="no audit"):
        carry_out(writer, OPERATION, Requeue(), jobs(3), Control(), lambda progress: None)
    assert writer.batches == []


def test_an_audit_that_cannot_be_ended_is_told() -> None:
    class Forgetful(Memory):
        def end(self, operation: Operation, ended: Ended) -> float | None:
            raise WriteError("gone away")

    report = carry_out(Forgetful(), OPERATION, Requeue(), jobs(3), Control(), lambda progress: None)
    assert (report.ended.how, report.ended.counts.done) == ("done", 3)
    assert report.ended.said == "the audit has no end of this: gone away"


def test_a_pause_begins_no_batch_until_it_is_resumed() -> None:
    control, seen_paused = Control(), threading.Event()

    def told(progress: Progress) -> None:
        if progress.doing == "paused":
            paused_at.append(progress.counts.done)
            seen_paused.set()

    paused_at: list[int] = []
    writer = Memory(before=lambda n: control.pause() if n == 1 else None)
    found: list[Report] = []
    thread = threading.Thread(target=lambda: found.append(go(writer, jobs(4 * BATCH), control, told=told)))
    thread.start()
    assert seen_paused.wait(10)
    assert (len(writer.batches), paused_at) == (2, [2 * BATCH])
    assert thread.is_alive()
    control.resume()
    thread.join(10)
    assert (len(writer.batches), found[0].ended.how) == (4, "done")


def test_a_paused_operation_can_be_canceled() -> None:
    control = Control()
    writer = Memory(before=lambda n: control.pause())
    report = go(
        writer, jobs(4 * BATCH), control, told=lambda progress: control.cancel() if progress.doing == "paused" else None
    )
    assert (len(writer.batches), report.ended.how) == (1, "canceled")


def test_progress_is_told_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "TELL_S", 3_600.0)
    told: list[Progress] = []
    go(Memory(), jobs(100 * BATCH), told=told.append)
    assert [(one.doing, one.counts.told) for one in told] == [("acting", 0), ("acting", 100 * BATCH)]
    assert told[0].left_s is None
    assert told[-1].left_s == 0
    assert told[-1].rate > 0


def test_what_was_sent_is_watched_until_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "LOOK_S", 0.0)
    monkeypatch.setattr(bulk, "WATCH_S", 1e-9)
    writer = Memory(stubborn=frozenset({b"job-1"}))
    told: list[Progress] = []
    report = go(writer, jobs(3), command=Stop(), told=told.append)
    assert writer.checks == [[b"job-0", b"job-1", b"job-2"]]
    assert [one.reason or one.result for one in report.outcomes] == ["done", "ignored", "done"]
    assert [one.doing for one in told][-1] == "watching"


def test_a_watch_can_be_canceled() -> None:
    control = Control()
    writer = Memory(stubborn=frozenset({b"job-0"}))
    told = lambda progress: control.cancel() if progress.doing == "watching" else None  # noqa: E731
    report = go(writer, jobs(1), control, Stop(), told)
    assert [one.result for one in report.outcomes] == ["sent"]
    assert not report.ended.counts.held


# --- canary -------------------------------------------------------------------------------------


@dataclass
class Fate:
    """What becomes of jobs: `after` so many looks each is in its last state, before that queued."""

    last: Callable[[bytes], str | None]
    after: int = 1
    looks: list[list[bytes]] = field(default_factory=list)
    met: Counter[bytes] = field(default_factory=Counter)

    def __call__(self, jobs: Sequence[bytes]) -> Mapping[bytes, str]:
        self.looks.append(list(jobs))
        self.met.update(jobs)
        states = {job: self.last(job) if self.met[job] >= self.after else "queued" for job in jobs}
        return {job: state for job, state in states.items() if state is not None}


def number(job: bytes) -> int:
    return int(job.partition(b"-")[2])


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let waiting take no time."""
    monkeypatch.setattr(Control, "wait", lambda self, seconds: None)


FAST = Canary(first=5, rate=10_000.0, stop_above=0.2)


@pytest.mark.usefixtures("at_once")
def test_a_canary_that_lives_lets_the_others_follow() -> None:
    writer, fate = Memory(), Fate(lambda job: "finished", after=3)
    report = go(writer, jobs(500), trial=Trial(FAST, fate))
    assert writer.batches[0] == [b"job-%d" % n for n in range(5)]
    assert fate.looks[:3] == [writer.batches[0]] * 3, "the first five are awaited before anything else is done"
    assert (report.ended.how, report.ended.counts.done) == ("done", 500)
    assert max(map(len, writer.batches)) <= BATCH


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("state", ["failed", "stopped", "retrying"])
def test_a_canary_that_fails_again_stops_it(state: str) -> None:
    writer, fate = Memory(), Fate(lambda job: state if number(job) < 2 else "finished")
    report = go(writer, jobs(500), trial=Trial(FAST, fate))
    assert writer.done == [b"job-%d" % n for n in range(5)]
    assert (report.ended.how, report.ended.said) == ("stopped", "of 5 that have ended 2 failed again (40%)")


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("copy", "original", "how"), [("finished", "failed", "done"), ("failed", "finished", "stopped")])
def test_of_jobs_that_run_again_as_copies_the_copies_are_watched(copy: str, original: str, how: str) -> None:
    writer, fate = Memory(copies=True), Fate(lambda job: copy if job.startswith(b"copy") else original)
    report = go(writer, jobs(20), command=RunAgain(), trial=Trial(FAST, fate))
    assert fate.looks[0] == [b"copy-%d" % n for n in range(5)]
    assert all(job.startswith(b"copy") for job in fate.met)
    assert (report.ended.how, len(writer.done)) == (how, 20 if how == "done" else 5)


@pytest.mark.usefixtures("at_once")
def test_a_share_that_is_just_allowed_goes_on() -> None:
    fate = Fate(lambda job: "failed" if number(job) == 0 else "finished")
    report = go(Memory(), jobs(20), trial=Trial(FAST, fate))
    assert (report.ended.how, report.ended.counts.done) == ("done", 20)


@pytest.mark.usefixtures("at_once")
def test_it_stops_as_soon_as_too_many_fail_whatever_becomes_of_the_others() -> None:
    writer, fate = Memory(), Fate(lambda job: "failed" if number(job) < 2 else "running")
    report = go(writer, jobs(500), trial=Trial(FAST, fate))
    assert len(fate.looks) == 1
    assert (report.ended.how, len(writer.done)) == ("stopped", 5)


@pytest.mark.usefixtures("at_once")
def test_it_stops_when_later_ones_fail() -> None:
    writer = Memory()
    fate = Fate(lambda job: "finished" if number(job) < 5 else "failed")
    report = go(writer, jobs(500), trial=Trial(Canary(5, 10.0, 0.2), fate))
    assert len(writer.done) == 15
    assert (report.ended.how, report.ended.said) == ("stopped", "of 15 that have ended 10 failed again (67%)")


@pytest.mark.usefixtures("at_once")
def test_a_job_that_is_gone_has_ended_well() -> None:
    report = go(Memory(), jobs(20), trial=Trial(FAST, Fate(lambda job: None)))
    assert report.ended.how == "done"


@pytest.mark.usefixtures("at_once")
def test_the_canary_is_made_of_jobs_that_were_done() -> None:
    writer = Memory(codes={b"job-%d" % n: "changed" for n in range(7)})
    fate = Fate(lambda job: "finished")
    report = go(writer, jobs(12), trial=Trial(FAST, fate))
    assert fate.looks[0] == [b"job-%d" % n for n in range(7, 12)]
    assert (report.ended.how, report.ended.counts.done, report.ended.counts.skipped) == ("done", 5, {"changed": 7})


def test_a_canary_of_which_nothing_is_heard_stops_it() -> None:
    writer = Memory()
    trial = Trial(Canary(5, 10.0, 0.2, patience_s=0.01), Fate(lambda job: "queued"))
    report = go(writer, jobs(500), trial=trial)
    assert (report.ended.how, len(writer.done)) == ("stopped", 5)
    assert report.ended.said == "5 of the first 5 have not ended within 0.01 s; is there a worker for them?"


def test_waiting_for_a_canary_can_be_canceled() -> None:
    control, writer = Control(), Memory()

    def fate(jobs: Sequence[bytes]) -> Mapping[bytes, str]:
        control.cancel()
        return dict.fromkeys(jobs, "running")

    report = go(writer, jobs(500), control, trial=Trial(FAST, fate))
    assert (report.ended.how, len(writer.done)) == ("canceled", 5)


def test_waiting_for_its_turn_can_be_canceled() -> None:
    control, told = Control(), []

    def note(progress: Progress) -> None:
        told.append(progress)
        if progress.counts.done == 6:
            control.cancel()

    writer = Memory()
    slow = Canary(5, rate=1 / 3_600, stop_above=0.2)
    report = go(writer, jobs(500), control, told=note, trial=Trial(slow, Fate(lambda job: "finished")))
    assert (report.ended.how, len(writer.done)) == ("canceled", 6)
    assert told[0].doing == "trying the first 5"
    assert {(one.rate, one.left_s) for one in told if one.counts.done < 5} == {(0.0, None)}
    assert [one.left_s for one in told if one.counts.done == 6] == [494 * 3_600]


def test_what_is_only_queued_is_waited_for_and_no_time_is_made_up() -> None:
    control, told = Control(), []

    def note(progress: Progress) -> None:
        told.append(progress)
        if progress.doing.startswith("waiting"):
            control.cancel()

    report = go(Memory(), jobs(500), control, told=note, trial=Trial(FAST, Fate(lambda job: "queued")))
    assert (told[-1].doing, told[-1].counts.done) == ("waiting for a worker to end the first 5", 5)
    assert (told[-1].tried, told[-1].rate, told[-1].left_s) == ("none of 5 has ended yet", 0.0, None)
    assert report.ended.said == "none of 5 has ended yet"


@pytest.mark.usefixtures("at_once")
def test_a_reader_that_is_gone_stops_it() -> None:
    def fate(jobs: Sequence[bytes]) -> Mapping[bytes, str]:
        raise ReadError("cannot be reached")

    writer = Memory()
    report = go(writer, jobs(500), trial=Trial(FAST, fate))
    assert (report.ended.how, len(writer.done)) == ("stopped", 5)
    assert report.ended.said == "what became of them cannot be seen: cannot be reached"


def test_every_job_that_is_open_is_looked_at_in_turn() -> None:
    fate = Fate(lambda job: "running")
    trial = Trial(FAST, fate)
    trial.add(b"job-%d" % n for n in range(2 * LOOKED_AT))
    for _ in range(4):
        trial.look()
    assert set(fate.met.values()) == {2}
    assert all(set(one).isdisjoint(other) for one, other in pairwise(fate.looks))
