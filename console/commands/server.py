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
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from console.model.masking import mask_url
from console.model.text import visible
from jobs import settings
from jobs.errors import JobsError

UNREACHABLE = 3
TIMEOUT = 5.0
"""Seconds to connect, and to wait for one reply."""

_WAYS_OUT: tuple[tuple[type[RedisError], str], ...] = (
    (ReadOnlyError, "it is a replica; let RQ_REDIS_URL name the primary"),
    (OutOfMemoryError, "its memory is full; raise maxmemory or free some"),
    (NoPermissionError, "this user may not do that; give its ACL the commands and keys, or put another user into RQ_REDIS_URL"),
    (BusyLoadingError, "it still loads its data; try again in a while"),
    (MasterDownError, "it is a replica that has lost its primary; let RQ_REDIS_URL name the primary"),
)
_OF_PIPELINE = re.compile(r"^Command # \d+ \(.*\) of pipeline caused error: ", re.DOTALL)
_OF_SCRIPT = re.compile(r"\.? ?script: [0-9a-f]{40}, on @user_script:\d+\.?")

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
    except AuthenticationError as error:
        if "required" in str(error).lower():
            raise ServerError(f"{mask_url(url)}: the server wants a password; put it into RQ_REDIS_URL") from None
        raise ServerError(f"{mask_url(url)}: the server refuses this user or password; check RQ_REDIS_URL") from None
    except BusyLoadingError as error:
        raise _refusal(url, error) from None
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise ServerError(
            f"{mask_url(url)}: cannot be reached ({_reason(error)}); is it running, is RQ_REDIS_URL right?"
        ) from None
    except RedisError as error:
        raise _refusal(url, error) from None
    finally:
        client.close()


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """`command` with each error of the job layer told in one line and exit status 2."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except JobsError as error:
            raise click.UsageError(visible(str(error))) from None

    return told


def _refusal(url: str, error: RedisError) -> ServerError:
    way_out = next((f"; {words}" for kind, words in _WAYS_OUT if isinstance(error, kind)), "")
    return ServerError(f"{mask_url(url)}: the server refuses: {_reason(error)}{way_out}")


def _reason(error: Exception) -> str:
    """What the server said, in one line, without what redis-py and the server's interpreter put around it."""
    text = _OF_SCRIPT.sub("", _OF_PIPELINE.sub("", str(error)))
    text = re.sub(r"^Error \S+ connecting to .*?\. ", "", " ".join(text.split()))
    return visible(text[:200].rstrip("."))


class ServerError(click.ClickException):
    """The server cannot be reached, or refuses."""

    exit_code = UNREACHABLE
