"""What the catalogue's jobs call, as any application might have it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from rq import Retry, get_current_job


def echo(*args: Any, **kwargs: Any) -> Any:
    """Returns what it was given first."""
    return args[0] if args else None


def fail(message: str = "the far end hung up") -> None:
    raise ConnectionError(message)


def die() -> None:
    """Ends its work-horse as the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def dawdle(seconds: float = 600) -> None:
    """Takes long, and ends at once, saying nothing to anybody, when its worker is gone."""
    job, end = get_current_job(), time.monotonic() + seconds
    assert job is not None
    # The worker may be gone before this asks who its parent is.
    listed = int(job.connection.hget(f"rq:worker:{job.worker_name}", "pid") or os.getppid())
    worker = os.getppid() if listed == os.getpid() else listed
    while time.monotonic() < end:
        if os.getppid() != worker:
            die()
        time.sleep(0.05)


def until_open() -> str:
    """Goes on when the test opens the gate, or the server is gone."""
    job = get_current_job()
    assert job is not None
    while not job.connection.exists("test:gate"):
        time.sleep(0.02)
    return "open"


def come_back(times: int, seconds: int) -> Retry:
    """Asks to be called again by what it returns."""
    return Retry(max=times, interval=seconds)


def on_success(job: Any, connection: Any, result: Any) -> None:
    """A success callback."""


def on_failure(job: Any, connection: Any, kind: Any, error: Any, trace: Any) -> None:
    """A failure callback."""


def on_stopped(job: Any, connection: Any) -> None:
    """A stopped callback."""


class Mailer:
    """Has methods of every kind."""

    def __init__(self, host: str) -> None:
        self.host = host

    def send(self, to: str) -> str:
        return f"{to} by {self.host}"

    def __call__(self, to: str) -> str:
        return self.send(to)

    @classmethod
    def check(cls, to: str) -> str:
        return f"{to} checked"

    @staticmethod
    def quote(to: str) -> str:
        return f"<{to}>"
