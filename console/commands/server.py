"""The server that a command works on, and how a command ends when something is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from redis import Redis
from redis.exceptions import RedisError

from console import settings as console_settings
from console.commands.exits import UNREACHABLE
from console.model.ports import Reader, ReadError
from console.model.text import visible
from console.store.reader import open_reader
from console.store.server import connect, explained
from jobs import settings
from jobs.errors import JobsError

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def connection() -> Iterator[Redis]:
    """A client of the server that the settings name, closed at the end.

    Raises ServerError, one line without the password, when the server cannot be reached or refuses.
    """
    url = settings.current().redis_url
    try:
        client = connect(url)
    except ValueError as error:
        raise ServerError(str(error)) from None
    try:
        yield client
    except RedisError as error:
        raise ServerError(explained(error, url)) from None
    finally:
        client.close()


@contextmanager
def reader() -> Iterator[Reader]:
    """What answers the queries of the screens, on the same server, closed at the end. Raises ServerError, as `connection`."""
    try:
        found = open_reader(settings.current().redis_url, console_settings.read().mask)
        try:
            yield found
        finally:
            found.close()
    except ReadError as error:
        raise ServerError(str(error)) from None


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """`command` with each error of the job layer told in one line and exit status 2."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except JobsError as error:
            raise click.UsageError(visible(str(error))) from None

    return told


def changes(command: Callable[P, R]) -> Callable[P, R]:
    """`command`, which changes something on the server, refused where everything is only looked at."""

    @wraps(command)
    def refused(*args: P.args, **kwargs: P.kwargs) -> R:
        why = click.get_current_context().find_root().meta.get(console_settings.READ_ONLY_BY)
        if why:
            raise click.UsageError(f"nothing is changed here: {why} says that everything is only looked at")
        return command(*args, **kwargs)

    return refused


class ServerError(click.ClickException):
    """The server cannot be reached, or refuses."""

    exit_code = UNREACHABLE
