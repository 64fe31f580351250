"""What the filter language knows of a job: its fields, and what a row says for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from console.model.filters import Filter, FilterError, Kind, parse
from console.model.pages import JobRow
from console.model.queries import JOB_STATES, JobsQuery

FIELDS: Final[Mapping[str, Kind]] = {
    "state": "text", "queue": "text", "lane": "text", "user": "text", "tier": "text", "task": "text", "func": "text",
    "call": "text", "error": "text", "id": "text", "worker": "text", "age": "duration", "ran": "duration",
    "waited": "duration", "retries": "number",
}  # fmt: skip
"""`lane` is another word for `queue`. `func` is what stands in front of the parenthesis in the description, `call` all of it.

`age` is the time since the job was enqueued, or else created; of a failed or stopped one since it ended. `ran` is how long its
last execution took, or has taken so far; `waited` how long it was in its queue before that. `retries` are those left."""

FREE: Final = ("call", "error", "user", "id", "queue")
"""Where a bare word is looked for."""

FAILED: Final = ("failed", "stopped")


def parsed(expression: str) -> Filter:
    """The filter that `expression` says of jobs. Raises FilterError, also for a `state:` that is the name of no state."""
    found = parse(expression, FIELDS)
    for term in found.terms:
        if term.field == "state" and term.value not in JOB_STATES:
            at = max(0, expression.find(term.value, expression.lower().find("state")))
            raise FilterError(f"state is one of {', '.join(JOB_STATES)}; put the two words of one in quotes", at)
    return found


def filtered(query: JobsQuery, filter: Filter) -> JobsQuery:
    """`query` from its beginning, for what `filter` wants: `state:` and `queue:` (or `lane:`) choose the list, and the rest is
    looked for in there."""
    wanted = filter.exact_term("state")
    state = next((state for state in JOB_STATES if wanted is not None and state == wanted.value), None)
    queue, rest = queue_of(filter if state is None else filter.less(wanted))
    return replace(query, state=state or query.state, queue=queue or query.queue, filter=rest, start=0, only=None)


def queue_of(filter: Filter) -> tuple[bytes | None, Filter]:
    """The one queue that `filter` names with `queue:` or `lane:`, if it does, and the rest of the filter."""
    term = filter.exact_term("queue") or filter.exact_term("lane")
    return (None, filter) if term is None else (term.value.encode(), filter.less(term))


def matches(filter: Filter, row: JobRow, now: float) -> bool:
    """Whether every term holds for the job of `row` at `now`; a bare word holds where one of FREE has it."""
    return not filter or filter.matches(*terms(row, now), FREE)


def terms(row: JobRow, now: float) -> tuple[dict[str, str | None], dict[str, float | None]]:
    """The texts and the numbers of a row by field, for Filter.matches; None where nothing is known."""
    text = {
        "state": row.state,
        "queue": row.queue,
        "lane": row.queue,
        "user": row.user,
        "tier": row.tier,
        "task": row.task,
        "func": function(row.call),
        "call": row.call or None,
        "error": row.error,
        "id": row.id,
        "worker": row.worker,
    }
    numbers = {
        "age": _age(row, now),
        "ran": _ran(row, now),
        "waited": _waited(row, now),
        "retries": None if row.retries_left is None else float(row.retries_left),
    }
    return text, numbers


def function(call: str) -> str | None:
    """The function's name at the head of a description like `shop.mail.send('ada')`; None of a description of another kind."""
    name, parenthesis, _ = call.partition("(")
    name = name.strip()
    return name if parenthesis and name and not any(map(str.isspace, name)) else None


def _age(row: JobRow, now: float) -> float | None:
    since = row.ended_at if row.state in FAILED else None
    return _between(since or row.enqueued_at or row.created_at, now)


def _ran(row: JobRow, now: float) -> float | None:
    # While a job that was tried before runs, its hash still says when the try before ended.
    return _between(row.started_at, now if row.state == "running" else row.ended_at)


def _waited(row: JobRow, now: float) -> float | None:
    if row.state == "queued":
        return _between(row.enqueued_at or row.created_at, now)
    waited = None if row.started_at is None or row.enqueued_at is None else row.started_at - row.enqueued_at
    return waited if waited is not None and waited >= 0 else None


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)
