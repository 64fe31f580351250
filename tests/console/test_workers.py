"""Who lives: the verdict on a worker, from what its hash says and whether its channel has a subscriber."""

from __future__ import annotations

from typing import Any

import pytest

from console.store.workers import BUSY_BEAT, IDLE_BEAT, NEWBORN, verdict

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("facts", "judged"),
    [
        ({}, "live"),
        ({"beat": NOW - IDLE_BEAT}, "live"),
        ({"beat": NOW - IDLE_BEAT - 1}, "late"),
        ({"beat": NOW - BUSY_BEAT - 1}, "live"),
        ({"beat": NOW - BUSY_BEAT - 1, "busy": True}, "late"),
        # A clock ahead of ours is no reason for doubt.
        ({"beat": NOW + 3_600}, "live"),
        # kill -9: the hash stays for minutes, the subscription does not.
        ({"subscribers": 0}, "gone"),
        ({"subscribers": 0, "busy": True}, "gone"),
        # Born this second, and about to subscribe.
        ({"subscribers": 0, "born": NOW - NEWBORN + 1}, "live"),
        # An orphaned horse holds the subscription, and then writes a counter into a hash that has expired.
        ({"beat": None, "born": None}, "gone"),
        # The server lost the hash, and a heartbeat has made a part of it anew.
        ({"born": None}, "live"),
        ({"died": True}, "gone"),
        # Nobody may ask who subscribes: heartbeats decide.
        ({"subscribers": None}, "live"),
        ({"subscribers": None, "beat": NOW - IDLE_BEAT - 1}, "late"),
    ],
)
def test_the_verdict(facts: dict[str, Any], judged: str) -> None:
    usual: dict[str, Any] = {"born": NOW - 500, "beat": NOW - 1, "died": False, "busy": False, "subscribers": 1, "now": NOW}
    assert verdict(**{**usual, **facts}) == judged
