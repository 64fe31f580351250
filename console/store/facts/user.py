"""The facts of one user of the directory, in three trips."""

from __future__ import annotations

from typing import Final

from console.model.secrets import Secrets
from console.model.why.facts import QueueFacts, SetAside, UserFacts
from console.store import user_schedules
from console.store.facts import schedule
from console.store.steps import Line, Reading, Steps
from jobs import keys

MAX_SCHEDULES: Final = 100


def read(
    line: Line,
    user: bytes,
    aside: Reading[dict[bytes, SetAside]],
    lanes: Reading[dict[str, QueueFacts]],
    now: float,
    secrets: Secrets,
) -> Steps[UserFacts]:
    """The facts of a user and of its schedules, MAX_SCHEDULES at the most."""
    listed = line.ask("ZSCORE", keys.USERS, user)
    # One sign, whatever the size of what somebody wrote there.
    length = line.ask("HSTRLEN", keys.USER.encode() + user, "active")
    start = b"[" + user + b"\x00"
    members = line.ask("ZRANGEBYLEX", keys.SCHEDULES, start, start + b"\xff", "LIMIT", 0, MAX_SCHEDULES)
    yield
    active = line.ask("HGET", keys.USER.encode() + user, "active") if length.count() == 1 else None
    names = [user_schedules.named(member) for member in members.rows()]
    schedules = yield from schedule.read(line, names, aside, lanes, now, secrets)
    return UserFacts(
        id=user.decode("utf-8", "surrogateescape"),
        found=listed.value is not None or bool(length.count()),
        active=None if active is None or active.value is None else active.value == b"1",
        schedules=tuple(schedules),
    )
