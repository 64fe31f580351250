"""The jobs that one waits for, and those that wait for it: who they are, their states, and what they call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from console.model.job import Related
from console.model.secrets import Secrets, masked_text
from console.model.status import Refused
from console.model.text import decoded
from console.store import rq_keys
from console.store.affordable import Size
from console.store.job_fields import Fields
from console.store.steps import Line, Reading, Steps, after
from console.store.trip import Answer
from console.store.values import text
from jobs import keys

MAX_RELATED: Final = 50
MEMBERS_BYTES: Final = 1 << 20
SHORT: Final = 4_096
"""Bytes of a related job's field that is fetched."""

FIELDS: Final = ("status", "description")


@dataclass(frozen=True, slots=True)
class Relations:
    """At most MAX_RELATED jobs each way, sorted by id but for the order in which a job names those that it waits for."""

    depends_on: tuple[Related, ...]
    dependents: tuple[Related, ...]
    dependents_total: int
    refused: tuple[Refused, ...] = ()


def read(line: Line, job: bytes, fields: Reading[Fields], secrets: Secrets) -> Steps[Relations]:
    """The relations of a job, in two trips, and two more when it has any."""
    above = Size(line, "SCARD", rq_keys.DEPENDENCIES.encode() + job + rq_keys.DEPENDENCIES_END.encode())
    below = Size(line, "SCARD", keys.RQ_JOB.encode() + job + rq_keys.DEPENDENTS.encode())
    yield
    above_ids, below_ids = members(line, above), members(line, below)
    if above_ids or below_ids:
        yield
    found = yield from after(fields)
    parents = all_named(found, above_ids)
    children = sorted(below_ids.rows()) if below_ids else []
    related = yield from _related(line, parents + children, secrets)
    return Relations(
        depends_on=tuple(related[: len(parents)]),
        dependents=tuple(related[len(parents) :]),
        dependents_total=below.count,
        refused=tuple(size.refused() for size, ids in ((above, above_ids), (below, below_ids)) if size.count and ids is None),
    )


def members(line: Line, size: Size) -> Answer | None:
    """Ask for the members of a set of jobs, MAX_RELATED at the most, where they are small enough."""
    return line.ask("SRANDMEMBER", size.key, MAX_RELATED) if size.affords(MAX_RELATED, MEMBERS_BYTES) else None


def all_named(fields: Fields, members: Answer | None) -> list[bytes]:
    """The jobs that one waits for, by its hash and by the set of them."""
    named = _named(fields)
    return [*named, *sorted(set(members.rows() if members else []) - set(named))][:MAX_RELATED]


def _named(fields: Fields) -> list[bytes]:
    """The jobs that the hash itself says it waits for, which outlive the set."""
    try:
        ids = json.loads(fields.get("dependency_ids") or b"[]")
    except (ValueError, RecursionError):
        return []
    named = [one.encode("utf-8", "surrogatepass") for one in ids if isinstance(one, str)] if isinstance(ids, list) else []
    return list(dict.fromkeys(named))[:MAX_RELATED]


def _related(line: Line, ids: Sequence[bytes], secrets: Secrets) -> Steps[list[Related]]:
    if not ids:
        return []
    prefix = keys.RQ_JOB.encode()
    lengths = [[line.ask("HSTRLEN", prefix + one, name) for name in FIELDS] for one in ids]
    yield
    fetched: list[dict[str, Answer]] = [
        {
            name: line.ask("HGET", prefix + one, name)
            for name, length in zip(FIELDS, sizes, strict=True)
            if 0 < (length.count() or 0) <= SHORT
        }
        for one, sizes in zip(ids, lengths, strict=True)
    ]
    if any(fetched):
        yield
    return [_one(one, answers, secrets) for one, answers in zip(ids, fetched, strict=True)]


def _one(job: bytes, answers: dict[str, Answer], secrets: Secrets) -> Related:
    found = {name: answer.value for name, answer in answers.items() if isinstance(answer.value, bytes)}
    called = decoded(found.get("description", b""))
    return Related(
        key=job,
        id=text(job),
        state=text(found["status"]) if "status" in found else None,
        call=text(masked_text(called, secrets)),
    )
