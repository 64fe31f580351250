"""Setting aside due entries whose ids rq-scheduler cannot even decode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from jobs import keys, pass_guard, scripts
from jobs.duties.scene import Duty, Scene

A_LOOK: Final = 5_000
"""How many due entries one script looks at."""


def _ask(pipe: Pipeline, scene: Scene) -> None:
    scripts.ODD_IDS.queue(pipe, [keys.ENTRIES], [scene.now, 0, A_LOOK])


def _answer(connection: Redis, scene: Scene, replies: Sequence[Any]) -> int:
    """Look at the other due entries too, and set aside what is unreadable, if there is a pass to protect."""
    looked, *found = replies[0] or [0]
    passed = looked
    while looked == A_LOOK:
        looked, *more = scripts.ODD_IDS.run(connection, [keys.ENTRIES], [scene.now, passed, A_LOOK])
        passed += looked
        found += more
    return pass_guard.set_aside_unreadable(scene.scheduler, found) if scene.scheduler is not None else 0


DUTY: Final = Duty("unreadable", _ask, _answer)
