"""The server: how it is reached, and how its errors are told in one line without a secret."""

from __future__ import annotations

import re

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
from jobs.connecting import client

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
_OF_SCRIPT = re.compile(r"\.? ?script:(?: [0-9a-f]{40},)? on @user_script:\d+\.?")


def connect(url: str) -> Redis:
    """A client of the server at `url`, which connects when it is first used, and anew when a connection was lost.

    Nothing is tried twice, and nothing waits longer than TIMEOUT. Raises ValueError, in a line to be shown, when it is no URL.
    """
    try:
        found = client(
            url,
            socket_connect_timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=30,
        )
        # An option that no connection takes shows only when one is made.
        found.connection_pool.make_connection()
    except (ValueError, TypeError):
        raise ValueError(f"RQ_REDIS_URL: {mask_url(url)} is no Redis URL; write redis://host:6379/0 or unix:///path") from None
    return found


def explained(error: RedisError, url: str) -> str:
    """What went wrong with the server at `url`, and what to do about it."""
    return f"{mask_url(url)}: {_what(error)}"


def is_refusal(error: RedisError) -> bool:
    """Whether the server answers, and does not let this user write, or nobody."""
    return isinstance(error, NoPermissionError | ReadOnlyError)


def _what(error: RedisError) -> str:
    if isinstance(error, AuthenticationError):
        if "required" in str(error).lower():
            return "the server wants a password; put it into RQ_REDIS_URL"
        return "the server refuses this user or password; check RQ_REDIS_URL"
    unreachable = isinstance(error, RedisConnectionError | RedisTimeoutError) and not isinstance(error, BusyLoadingError)
    if unreachable:
        return f"cannot be reached ({_reason(error)}); is it running, is RQ_REDIS_URL right?"
    way_out = next((f"; {words}" for kind, words in _WAYS_OUT if isinstance(error, kind)), "")
    return f"the server refuses: {_reason(error)}{way_out}"


def _reason(error: RedisError) -> str:
    """What the server said, in one line, without what redis-py and the server's interpreter put around it."""
    text = _OF_SCRIPT.sub("", _OF_PIPELINE.sub("", str(error)))
    text = re.sub(r"^Error \S+ connecting to .*?\. ", "", " ".join(text.split()))
    return visible(text[:200].rstrip("."))
