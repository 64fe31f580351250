"""Importing users from a file: the good rows go into the directory and get their schedules, the bad ones are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO, TypeVar

from redis import Redis

from jobs import registering, rows, users
from jobs.errors import InvalidUser
from jobs.rows import BadRow, Format, Row
from jobs.users import User

BATCH = 200
MAX_BAD_ROWS = 1_000
"""How many bad rows are kept; all are counted."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do. `bad` holds the first MAX_BAD_ROWS of `bad_count` rows that were refused;
    `prune_refused` says why nobody was removed although that was asked for, and is empty otherwise."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
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
    dry_run: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> Imported:
    """Register every good row of a file (rows.py says what it looks like) and name every bad one. Messages call it `name`.

    `prune` removes the users that the file does not name, unless a row was bad or no row was good, because a bad row may be
    one of them. `dry_run` changes nothing. `on_progress` is called with the number of bytes read so far. Raises nothing for
    what the file holds; Redis's own errors pass, and what was registered before them stays.
    """
    source = _Counted(stream)
    seen: dict[str, int] = {}
    done = Imported()
    for batch in _batches(rows.read(source, format, seen)):
        done = _register(connection, batch, done, dry_run)
        if on_progress:
            on_progress(source.taken)
    if not prune:
        return done
    if done.bad_count:
        return replace(done, prune_refused=f"{name}: nobody was removed, because a bad row may be a user who is wanted still")
    if not seen:
        return replace(done, prune_refused=f"{name}: nobody was removed, because the file names no user")
    return replace(done, removed=_prune(connection, seen, dry_run))


def _register(connection: Redis, batch: list[Row | BadRow], done: Imported, dry_run: bool) -> Imported:
    """`done` with what came of one batch."""
    bad = [row for row in batch if isinstance(row, BadRow)]
    good = [row for row in batch if isinstance(row, Row)]
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
    room = MAX_BAD_ROWS - len(done.bad)
    return replace(
        done,
        added=done.added + added,
        changed=done.changed + changed,
        unchanged=done.unchanged + len(wanted) - added - changed,
        bad=done.bad + tuple(sorted(bad, key=lambda row: row.line)[:room]),
        bad_count=done.bad_count + len(bad),
    )


def _over(old: User, row: Row) -> User:
    """The user of the directory with what the file says changed. Raises InvalidUser when what is kept is invalid by now."""
    return users.validate(replace(old, **{name: getattr(row.user, name) for name in row.given}))


def _prune(connection: Redis, wanted: dict[str, int], dry_run: bool) -> int:
    removed = 0
    for batch in _batches(user_id for user_id in users.every_id(connection) if user_id not in wanted):
        if not dry_run:
            registering.remove_users(connection, batch)
        removed += len(batch)
    return removed


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
