"""The executions of a job: those that our task wrapper noted, or else those of which RQ kept a result.

RQ keeps nothing of an attempt that failed and was tried again (RQ field guide, section 3), so of a job that is not ours there
may have been more than are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from console.model import tracebacks
from console.model.job import Attempt
from console.model.payload import Undecodable, Value
from console.model.secrets import Secrets, masked_payload, masked_text, masked_undecodable
from console.model.status import Refused
from console.store import decoding, rq_keys
from console.store.affordable import Size
from console.store.job_fields import Fields
from console.store.progress import progress
from console.store.steps import Line, Reading, Steps, after
from console.store.values import instant, number, text, text_or_none
from jobs import keys
from jobs.attempts import MAX_ATTEMPTS
from jobs.running import MAX_LOG_LINES

MAX_RESULTS: Final = 10
MAX_RESULTS_BYTES: Final = 6 << 20
MAX_OURS_BYTES: Final = 2 << 20
"""Results that are fetched, the newest; and what they, and what our attempts and log, may take."""

MAX_FIELDS: Final = 64
HEAD: Final = 4_000
TAIL: Final = 60_000
"""Characters of a traceback that are kept: where it begins and where it ends."""

MAX_ERROR: Final = 500

OUTCOMES: Final = {b"1": "finished", b"2": "failed", b"3": "stopped", b"4": "retried", b"5": "failed"}
"""The types of a result (rq.results.Result.Type)."""

NOTED: Final = ("running", "finished", "failed", "retrying", "timeout", "killed", "lost", "stopped")
"""Outcomes of our attempts (jobs.attempts.Attempt)."""

TOLD: Final = {
    "Job stopped by user": "stopped",
    "Work-horse terminated unexpectedly": "killed",
    "Moved to FailedJobRegistry, due to AbandonedJobError": "lost",
    "Job was stuck in intermediate queue": "lost",
}
"""How RQ begins what it says in place of a traceback when there is none (rq.worker, rq.registry, rq.intermediate_queue)."""

TIMEOUT: Final = "rq.timeouts.JobTimeoutException"


@dataclass(frozen=True, slots=True)
class Executions:
    """The attempts of a job, first to last, how many there were, and what it has said of itself."""

    attempts: tuple[Attempt, ...]
    total: int
    progress: tuple[float | None, str] | None = None
    log: tuple[tuple[float | None, str], ...] = ()
    refused: tuple[Refused, ...] = ()


def read(line: Line, job: bytes, fields: Reading[Fields], secrets: Secrets) -> Steps[Executions]:
    """The executions of a job, in two trips."""
    results = Size(line, "XLEN", rq_keys.RESULTS.encode() + job)
    ours = Size(line, "HLEN", keys.ATTEMPTS.encode() + job)
    log = Size(line, "LLEN", keys.LOG.encode() + job)
    yield
    entries = noted = written = None
    if 0 < results.memory <= MAX_RESULTS_BYTES:
        entries = line.ask("XREVRANGE", results.key, "+", "-", "COUNT", MAX_RESULTS)
    if ours.count <= MAX_FIELDS and 0 < ours.memory <= MAX_OURS_BYTES:
        noted = line.ask("HGETALL", ours.key)
    if log.affords(MAX_LOG_LINES, MAX_OURS_BYTES):
        written = line.ask("LRANGE", log.key, -MAX_LOG_LINES, -1)
    yield
    found = yield from after(fields)
    kept = [_result(entry, secrets) for entry in (entries.rows() if entries else [])][::-1]
    own: Any = noted.value if noted and isinstance(noted.value, Mapping) else {}
    attempts = _noted(own, secrets)
    total = max(len(attempts), int(number(own.get(b"n")) or 0))
    if attempts:
        attempts = _with_results(attempts, kept)
    else:
        attempts = _foreign(kept, found)
        total = max(len(attempts), results.count + (len(attempts) - len(kept)))
    return Executions(
        attempts=tuple(attempts),
        total=total,
        progress=progress(own.get(b"progress"), secrets),
        log=tuple(_lines(written.rows() if written else [], secrets)),
        refused=tuple(
            size.refused()
            for size, answer in ((results, entries), (ours, noted), (log, written))
            if size.count and answer is None
        ),
    )


# --- ours ---------------------------------------------------------------------------------------


def _noted(raw: Mapping[bytes, bytes], secrets: Secrets) -> list[Attempt]:
    numbered = sorted((int(name), value) for name, value in raw.items() if name.isdigit() and len(name) < 10)
    return [attempt for n, value in numbered[-MAX_ATTEMPTS:] if (attempt := _attempt(n, value, secrets))]


def _attempt(n: int, raw: bytes, secrets: Secrets) -> Attempt | None:
    """An attempt as jobs/attempts.py writes it; None of what is none."""
    record = _record(raw)
    outcome = record.get("outcome")
    if outcome not in NOTED:
        return None
    trace = masked_text(_bounded(str(record.get("traceback", ""))), secrets)
    error = masked_text(str(record.get("error", ""))[:HEAD], secrets)
    return Attempt(
        n=n,
        started_at=_instant(record.get("started")),
        ended_at=_instant(record.get("ended")),
        worker=text(str(record.get("worker", ""))) or None,
        outcome="retried" if outcome == "retrying" else str(outcome),
        error=error[:MAX_ERROR] or None,
        traceback=trace or None,
    )


def _with_results(attempts: list[Attempt], results: list[Attempt]) -> list[Attempt]:
    """Our attempts, the finished ones with the values that RQ kept of them, from the newest back."""
    values = [result for result in results if result.outcome == "finished"]
    told = []
    for attempt in reversed(attempts):
        if attempt.outcome == "finished" and values:
            result = values.pop()
            attempt = replace(attempt, result=result.result, has_result=result.has_result)
        told.append(attempt)
    return told[::-1]


def _lines(raw: list[bytes], secrets: Secrets) -> Iterator[tuple[float | None, str]]:
    for line in raw:
        record = _record(line)
        if "message" in record:
            yield _instant(record.get("at")), masked_text(text(str(record["message"])), secrets)


def _record(raw: bytes | None) -> dict[str, Any]:
    try:
        record = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _instant(value: object) -> float | None:
    """An instant as the work-horse writes it (a number), or as RQ writes it into the job."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        return instant(value[:40].encode("utf-8", "replace"))
    return number(value) if isinstance(value, str | int | float) else None


# --- RQ's ---------------------------------------------------------------------------------------


def _foreign(results: list[Attempt], fields: Fields) -> list[Attempt]:
    """The attempts of which RQ kept a result, and the one that is running."""
    if fields.get("status") != b"started":
        return results
    running = Attempt(None, instant(fields.get("started_at")), None, text_or_none(fields.get("worker_name")), "running")
    return [*results, running]


def _result(entry: tuple[bytes, Mapping[bytes, bytes]], secrets: Secrets) -> Attempt:
    """An entry of a results stream. When it was written stands for an end that RQ did not note, as of a lost worker's."""
    name, raw = entry
    trace = decoding.traceback(raw[b"exc_string"]) if raw.get(b"exc_string") else None
    outcome = OUTCOMES.get(raw.get(b"type", b""), "unknown")
    error = rq_keys.EXHAUSTED_SAID if raw.get(b"type") == rq_keys.EXHAUSTED else None
    if isinstance(trace, str):
        outcome = _outcome(outcome, trace)
        error = masked_text(tracebacks.final_line(trace)[:HEAD], secrets)[:MAX_ERROR] or None
        trace = masked_text(_bounded(trace), secrets)
    elif trace is not None:
        trace = masked_undecodable(trace, secrets)
    value: Value | Undecodable = None
    if raw.get(b"return_value"):
        value = masked_payload(decoding.result(raw[b"return_value"]), secrets)
    written = number(name.partition(b"-")[0])
    return Attempt(
        n=None,
        started_at=number(raw.get(b"execution_started_at")),
        ended_at=number(raw.get(b"execution_ended_at")) or (None if written is None else written / 1000),
        worker=text_or_none(raw.get(b"worker_name")),
        outcome=outcome,
        error=error,
        traceback=trace,
        result=value,
        # RQ writes no value where a function returned None.
        has_result=outcome == "finished" or b"return_value" in raw,
    )


def _outcome(outcome: str, trace: str) -> str:
    if outcome != "failed":
        return outcome
    for beginning, told in TOLD.items():
        if trace.startswith(beginning):
            return told
    return "timeout" if tracebacks.final_line(trace).startswith(TIMEOUT) else outcome


def _bounded(trace: str) -> str:
    """A traceback, or where it begins and where it ends, in whole lines where they are short."""
    if len(trace) <= HEAD + TAIL:
        return trace
    head, tail = trace[:HEAD].rpartition("\n")[0] or trace[:HEAD], trace[-TAIL:].partition("\n")[2] or trace[-TAIL:]
    return f"{head}\n… {len(trace) - len(head) - len(tail):,} characters\n{tail}"
