"""The server that a command works on: how it is named, reached and spoken of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from console.model.masking import mask_url
from jobs import settings
from jobs.errors import JobsError

UNREACHABLE = 3
TIMEOUT = 5.0
"""Seconds to connect, and to wait for one reply."""

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def connection() -> Iterator[Redis]:
    """A client of the server that the settings name, closed at the end.

    Raises ServerError, one line without the password, when the server cannot be reached or refuses.
    """
    url = settings.current().redis_url
    try:
        client = Redis.from_url(
            url,
            socket_connect_timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=30,
        )
        # An option that no connection takes shows only when one is made.
        client.connection_pool.make_connection()
    except (ValueError, TypeError):
        raise ServerError(f"RQ_REDIS_URL: {mask_url(url)} is no Redis URL; write redis://host:6379/0 or unix:///path") from None
    try:
        yield client
    except AuthenticationError:
        raise ServerError(f"{mask_url(url)}: the server refuses these credentials; check RQ_REDIS_URL") from None
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise ServerError(
            f"{mask_url(url)}: cannot be reached ({_reason(error)}); is it running, is RQ_REDIS_URL right?"
        ) from None
    except RedisError as error:
        raise ServerError(f"{mask_url(url)}: the server refuses: {_reason(error)}") from None
    finally:
        client.close()


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """`command` with each error of the job layer told in one line and exit status 2."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except JobsError as error:
            raise click.UsageError(str(error)) from None

    return told


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return re.sub(r"^Error \S+ connecting to .*?\. ", "", text)[:200].rstrip(".")


class ServerError(click.ClickException):
    """The server cannot be reached, or refuses."""

    exit_code = UNREACHABLE
