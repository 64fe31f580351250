"""Clients of the server that a URL names."""

from __future__ import annotations

from typing import Any, Final

from redis import Redis

AS_BYTES: Final = {"decode_responses": False, "encoding": "utf-8", "encoding_errors": "strict"}


def client(url: str, **options: Any) -> Redis:
    """A client of the server at `url`, which connects when it is first used. Raises ValueError when it is no URL.

    It answers in bytes, also where the URL asks for text (`?decode_responses=true`), as other programs want it: jobs hold
    pickles, which are none, and RQ reads bytes.
    """
    found = Redis.from_url(url, **options)
    # What a URL says wins over all options.
    found.connection_pool.connection_kwargs.update(AS_BYTES)
    return found
