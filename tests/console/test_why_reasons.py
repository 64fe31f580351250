"""What reasons say: of what failed, of what is past due, of what was canceled, and of a queue whose worker is dead."""

from __future__ import annotations

import pytest

from console.model.raised import raised
from console.model.schedules import RunRow
from console.model.why.facts import Around, EntryFacts, JobFacts, Listed, QueueFacts, ScheduleFacts
from console.model.why.jobs import why
from console.model.why.queues import why as why_queue
from console.model.why.reasons import Reason
from console.model.why.schedules import why as why_schedule


def test_of_a_failed_job_the_class_of_its_cause_is_told_and_what_helps_against_that() -> None:
    def said(text: str) -> Reason:
        [reason] = why(JobFacts("j", True, status="failed", error=text, failure=raised(text)), Around(now=1.0))
        return reason

    killed = said("Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ")
    assert killed.message.startswith("it failed: killed by signal 9: out of memory? (Work-horse terminated unexpectedly")
    assert "give workers more memory" in killed.remedy
    lost = said("Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-01-01")
    assert "its worker was gone before the job ended" in lost.message
    assert "on Workers" in lost.remedy
    head = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    x\n'
    slow = said(f"{head}rq.timeouts.JobTimeoutException: Task exceeded maximum timeout value (9 seconds)")
    assert "timed out: ran longer than the job's timeout" in slow.message
    assert "more time" in slow.remedy
    plain = said(f"{head}ValueError: 3 is too few")
    assert "raised an exception" not in plain.message
    assert "see its traceback" in plain.remedy


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("canceled", "if it should run all the same: tq-console run-again 'a b'"),
        ("stopped", "if it should run all the same: tq-console requeue 'a b'"),
        ("failed", "see its traceback: tq-console job 'a b'; when the cause is mended: tq-console requeue 'a b'"),
    ],
)
def test_a_remedy_of_what_has_ended_is_a_command_that_can_be_pasted(status: str, remedy: str) -> None:
    [reason] = why(JobFacts("a b", True, status=status), Around(now=1.0))
    assert reason.remedy == remedy


@pytest.mark.parametrize(
    ("queue", "remedy"),
    [("mail", "start one: rq worker --with-scheduler mail"), ("a\nb", "start one: rq worker --with-scheduler $'a\\nb'")],
)
def test_a_remedy_for_what_nobody_moves_names_the_command_and_the_queue(queue: str, remedy: str) -> None:
    [reason] = [one for one in why_queue(QueueFacts(queue, True, 0, overdue=1, beaten=False), Around(1.0)) if one.remedy]
    assert (reason.code, reason.remedy) == ("unmoved", remedy)


def test_what_is_past_due_is_not_said_to_be_for_later() -> None:
    due = Listed("scheduled", "rq:scheduled:q", 0, 400.0)
    for tried, start in (
        (False, "it was due 10 min ago"),
        (True, "it failed and waits for its next attempt, which was due 10"),
    ):
        job = JobFacts("j", True, status="scheduled", lists=(due,), tried=tried)
        assert why(job, Around(now=1_000.0))[-1].message.startswith(start)


def test_a_queue_whose_only_worker_was_killed_with_its_job_is_not_said_to_be_well() -> None:
    [reason] = why_queue(QueueFacts("mail", True, 0, running=1), Around(now=1.0))
    assert (reason.code, reason.weight) == ("worker_gone", "bad")
    assert reason.remedy.endswith("rq worker mail")
    job = JobFacts("j", True, status="started", worker="w", executed=False, queue=QueueFacts("mail"))
    assert why(job, Around(now=1.0))[0].remedy.endswith("rq worker mail")
    held_back = why_queue(QueueFacts("mail", True, 0, running=0, held_back=2), Around(now=1.0))[0]
    assert held_back.message == "nothing waits in it; 2 jobs of any queues wait for a rate limit: rate limits know no queue"
    assert held_back.remedy == "see them: tq-console jobs --state 'rate limited'"


def test_what_was_canceled_while_it_ran_is_told_by_how_it_ended() -> None:
    def of(status: str, *kinds: str) -> Reason:
        return why(JobFacts("j", True, status=status, lists=tuple(Listed(kind, kind) for kind in kinds)), Around(now=1.0))[0]

    assert of("finished", "canceled", "finished").message.startswith("it was canceled while it ran")
    assert of("failed", "canceled", "failed").code == "failed"
    retried = of("scheduled", "canceled", "scheduled")
    assert (retried.code, retried.action) == ("listed_twice", "cancel")
    assert of("failed", "failed", "queued").remedy.startswith("it was enqueued anew")


def of_runs(*states: str) -> list[str]:
    """What is said of a schedule whose newest run is in the first of these states."""
    runs = tuple(RunRow(f"r{n}", "slot", state, None, None, None, None) for n, state in enumerate(states))
    schedule = ScheduleFacts("s", "ada", "scrape", True, True, True, runs=runs, entry=EntryFacts("s", 60.0))
    return [reason.message for reason in why_schedule(schedule, Around(0.0)) if reason.code in ("failed", "running")]


def test_a_run_that_is_tried_again_does_not_hide_that_those_before_it_failed() -> None:
    assert of_runs("finished", "failed") == []
    assert of_runs("failed", "finished", "failed") == ["its last run r0 failed"]
    assert of_runs("timeout", "failed") == ["its last run r0 ran out of time; the one before it failed, too"]
    assert of_runs("failed", "failed", "killed", "stopped", "failed") == ["its last run r0 failed; the 2 before it failed, too"]
    assert of_runs("stopped", "failed") == ["its last run r0 was stopped"]
    assert of_runs("canceled", "failed") == of_runs("gone", "failed") == []
    assert of_runs("retrying", "failed", "failed", "finished") == [
        "its last run that has ended, r1, failed; the one before it failed, too"
    ]
    assert of_runs("started", "failed") == ["its last run that has ended, r1, failed"]
    assert of_runs("retrying", "finished", "failed") == []
