"""The task `deliver`: tell a user's webhook what changed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import asdict
from urllib.parse import urlsplit, urlunsplit

from redis import Redis

from jobs import changes, settings
from jobs.changes import Change
from jobs.defining import task
from jobs.errors import PermanentError
from jobs.running import log, progress
from jobs.tasks.for_user import connected, user_of
from jobs.users import User
from jobs.web import fetch


@task("deliver")
def deliver_webhook(user_id: str, change_id: str | None = None) -> dict[str, int]:
    """POST each pending change of the user, oldest first, or only the one named, and return how many were delivered.

    The body is JSON: `id`, `user`, `source` (without user info), `url`, `title`, `text_hash`, `previous_title`,
    `previous_text_hash`, `seen_at` (epoch seconds). It is the same at every attempt, and so is the header `Idempotency-Key`:
    a change is sent again when its answer was lost, and by this key a receiver knows it. What was delivered, or is no longer
    pending, is not sent.

    To verify a delivery, a receiver takes `X-TQ-Timestamp` (epoch seconds of this attempt, new at each one), computes
    `signature(secret, timestamp, body)` over the body as received, compares it with `X-TQ-Signature` in constant time, and
    refuses timestamps that are more than five minutes off, so that nobody can replay an old delivery.

    Raises PermanentError for an answer that trying again cannot change, Unavailable or RetryAfter for others; a permanent
    failure of one change does not keep the next from being sent.
    """
    with connected() as connection:
        user = user_of(connection, user_id)
        if not user.webhook or not user.active:
            log("the user has no webhook; nothing was sent" if user.active else "the user is not active; nothing was sent")
            return {"delivered": 0}
        if change_id is None:
            waiting = changes.pending(connection, user.id)
        else:
            named = changes.find(connection, user.id, change_id)
            waiting = [named] if named else []
        if not waiting:
            log("nothing is pending; nothing was sent")
        failed: list[PermanentError] = []
        for n, change in enumerate(waiting):
            progress(n / len(waiting), f"change {n + 1} of {len(waiting)}")
            try:
                _deliver(connection, user, change)
            except PermanentError as error:
                failed.append(error)
                log(f"change {change.id} failed: {error}")
        if failed:
            raise (
                failed[0]
                if len(waiting) == 1
                else PermanentError(f"{len(failed)} of {len(waiting)} changes failed, the first: {failed[0]}")
            ) from None
        return {"delivered": len(waiting)}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the hexadecimal HMAC-SHA256 of `timestamp`, a full stop and `body`, with `secret` as the key."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def idempotency_key(user_id: str, change_id: str) -> str:
    """The key by which a receiver knows a change again: the same for a user and a change, whenever it is sent."""
    return hashlib.sha256(json.dumps([user_id, change_id]).encode()).hexdigest()


def _deliver(connection: Redis, user: User, change: Change) -> None:
    secret = settings.current().webhook_secret
    if not secret:
        raise PermanentError("TQ_WEBHOOK_SECRET is not set, so nothing can be signed; set it for the workers, then requeue")
    body = json.dumps({"user": user.id, **asdict(change), "source": _without_user_info(change.source)}, sort_keys=True).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key(user.id, change.id),
        "X-TQ-Timestamp": timestamp,
        "X-TQ-Signature": signature(secret, timestamp, body),
    }
    fetch.post(user.webhook, body, headers)
    changes.mark_delivered(connection, user.id, change.id)
    log(f"change {change.id} delivered")


def _without_user_info(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
