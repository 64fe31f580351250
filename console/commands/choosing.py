"""What a command is meant for: jobs by their ids, or all of a list, or those of it that a filter wants."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import click

from console.commands.parameters import filter_option, fingerprint, name, state
from console.model import job_terms
from console.model.commands import (
    STATES,
    Everything,
    JobCommand,
    JobSeen,
    Move,
    Outcome,
    Requeue,
    RetryNow,
    Seen,
    Stop,
    ToFront,
    outcome,
)
from console.model.filters import Filter
from console.model.ports import Reader
from console.model.queries import JOB_STATES, FailuresQuery, JobsQuery, JobState, NamedQuery, SelectQuery
from console.model.selection import MAX_SELECTED, Preview, Selected
from console.model.text import decoded

F = TypeVar("F", bound=Callable[..., Any])

USUAL: Final[dict[type[JobCommand], JobState | None]] = {
    Requeue: None, RetryNow: "retrying", Stop: "running", Move: "queued", ToFront: "queued",
}  # fmt: skip
"""The list that a command is meant for when no state is given, None for all failures; of others the state must be said."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a command is meant for: `one` and `many` are the words for it, `query` finds it, and `seen` needs no finding. Of
    `named` ones, which the query finds in whatever state they are, those in one of `states` are meant. `none` is what is wrong
    when nothing is found, empty where that may be so."""

    one: str
    many: str
    query: SelectQuery | None = None
    seen: tuple[Seen, ...] = ()
    named: tuple[bytes, ...] = ()
    states: frozenset[str] = frozenset()
    none: str = ""

    @property
    def everything(self) -> bool:
        """Whether it is the whole installation."""
        return self.seen == (Everything(),)

    def told(self, seen: Sequence[Seen]) -> str:
        """What was found of it, a single one by its name: "job fail-01", "1 failed job of the queue low: fail-01"; "3 failed
        jobs of the queue low", "all workers"."""
        if self.everything:
            return self.many
        if len(seen) == 1 and self.named:
            return f"{self.one} {decoded(seen[0].key)}"
        if len(seen) == 1:
            return f"1 {self.one}: {decoded(seen[0].key)}"
        return f"{len(seen):,} {self.many}"


@dataclass(frozen=True, slots=True)
class Found:
    """What is acted on, and those of the named ones that are left alone, with the reason. `warnings` are told before it is;
    `nowhere` says that nothing names the queue whose list is meant, empty where something does."""

    preview: Preview
    left: tuple[Outcome, ...] = ()
    warnings: tuple[str, ...] = ()
    nowhere: str = ""


def of_jobs(command: F) -> F:
    """The arguments and options that say which jobs."""
    for decorate in (
        filter_option(
            job_terms.FIELDS, "All for which it holds, such as 'user:42 age>1h'; `state:` and `queue:` choose the list."
        ),
        click.option("--group", type=fingerprint, metavar="FP", help="All failures of this group, as `failures` shows it."),
        click.option("--state", "of_state", type=state, metavar="S", help=f"All in this state: {', '.join(JOB_STATES)}."),
        click.option("--queue", type=name, metavar="Q", help="All of this queue."),
        click.argument("ids", metavar="[ID]...", type=name, nargs=-1),
    ):
        command = decorate(command)
    return command


def chosen(
    kind: type[JobCommand],
    ids: Sequence[bytes],
    queue: bytes | None,
    of_state: JobState | None,
    group: str | None,
    wanted: Filter,
) -> Chosen:
    """The jobs that the arguments of `of_jobs` say, for a command of this kind. Raises UsageError."""
    listed = queue is not None or of_state is not None or group is not None or bool(wanted)
    if ids and listed:
        raise click.UsageError("give ids, or else --queue, --state, --group and --filter")
    if ids:
        return _named(kind, ids)
    if group is not None and of_state is not None:
        raise click.UsageError("a group is of failures: give --group without --state")
    if group is not None:
        return _grouped(kind, queue, group, wanted)
    if listed:
        return _listed(kind, queue, of_state, wanted)
    raise click.UsageError("say which jobs: their ids, - for ids on standard input, or --queue, --state, --group, --filter")


def _named(kind: type[JobCommand], ids: Sequence[bytes]) -> Chosen:
    if b"-" in ids and len(ids) > 1:
        raise click.UsageError("- reads ids on standard input; give no others beside it")
    named = tuple(dict.fromkeys(_from_standard_input() if ids[0] == b"-" else ids))
    if len(named) > MAX_SELECTED:
        raise click.UsageError(f"{len(named):,} ids are too many; give {MAX_SELECTED:,} at the most")
    return Chosen("job", "jobs", NamedQuery(named), named=named, states=STATES[kind])


def _listed(kind: type[JobCommand], queue: bytes | None, of_state: JobState | None, wanted: Filter) -> Chosen:
    said = of_state is not None or wanted.exact_term("state") is not None
    if not said and kind not in USUAL:
        raise click.UsageError(f"say in which state, with --state: {names(STATES[kind])}")
    usual = USUAL.get(kind)
    listed = job_terms.filtered(JobsQuery(of_state or usual or "failed", queue), wanted)
    _check(kind, listed.state)
    failures = not said and usual is None
    query = FailuresQuery(listed.queue, filter=listed.filter) if failures else listed
    what = "failed or stopped" if failures else listed.state
    return _told(what, "", query)


def _grouped(kind: type[JobCommand], queue: bytes | None, group: str, wanted: Filter) -> Chosen:
    _check(kind, "failed")
    of_filter, rest = job_terms.queue_of(wanted)
    query = FailuresQuery(of_filter or queue, filter=rest, group=group)
    return _told("failed or stopped", f" of the group {group}", query)


def _told(what: str, where: str, query: JobsQuery | FailuresQuery) -> Chosen:
    where += "" if query.queue is None else f" of the queue {decoded(query.queue)}"
    where += f" with {query.filter}" if query.filter else ""
    return Chosen(f"{what} job{where}", f"{what} jobs{where}", query)


def _check(kind: type[JobCommand], state: JobState) -> None:
    if state not in STATES[kind]:
        raise click.UsageError(f"{kind.WORD} is for jobs that are {names(STATES[kind])}, not for {state} ones")


def find(server: Reader, meant: Chosen, now: float, *, details: bool, tell: Callable[[Preview], object]) -> Found:
    """Look for what is meant, and tell after each chunk. `details`: with what a preview tells. Raises ReadError."""
    preview = Preview(now)
    left: list[Outcome] = []
    met: set[bytes] = set()
    if meant.query is None:
        met.update(one.key for one in meant.seen)
        gone = sum(one not in met for one in meant.named)
        preview.add(Selected(1, 1, meant.seen, in_way=Counter({"gone": gone} if gone else {}), done=True))
    for chunk in server.select(meant.query, now, lambda: False, details=details) if meant.query is not None else ():
        if meant.named:
            met.update(one.key for one in chunk.seen)
            chunk, unfit = _fitting(chunk, meant.states)
            left += unfit
        preview.add(chunk)
        tell(preview)
    if not meant.named:
        preview.sort()
    left += [outcome(one, "gone", f"there is no such {meant.one}") for one in meant.named if one not in met]
    return Found(preview, tuple(left))


def _fitting(chunk: Selected, states: frozenset[str]) -> tuple[Selected, list[Outcome]]:
    """What of a chunk is in one of these states, and what is to be said of the others."""
    unfit = [one for one in chunk.seen if isinstance(one, JobSeen) and one.state not in states]
    if not unfit:
        return chunk, []
    codes = {one.key: "running" if one.state == "running" else "state" for one in unfit}
    in_way = chunk.in_way.copy()
    in_way.update(codes.values())
    seen = tuple(one for one in chunk.seen if one.key not in codes)
    rows = tuple(row for row in chunk.rows if row.key not in codes)
    said = {one.key: f"it is {one.state or 'in no state that is known'}" for one in unfit}
    return (
        replace(chunk, seen=seen, rows=rows, in_way=in_way),
        [outcome(key, code, said[key]) for key, code in codes.items()],
    )


def names(states: Iterable[str]) -> str:
    """States in words, in their usual order."""
    return ", ".join(one for one in JOB_STATES if one in states)


def _from_standard_input() -> Iterator[bytes]:
    """Ids on standard input, with blanks or ends of lines between them."""
    for line in sys.stdin.buffer:
        yield from line.split()
