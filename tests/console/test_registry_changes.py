"""What has come to a registry and gone from it is found whatever has happened to it, and with one glance where nothing has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.store.registry_changes import Comparison, Flat


@dataclass(frozen=True)
class Known:
    score: Any


IDS = st.sampled_from([b"%d" % n for n in range(12)])
"""Some of which look like scores."""

REGISTRIES = st.dictionaries(IDS, st.integers(0, 5).map(lambda n: b"%d" % n))


def flat(registry: dict[bytes, Any]) -> Flat:
    return [each for pair in registry.items() for each in pair]


def in_order(registry: dict[bytes, Any]) -> dict[bytes, Any]:
    """As the server lists it, from the highest score down."""
    return dict(sorted(registry.items(), key=lambda one: (one[1], one[0]), reverse=True))


def taken(comparison: Comparison, registry: dict[bytes, Any], size: int) -> dict[bytes, Any]:
    """Those that have come, of a registry that is told in stretches of that many members."""
    listed = flat(registry)
    come: dict[bytes, Any] = {}
    for start in range(0, len(listed), 2 * size):
        come.update(comparison.take(listed[start : start + 2 * size]))
    return come


@given(REGISTRIES, REGISTRIES, st.integers(1, 5), st.booleans())
def test_what_comes_and_goes_is_found(before: dict[bytes, Any], now: dict[bytes, Any], size: int, listed: bool) -> None:
    before, now = in_order(before), in_order(now)
    comparison = Comparison({job: Known(score) for job, score in before.items()}, flat(before) if listed else None)
    assert taken(comparison, now, size) == {job: score for job, score in now.items() if before.get(job) != score}
    assert sorted(comparison.gone()) == sorted(before.keys() - now.keys())
    assert comparison.now() == flat(now)


@given(REGISTRIES, REGISTRIES, st.integers(1, 5), st.integers(1, 3))
def test_a_registry_that_moves_while_it_is_listed_tells_some_twice(
    before: dict[bytes, Any], now: dict[bytes, Any], size: int, again: int
) -> None:
    """As many as came on top between two stretches are told again by the second."""
    before, now = in_order(before), in_order(now)
    comparison = Comparison({job: Known(score) for job, score in before.items()}, flat(before))
    listed = flat(now)
    come: dict[bytes, Any] = {}
    at = 0
    while at < len(listed):
        come.update(comparison.take(listed[at : at + 2 * size]))
        at += 2 * size if size <= again else 2 * (size - again)
    assert come == {job: score for job, score in now.items() if before.get(job) != score}
    assert sorted(comparison.gone()) == sorted(before.keys() - now.keys())
    assert comparison.now() == flat(now)


@given(REGISTRIES, REGISTRIES, st.integers(1, 5), st.sets(st.integers(0, 11)), st.booleans())
def test_of_stretches_that_are_taken_for_what_they_were_no_member_is_told_twice(
    before: dict[bytes, Any], now: dict[bytes, Any], size: int, taken_for_it: set[int], up: bool
) -> None:
    """Whoever has moved has the score that it has where it is."""
    before, now = in_order(before), in_order(now)
    comparison = Comparison({job: Known(score) for job, score in before.items()}, flat(before))
    listed = flat(before)
    stretches = [listed[start : start + 2 * size] for start in range(0, len(listed), 2 * size)]
    remembered = {job: before[job] for n in taken_for_it if n < len(stretches) for job in stretches[n][::2]}
    moved = [job for job in now if job not in before or (job in remembered and now[job] != before[job])]
    if up:
        comparison.take([each for job in moved for each in (job, now[job])])
    for n, stretch in enumerate(stretches):
        if n in taken_for_it:
            comparison.remember(2 * size * n, 2 * size * n + len(stretch))
        else:
            comparison.take([each for job in stretch[::2] if job in now for each in (job, now[job])])
    if not up:
        comparison.take([each for job in moved for each in (job, now[job])])
    told = comparison.now()
    assert len(told) == 2 * len(set(told[::2]))
    looked_at = {job: score for job, score in now.items() if job not in remembered or job in moved}
    assert sorted(comparison.gone()) == sorted(before.keys() - now.keys() - remembered.keys())
    assert dict(zip(told[::2], told[1::2], strict=True)) == remembered | looked_at


def test_what_is_the_same_is_not_looked_at_one_by_one() -> None:
    """Two new ones on top, one gone from the midst: but for the stretches where these are, all are known by the stretch."""
    before = {b"job-%04d" % n: b"%d" % (5_000 - n) for n in range(3_000)}
    now = {b"new-1": b"9001", b"new-2": b"9000", **before}
    del now[b"job-1500"]
    looked_at: list[object] = []

    class Watched(dict[bytes, Known]):
        def get(self, job: bytes, default: Any = None) -> Any:
            looked_at.append(job)
            return super().get(job, default)

    comparison = Comparison(Watched({job: Known(score) for job, score in before.items()}), flat(before))
    assert list(taken(comparison, now, 100)) == [b"new-1", b"new-2"]
    assert comparison.gone() == [b"job-1500"]
    assert len(looked_at) < 2 * 2 * 100
