"""Garbage: where much is made that stays, no thread waits for a look through all of it."""

from __future__ import annotations

import gc
import threading

from console import garbage


def looks() -> int:
    """How often all that lives was looked through."""
    return int(gc.get_stats()[2]["collections"])


def made(count: int) -> list[list[int]]:
    return [[n] for n in range(count)]


def test_what_is_made_meanwhile_is_not_looked_through_until_all_are_done() -> None:
    usual, before = gc.get_threshold(), looks()
    gate, entered = threading.Event(), threading.Event()

    def other() -> None:
        with garbage.put_off():
            entered.set()
            gate.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(10)
    with garbage.put_off():
        kept = made(400_000)
    kept += made(400_000)
    assert looks() == before
    gate.set()
    thread.join(10)
    assert gc.get_threshold() == usual
    kept += made(100_000)
    assert looks() > before


def test_what_was_made_meanwhile_is_not_looked_through_later() -> None:
    before = gc.get_freeze_count()
    with garbage.put_off():
        few = made(1_000)
    assert gc.get_freeze_count() == before
    with garbage.put_off():
        kept = made(400_000)
    assert gc.get_freeze_count() >= before + len(kept)
    del kept
    assert gc.get_freeze_count() < before + 400_000 - len(few)
