"""Whether the server lets this user change anything, asked without changing anything."""

from __future__ import annotations

from typing import Any, Final

from redis import Redis
from redis.exceptions import NoPermissionError, ReadOnlyError, RedisError

from jobs import keys

# Every change is noted in the audit before it is made (acts.audit.begin, in a transaction). Who may not add to that may change
# nothing, and who may act on a single job may add to it: no other key or command stands for all of them. No stream takes
# this id, so that not even a server that queues nothing gets an entry.
NOTE: Final = ("XADD", keys.ACTIVITY, "0-0", "event", "begun")


def refusal(connection: Redis) -> str:
    """Why this user can change nothing there, empty where something can be changed, or where that is not known.

    The server checks rights, and whether it is a replica that only reads, when a command is queued in a transaction; the
    transaction is discarded, so that nothing is carried out. A refusal is in the server's ACL LOG. Two round trips.
    Raises redis' errors where no connection can be made.
    """
    pool = connection.connection_pool
    ours: Any = pool.get_connection()
    try:
        _told(ours, "MULTI")
        try:
            _told(ours, *NOTE)
        finally:
            _discard(ours)
    except NoPermissionError:
        return "this user may not write"
    except ReadOnlyError:
        return "it is a replica"
    except RedisError:
        # Some proxies hang up on what they do not know. Reading has worked, and goes on.
        ours.disconnect()
    finally:
        pool.release(ours)
    return ""


def _told(connection: Any, *command: str) -> None:
    connection.send_command(*command)
    connection.read_response()


def _discard(connection: Any) -> None:
    """End the transaction, also for a user who may not say so: it ends with its connection."""
    try:
        _told(connection, "DISCARD")
    except RedisError:
        connection.disconnect()
