"""The task `scrape`: read a user's sources, note what changed, and have each change delivered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from urllib.parse import urlsplit

from redis import Redis

from jobs import changes, runs
from jobs.changes import Change, Recorded, Snapshot
from jobs.defining import task
from jobs.errors import PermanentError, RetryAfter, UnknownUser
from jobs.running import log, progress
from jobs.tasks.for_user import connected, user_of
from jobs.users import User
from jobs.web import fetch, page
from jobs.web.answers import Unavailable
from jobs.web.fetch import Validators

MAX_MESSAGE = 200

Failure = PermanentError | RetryAfter | Unavailable


@task("scrape")
def scrape_for_user(user_id: str) -> dict[str, int]:
    """Read each source of the user, and return how many there are, and how many are new, changed and unchanged.

    A source is asked only for what changed since its last snapshot. Its first snapshot is no change. Each change of a user
    with a webhook is stored together with the snapshot and then enqueued for delivery, and so is every earlier one that is
    still pending, so that a crash in between loses none. Every source is tried, whatever becomes of the others.

    Raises, after all were tried, RetryAfter or Unavailable if one of them may succeed later, else PermanentError if one
    failed; trying again costs little, for what was read is asked for conditionally. For an unknown user: PermanentError.
    """
    with connected() as connection:
        user = user_of(connection, user_id)
        if not user.active:
            log("the user is not active; nothing was read")
            return _summary([])
        known = changes.snapshots(connection, user.id, user.sources)
        done: list[Recorded] = []
        failed: dict[str, Failure] = {}
        for n, source in enumerate(_from_anywhere(user.sources)):
            progress(n / len(user.sources), f"source {n + 1} of {len(user.sources)}: {_host(source)}")
            try:
                done.append(_scrape(connection, user, source, known.get(source)))
            except (PermanentError, RetryAfter, Unavailable) as failure:
                failed[source] = failure
                log(f"source {user.sources.index(source) + 1} failed: {failure}")
        changes.forget(connection, user.id, but=user.sources)
        _have_delivered(connection, user, changes.pending(connection, user.id))
        progress(1.0, f"{len(done)} of {len(user.sources)} sources read")
        if failed:
            raise _in_one([failed[source] for source in user.sources if source in failed], len(user.sources)) from None
        return _summary(done)


def _scrape(connection: Redis, user: User, source: str, last: Snapshot | None) -> Recorded:
    found = fetch.get(source, Validators(last.url, last.etag, last.last_modified) if last else None)
    if found is None:
        log(f"{_host(source)}: not modified")
        return Recorded()
    read = page.read(found.body, found.content_type, found.charset, found.url)
    seen = Snapshot(
        url=found.url,
        title=read.title,
        text_hash=read.text_hash,
        links=read.links,
        etag=found.etag,
        last_modified=found.last_modified,
    )
    try:
        recorded = changes.record(connection, user.id, source, seen, keep_change=bool(user.webhook))
    except UnknownUser as error:
        raise PermanentError(str(error)) from None
    log(f"{_host(source)}: {_outcome(recorded)}")
    if recorded.dropped:
        log(f"{recorded.dropped} of the oldest undelivered changes dropped: at most {changes.MAX_PENDING_CHANGES} wait")
    if recorded.change:
        # At once, and not only at the end: the run may be stopped at a later source.
        _have_delivered(connection, user, [recorded.change])
    return recorded


def _have_delivered(connection: Redis, user: User, pending: Sequence[Change]) -> None:
    """Enqueue one delivery for each of the changes, in one round trip; one that is enqueued already is left alone."""
    if not user.webhook or not pending:
        return
    with connection.pipeline(transaction=False) as pipe:
        for change in pending:
            runs.queue_run(pipe, connection, "deliver", user, key=change.id, args=(user.id, change.id), kind="called")
        pipe.execute()


def _from_anywhere(sources: Sequence[str]) -> list[str]:
    """The sources from another one on each time, so that slow ones cannot for ever keep those behind them from being read."""
    start = random.randrange(len(sources)) if sources else 0  # noqa: S311 - spreads chances, guards nothing
    return [*sources[start:], *sources[:start]]


def _in_one(failures: Sequence[Failure], sources: int) -> Failure:
    """The one error that a run can end with: the kindest of them, in the words of all."""
    text = "; ".join(str(failure) for failure in failures)
    if sources > 1:
        text = f"{len(failures)} of {sources} sources failed: {text}"
    message = text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
    waits = [failure.seconds for failure in failures if isinstance(failure, RetryAfter)]
    if waits:
        return RetryAfter(max(waits), message)
    if any(isinstance(failure, Unavailable) for failure in failures):
        return Unavailable(message)
    return PermanentError(message)


def _outcome(recorded: Recorded) -> str:
    return "read for the first time" if recorded.first else "changed" if recorded.change else "the same text"


def _summary(done: Sequence[Recorded]) -> dict[str, int]:
    new = sum(recorded.first for recorded in done)
    changed = sum(recorded.change is not None for recorded in done)
    return {
        "sources": len(done),
        "new": new,
        "changed": changed,
        "unchanged": len(done) - new - changed,
        "dropped": sum(recorded.dropped for recorded in done),
    }


def _host(source: str) -> str:
    try:
        return (urlsplit(source).hostname or "no host")[:80]
    except ValueError:
        return "no host"
