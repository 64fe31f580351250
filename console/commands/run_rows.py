"""Runs and their attempts as the commands show them: what was raised, above all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from console.commands import output
from console.commands.table import Cell, Column, table
from console.model.masking import masked
from console.model.schedules import RunRow as ScheduleRun
from jobs import attempts
from jobs.attempts import Attempt
from jobs.run_log import LogLine, Progress
from jobs.schedules import RunRecord

COLUMNS = (
    Column("RUN"),
    Column("STATE"),
    Column("SLOT"),
    Column("STARTED", "flow"),
    Column("ERROR", "flow"),
    Column("KIND", spare=True),
    Column("ATTEMPTS", right=True, spare=True),
    Column("DURATION", spare=True),
)
ATTEMPT_COLUMNS = (
    Column("RUN"),
    Column("N", right=True),
    Column("STARTED"),
    Column("ENDED"),
    Column("OUTCOME"),
    Column("ERROR", "flow"),
    Column("WORKER", spare=True),
)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with its attempts, first to last."""

    run: RunRecord
    attempts: list[Attempt]

    @property
    def error(self) -> str:
        """The last error of a run that has not finished well, credentials masked; "" when there is none."""
        if self.run.state == "finished":
            return ""
        return next((masked(attempt.error) for attempt in reversed(self.attempts) if attempt.error), "")


def with_attempts(connection: Redis, runs: Sequence[RunRecord]) -> list[RunRow]:
    """Those runs with their attempts, in one round trip."""
    found = attempts.read(connection, [run.id for run in runs]) if runs else []
    return [RunRow(run, own) for run, own in zip(runs, found, strict=True)]


def suffix(run_id: str, schedule_id: str) -> str:
    """What tells a run from the others of its schedule: its slot, or `now_` and `all_` with a number."""
    return run_id.removeprefix(f"{schedule_id}-")


def show_runs(rows: Sequence[RunRow], schedule_id: str, now: float) -> None:
    """Print a line for each run."""
    table(COLUMNS, [_cells(row, schedule_id, now) for row in rows])


def show_attempts(rows: Sequence[RunRow], schedule_id: str, now: float) -> None:
    """Print a line for each attempt of each run."""
    table(
        ATTEMPT_COLUMNS,
        [
            (
                (row.run.id, suffix(row.run.id, schedule_id)),
                str(attempt.n),
                _instant(attempt.started_at, now),
                _instant(attempt.ended_at, now),
                attempt.outcome,
                masked(attempt.error),
                attempt.worker,
            )
            for row in rows
            for attempt in row.attempts
        ],
    )


def show_run(row: RunRow, progress: Progress | None, log: Sequence[LogLine], schedule_id: str, now: float) -> None:
    """Print all that is known of one run: its attempts, the last traceback, its progress and its log."""
    show_runs([row], schedule_id, now)
    if row.attempts:
        output.blank()
        show_attempts([row], schedule_id, now)
    failed = next((attempt for attempt in reversed(row.attempts) if attempt.traceback), None)
    if failed:
        output.blank()
        output.say(f"traceback of attempt {failed.n}:")
        for line in masked(failed.traceback).splitlines():
            output.say(f"  {line}")
    if progress:
        output.blank()
        output.say(f"progress: {progress.fraction:.0%} {masked(progress.message)} ({output.relative(progress.at, now)})")
    if log:
        output.blank()
        output.say("log:")
        for entry in log:
            output.say(f"  {output.local(entry.at, now)} attempt {entry.attempt}: {masked(entry.message)}")


def fields(row: RunRow) -> dict[str, Any]:
    """A run for programs, with its last error."""
    return run_fields(row.run) | {"error": row.error or None}


def run_fields(run: RunRecord | ScheduleRun) -> dict[str, Any]:
    """A run for programs."""
    return {
        "run": run.id,
        "kind": run.kind,
        "outcome": run.state,
        "slot": output.utc(run.slot),
        "started_at": output.utc(run.started_at),
        "duration_s": run.duration_s,
        "attempts": run.attempts,
    }


def attempt_fields(attempt: Attempt) -> dict[str, Any]:
    """An attempt for programs: the fields that COMMANDS.md promises."""
    return {
        "n": attempt.n,
        "started_at": output.utc(attempt.started_at),
        "ended_at": output.utc(attempt.ended_at),
        "worker": attempt.worker,
        "outcome": attempt.outcome,
        "error": masked(attempt.error) or None,
        "traceback": masked(attempt.traceback) or None,
    }


def told_fields(progress: Progress | None, log: Sequence[LogLine]) -> dict[str, Any]:
    """What a run said of itself, for programs."""
    return {
        "progress": progress
        and {"fraction": progress.fraction, "message": masked(progress.message), "at": output.utc(progress.at)},
        "log": [{"at": output.utc(line.at), "attempt": line.attempt, "message": masked(line.message)} for line in log],
    }


def _cells(row: RunRow, schedule_id: str, now: float) -> tuple[Cell, ...]:
    run = row.run
    return (
        (run.id, suffix(run.id, schedule_id)),
        run.state,
        _instant(None if run.slot is None else int(run.slot), now),
        "—" if run.started_at is None else output.relative(run.started_at, now),
        row.error,
        run.kind,
        str(run.attempts),
        output.duration(run.duration_s) or "—",
    )


def _instant(at: float | None, now: float) -> tuple[str, str]:
    """An instant in full, and shortened to the clock of this machine."""
    return ("—", "—") if at is None else (output.utc(at) or "—", output.local(at, now))
