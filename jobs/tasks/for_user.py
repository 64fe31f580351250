"""What every task for a user begins with: a connection, and the user as the directory has them now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from jobs import settings, users
from jobs.connecting import client
from jobs.errors import PermanentError, UnknownUser
from jobs.running import current_run
from jobs.users import User


@contextmanager
def connected() -> Iterator[Redis]:
    """The run's connection; outside of a run, one to the server of the settings, closed at the end."""
    run = current_run()
    if run is not None:
        yield run.connection
        return
    connection = client(settings.current().redis_url)
    try:
        yield connection
    finally:
        connection.close()


def user_of(connection: Redis, user_id: str) -> User:
    """The user of that id. Raises PermanentError: a user who was removed does not come back by trying again."""
    try:
        return users.get(connection, user_id)
    except UnknownUser as error:
        raise PermanentError(str(error)) from None
