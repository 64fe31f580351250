"""What an answer of the web means for the run that asked: fine, try again, try again then, or never mind."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from jobs.errors import PermanentError, RetryAfter

MAX_RETRY_AFTER = 86_400
"""Seconds: the longest that a Retry-After is obeyed."""

TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class Unavailable(Exception):
    """The other side cannot answer now; another attempt may succeed."""


def failure(response: httpx.Response, host: str, now: float) -> Exception:
    """The error that a status outside of what was hoped for means: Unavailable, RetryAfter or PermanentError."""
    told = f"{host}: answered {_name(response.status_code)}"
    if response.status_code in TRY_AGAIN or response.status_code >= 500:
        seconds = retry_after(response.headers.get("Retry-After", ""), now)
        return RetryAfter(seconds, f"{told}, come back in {seconds:g} s") if seconds else Unavailable(told)
    return PermanentError(told)


def retry_after(header: str, now: float) -> float:
    """Seconds from `now` (epoch seconds) that a Retry-After header asks for, at most MAX_RETRY_AFTER; 0 if it asks for none.

    The header is a number of seconds or an HTTP date; anything else counts as absent.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:10]), MAX_RETRY_AFTER))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.fromtimestamp(now, UTC)
    return min(max(0.0, seconds.total_seconds()), float(MAX_RETRY_AFTER))


def _name(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
