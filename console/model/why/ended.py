"""Why a job is no more on its way: it has finished, failed, was stopped, or canceled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.model import cause_words, words
from console.model.counting import counted
from console.model.text import shell_word
from console.model.why.facts import Around, JobFacts
from console.model.why.reasons import Reason

PLAIN: Final = ("raised", "unknown")
"""Causes of which the exception itself tells more than any words about it."""


def finished(job: JobFacts, around: Around) -> Iterator[Reason]:
    """Where a job that has finished is."""
    if any(one.kind == "canceled" for one in job.lists):
        yield Reason(
            "finished",
            f"it was canceled while it ran, which stops nothing, and has finished all the same{_ago(job, around)}",
            "nothing is to be done; or delete it",
            "delete",
        )
        return
    yield Reason("finished", f"it has finished{_ago(job, around)}", "", "run_again")


def failed(job: JobFacts, around: Around) -> Iterator[Reason]:
    """Why a job failed, and what helps."""
    if job.unimportable:
        yield Reason(
            "not_importable",
            f"the workers cannot import what it calls: {job.error}",
            "deploy that module to the workers, or start them where it is found (--path), and requeue it",
            "requeue",
        )
        return
    tries = f" after {counted(job.attempts, 'attempt')}" if job.attempts > 1 else ""
    left = ", and had no retry left" if job.retries_left == 0 else ""
    name = shell_word(job.id)
    what, helps = "", f"see its traceback: tq-console job {name}; when the cause is mended: tq-console requeue {name}"
    if job.failure is not None and job.failure.cause not in PLAIN:
        what, helps = cause_words.words(job.failure)
    error = f" ({job.error})" if what and job.error else job.error
    yield Reason(
        "failed", f"it failed{_ago(job, around)}{tries}{left}" + (f": {what}{error}" if what or error else ""), helps, "requeue"
    )


def stopped(job: JobFacts, around: Around) -> Iterator[Reason]:
    """That somebody stopped a job."""
    helps = f"if it should run all the same: tq-console requeue {shell_word(job.id)}"
    yield Reason("stopped", f"somebody stopped it{_ago(job, around)}", helps, "requeue")


def canceled(job: JobFacts, around: Around) -> Iterator[Reason]:
    """That a job was canceled, and whether it is at work all the same."""
    runs = next((one.name for one in around.workers if one.job == job.id and one.verdict != "gone"), None)
    if runs is not None or job.executed:
        who = f"{runs} still runs it" if runs else "it is still at work"
        yield Reason(
            "canceled_running",
            f"it was canceled while it ran, which stops nothing: {who}, and it will end as finished, or be retried",
            f"tell its worker to stop it: tq-console worker stop-job {shell_word(runs or job.worker or 'NAME')}",
            "stop_job",
        )
    else:
        helps = f"if it should run all the same: tq-console run-again {shell_word(job.id)}"
        yield Reason("canceled", f"it was canceled{_ago(job, around)}", helps, "run_again")


def _ago(job: JobFacts, around: Around) -> str:
    return "" if job.ended_at is None else f" {words.relative(job.ended_at, around.now)}"
