"""`tq-console job`: one job, whole."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import click

from console.commands import job_fields, output
from console.commands.exits import DONE, NOT_HELD
from console.commands.parameters import name
from console.commands.server import one_line_errors, reader
from console.commands.table import Cell, Column, table
from console.model import shown, words
from console.model.job import Attempt, JobDetail, Place, Related
from console.model.payload import Call, Undecodable
from console.model.queries import JobQuery

ATTEMPTS: Final = (
    Column("N", right=True),
    Column("OUTCOME"),
    Column("STARTED"),
    Column("TOOK", right=True),
    Column("ERROR", "flow"),
    Column("WORKER", "clip", spare=True),
)
MEANINGS: Final = {":scheduled:": "due", ":scheduled_jobs": "due", ":finished:": "expires", ":failed:": "expires"}
"""What the score says in the lists with that in their names."""

INDENT: Final = "  "
MIN_WIDTH: Final = 40


@click.command()
@click.argument("job_id", metavar="ID", type=name)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def job(job_id: bytes, as_json: bool) -> int:
    """One job with its call, attempts, result and whatever else is known of it. Executes nothing, and masks secrets."""
    with reader() as server:
        found = server.read(JobQuery(job_id), time.time())
    assert isinstance(found, JobDetail), "a reader answers what it is asked"
    if not found.found:
        output.warn(_not_found(found))
        return NOT_HELD
    if as_json:
        output.document(job_fields.fields(found))
    else:
        _show(found)
    return DONE


def _not_found(job: JobDetail) -> str:
    if job.refused:
        return f"nothing is known of the job {job.id}: {job.refused[0].what}: {job.refused[0].reason}"
    listed = f"; it is still in {', '.join(place.name for place in job.places)}" if job.places else ""
    return f"there is no job {job.id}: it has expired, was deleted, or never was{listed}"


def _show(job: JobDetail) -> None:
    output.pairs({label: value for label, value in _facts(job).items() if value})
    _section("call", _value(job.call) if job.call is not None else ())
    if job.attempts:
        output.blank()
        table(ATTEMPTS, [_attempt(attempt, job.as_of) for attempt in job.attempts])
        if len(job.attempts) < job.attempts_total:
            output.warn(f"{len(job.attempts):,} of {job.attempts_total:,} attempts are kept")
    failed = _newest(job, lambda attempt: attempt.traceback is not None)
    if failed is not None:
        _section(f"traceback{_of(failed)}", _traceback(failed.traceback))
    returned = _newest(job, lambda attempt: attempt.has_result)
    if returned is not None:
        _section(f"result{_of(returned)}", _value(returned.result))
    _section("progress", [_progress(*job.progress)] if job.progress else ())
    _section("log", [_logged(at, message, job.as_of) for at, message in job.log])
    _section("waits for", map(_related, job.depends_on))
    more = job.dependents_total - len(job.dependents)
    _section("waited for by", [*map(_related, job.dependents), *([f"and {more:,} more"] if more > 0 else [])])
    _section("meta", _value(job.meta) if job.meta is not None else ())
    _section("other fields", [f"{field}: {value}" for field, value in job.fields.items()])
    for one in job.refused:
        output.warn(f"{one.what} could not be read: {one.reason}")


def _facts(job: JobDetail) -> dict[str, str]:
    """What is told in a line each; what nothing is known of is empty."""
    now = job.as_of
    return {
        "id": job.id,
        "described": job.description if job.description and not _says_the_call(job.description, job.call) else "",
        "state": job_fields.state(job) or "unknown",
        "queue": job.queue or "none",
        "user": f"{job.user or ''}{f', {job.tier}' if job.tier else ''}",
        "schedule": f"{job.schedule or ''}{f', {job.task}' if job.schedule and job.task else ''}",
        "slot": _instant(job.slot, now),
        "created": _instant(job.created_at, now),
        "enqueued": _instant(job.enqueued_at, now),
        "started": _instant(job.started_at, now),
        "ended": _instant(job.ended_at, now),
        "heartbeat": _instant(job.heartbeat_at, now) if job.ended_at is None else "",
        "kept": "for good" if job.expires_s is None else f"{words.age(job.expires_s)} more",
        "worker": job.worker or "",
        "retries left": words.count(job.retries_left) if job.retries_left is not None else "",
        "listed in": ", ".join(_place(place, now) for place in job.places) or "no list",
        "not searched": ", ".join(job.unsearched),
    }


def _says_the_call(description: str, called: object) -> bool:
    """Whether a description names the function that is called, as RQ's own ones do."""
    if not isinstance(called, Call):
        return False
    return words.call(description).partition("(")[0] in words.call(shown.one_line(called)).partition("(")[0].split(".")


def _instant(at: float | None, now: float) -> str:
    """An instant as seen from now, and on this machine's clock; empty where there is none."""
    return "" if at is None else f"{words.relative(at, now)} ({output.local(at, now)})"


def _place(place: Place, now: float) -> str:
    """A list, and where the job is in it: by what its score there says, or else by its rank."""
    meaning = next((meaning for part, meaning in MEANINGS.items() if part in place.name), None)
    if meaning is not None and place.score is not None:
        return f"{place.name} ({meaning} {words.relative(place.score, now)})"
    return f"{place.name}{'' if place.rank is None else f' (place {place.rank + 1:,})'}"


def _related(other: Related) -> str:
    return f"{other.id}  {other.state or 'gone'}  {other.call}".rstrip()


def _attempt(attempt: Attempt, now: float) -> tuple[Cell, ...]:
    took = None if attempt.started_at is None or attempt.ended_at is None else max(0.0, attempt.ended_at - attempt.started_at)
    return (
        words.count(attempt.n),
        attempt.outcome,
        words.relative(attempt.started_at, now),
        words.age(took),
        attempt.error or "",
        attempt.worker or "",
    )


def _newest(job: JobDetail, wanted: Callable[[Attempt], bool]) -> Attempt | None:
    return next((attempt for attempt in reversed(job.attempts) if wanted(attempt)), None)


def _of(attempt: Attempt) -> str:
    return "" if attempt.n is None else f" of attempt {attempt.n}"


def _traceback(found: str | Undecodable | None) -> Sequence[str]:
    return found.splitlines() if isinstance(found, str) else _value(found)


def _value(value: shown.Shown) -> Sequence[str]:
    """A decoded payload in lines as wide as the terminal."""
    width = shutil.get_terminal_size((shown.WIDTH, 0)).columns - len(INDENT) if sys.stdout.isatty() else shown.WIDTH
    return shown.lines(value, max(MIN_WIDTH, width))


def _progress(fraction: float | None, message: str) -> str:
    return message if fraction is None else f"{fraction:.0%} {message}".rstrip()


def _logged(at: float | None, message: str, now: float) -> str:
    return f"{words.DASH if at is None else output.local(at, now)} {message}"


def _section(title: str, lines: Iterable[str]) -> None:
    """A title and the lines under it, nothing where there are none."""
    told = list(lines)
    if told:
        output.blank()
        output.say(f"{title}:")
        for line in told:
            output.say(f"{INDENT}{line}")
