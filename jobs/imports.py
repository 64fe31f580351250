"""Importing users from a file: the good rows go into the directory and get their schedules, the bad ones are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO, TypeVar

from redis import Redis

from jobs import registering, rows, users
from jobs.errors import InvalidUser
from jobs.rows import BadRow, Format, Row
from jobs.users import User

BATCH = 1_000
_EVERY_FIELD = frozenset(rows.COLUMNS)
MAX_BAD_ROWS = 1_000
"""How many bad rows are kept; all are counted."""

MAX_SURPLUS = 1_000
"""How many of the users who are removed are named; all are counted."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do. `surplus` names the first MAX_SURPLUS of those who are
    `removed`; `bad` holds the first MAX_BAD_ROWS of `bad_count` rows that were refused; `prune_refused` says why nobody was
    removed although that was asked for, and is empty otherwise."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    surplus: tuple[str, ...] = ()
    bad: tuple[BadRow, ...] = ()
    bad_count: int = 0
    prune_refused: str = ""


def import_users(
    connection: Redis,
    stream: BinaryIO,
    *,
    name: str,
    format: Format,
    prune: bool = False,
    may_remove: Callable[[Sequence[str]], str] | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> Imported:
    """Register every good row of a file (rows.py says what it looks like) and name every bad one. Messages call it `name`.

    `prune` removes the users that the file does not name, unless a row was bad or no row was good, because a bad row may be
    one of them, or `may_remove`, which is asked about their ids, says why not ("": they may go). `dry_run` changes
    nothing. `on_progress` is called with the number of bytes read so far. Raises nothing for what the file holds; Redis's own
    errors pass, and what was registered before them stays.
    """
    source = _Counted(stream)
    seen: dict[str, int] = {}
    done = Imported()
    # The server works on one batch while the next one is read and checked.
    with ThreadPoolExecutor(max_workers=1) as ahead:
        under_way: Future[Imported] | None = None
        for batch in _batches(rows.read(source, format, seen)):
            if under_way:
                done = _plus(done, under_way.result())
            under_way = ahead.submit(_register, connection, batch, dry_run)
            if on_progress:
                on_progress(source.taken)
        if under_way:
            done = _plus(done, under_way.result())
    if not prune:
        return done
    if done.bad_count:
        return replace(done, prune_refused=f"{name}: nobody was removed, because a bad row may be a user who is wanted still")
    if not seen:
        return replace(done, prune_refused=f"{name}: nobody was removed, because the file names no user")
    surplus = [user_id for user_id in users.every_id(connection) if user_id not in seen]
    if surplus and may_remove and not dry_run and (reason := may_remove(surplus)):
        return replace(done, prune_refused=f"{name}: nobody was removed, {reason}")
    if not dry_run:
        for ids in _batches(iter(surplus)):
            registering.remove_users(connection, ids)
    return replace(done, removed=len(surplus), surplus=tuple(surplus[:MAX_SURPLUS]))


def _register(connection: Redis, batch: list[Row | BadRow], dry_run: bool) -> Imported:
    """What came of one batch."""
    bad = [row for row in batch if isinstance(row, BadRow)]
    good = [row for row in batch if isinstance(row, Row)]
    if dry_run or any(row.given != _EVERY_FIELD for row in good):
        # Only what the file leaves open has to be read first; a dry run reads what it would change.
        return _compared(connection, good, bad, dry_run)
    saved = registering.set_users(connection, [row.user for row in good])
    return Imported(saved.added, saved.changed, saved.unchanged, bad=tuple(bad), bad_count=len(bad))


def _compared(connection: Redis, good: list[Row], bad: list[BadRow], dry_run: bool) -> Imported:
    wanted: list[User] = []
    added = changed = 0
    for row, old in zip(good, users.get_many(connection, [row.user.id for row in good]) if good else [], strict=True):
        try:
            user = _over(old, row) if old else row.user
        except InvalidUser as error:
            bad.append(row.refused(str(error)))
            continue
        wanted.append(user)
        added += old is None
        changed += old is not None and old != user
    if not dry_run:
        registering.set_users(connection, wanted)
    in_order = tuple(sorted(bad, key=lambda row: row.line))
    return Imported(added, changed, len(wanted) - added - changed, bad=in_order, bad_count=len(bad))


def _plus(done: Imported, batch: Imported) -> Imported:
    room = MAX_BAD_ROWS - len(done.bad)
    return replace(
        done,
        added=done.added + batch.added,
        changed=done.changed + batch.changed,
        unchanged=done.unchanged + batch.unchanged,
        bad=done.bad + batch.bad[:room],
        bad_count=done.bad_count + batch.bad_count,
    )


def _over(old: User, row: Row) -> User:
    """The user of the directory with what the file says changed. Raises InvalidUser when what is kept is invalid by now."""
    return users.validate(replace(old, **{name: getattr(row.user, name) for name in row.given}))


def _batches(values: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(values, BATCH)):
        yield batch


class _Counted:
    """A stream that counts the bytes taken from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        found = self._stream.read(size)
        self.taken += len(found)
        return found

    def readline(self, size: int = -1, /) -> bytes:
        found = self._stream.readline(size)
        self.taken += len(found)
        return found
