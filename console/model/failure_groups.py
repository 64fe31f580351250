"""Failures in groups of one kind: how many there are, whom they hit, and when.

Counting is exact for what was read, whatever comes and goes. Instants are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from typing import Any, Final, NamedTuple, TypeVar

from console.model import words
from console.model.constant_parts import with_system_words
from console.model.fingerprints import Kind
from console.model.raised import Cause, Said
from console.model.status import Refused

_Counted = TypeVar("_Counted", str, int)

MOST_GROUPS: Final = 2_000
"""Kinds that are told apart; whatever is of another one is in OTHERS."""

MOST_NAMED: Final = 5
"""Users and tiers of a group that are named, the most frequent ones."""

NEVER: Final = 1 << 62
"""More failures than anybody has."""

HOURS: Final = 24

OTHERS: Final = Kind("others", "", "", f"more kinds than the {MOST_GROUPS:,} that are told apart", "", "unknown")


@dataclass(frozen=True, slots=True)
class Group:
    """Failures of one kind (fingerprints.Kind), `count` of them.

    `users` is how many different users they hit; `top_users` (in the last answer alone) and `tiers` name some with their
    failures; jobs that name no user are in none of them. `first_at` and `last_at` are when the earliest and the latest of these
    failed, None where that is not known; `by_hour` counts those of each of the last HOURS clock hours (UTC), the current one
    last. `example` is what one of them said, and `because` the exception that had led to it. `sample` is the job that failed
    last.
    """

    fingerprint: str
    count: int
    function: str
    exception: str
    message: str
    frame: str
    cause: Cause
    users: int
    top_users: tuple[tuple[str, int], ...]
    tiers: tuple[tuple[str, int], ...]
    first_at: float | None
    last_at: float | None
    by_hour: tuple[int, ...]
    example: str
    because: str
    sample: bytes


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of the failures that were read: `read` of `of`, the largest group first.

    `sampled`: these were drawn by chance, and counts are estimates for all; users, first and last are those of the drawn ones.
    `searched`: they were looked at for those that a filter asks for, which alone are in groups.
    `done`: nothing more comes; `more` says why it ended before all were read, empty otherwise.
    """

    as_of: float
    read: int
    of: int
    groups: tuple[Group, ...]
    sampled: bool = False
    searched: bool = False
    done: bool = False
    more: str = ""
    refused: tuple[Refused, ...] = ()


class Members:
    """The failures of one kind."""

    __slots__ = ("at_ends", "by_hour", "count", "first", "frequent", "kind", "last", "often", "said", "tiers", "users")

    def __init__(self, kind: Kind, said: Said) -> None:
        self.kind, self.said = kind, said
        self.count = 0
        self.users: dict[str, int] = {}
        self.often = NEVER
        self.frequent: set[str] = set()
        """The users who have failed more than `often` times; maybe some who have not."""
        self.tiers: dict[str, int] = {}
        self.by_hour: dict[int, int] = {}
        self.first: float | None = None
        self.last: tuple[float, bytes] = (0.0, b"")
        self.at_ends = True
        """Whether first and last are known."""

    def stretch(self, job: bytes, at: float | None) -> None:
        """Let the first and the last be as early and as late as this one. Of those that failed nobody knows when, one is the
        last only where there is no other."""
        if at is not None and (self.first is None or at < self.first):
            self.first = at
        if (at or 0.0, job) > self.last:
            self.last = (at or 0.0, job)


class Failure(NamedTuple):
    """One failed job where it was seen (commands.JobSeen; `score` is as the server's protocol has it), of what kind it is,
    whose (empty: nobody's), and when it failed. A dataclass would take three times as long to make, of each of thousands."""

    job: bytes
    queue: bytes
    score: Any
    stopped: bool
    members: Members
    user: str
    tier: str
    at: float | None


@dataclass(slots=True)
class Tally:
    """Failures by kind, as they are added and dropped."""

    count: int = 0
    _groups: dict[str, Members] = field(default_factory=dict)

    def of(self, kind: Kind) -> Members | None:
        """Where failures of that kind are counted, None where there are none yet."""
        found = self._groups.get(kind.fingerprint)
        return self._groups.get(OTHERS.fingerprint) if found is None and len(self._groups) >= MOST_GROUPS else found

    def begin(self, kind: Kind, said: Said) -> Members:
        """Count failures of another kind from here on; `said` is what one of them said."""
        if len(self._groups) >= MOST_GROUPS:
            kind, said = OTHERS, Said()
        members = self._groups[kind.fingerprint] = Members(kind, said)
        return members

    def add(self, failures: Sequence[Failure]) -> None:
        """Count these as well."""
        self.count += len(failures)
        for job, _, _, _, members, user, tier, at in failures:
            members.count += 1
            if user:
                users = members.users
                users[user] = times = users.get(user, 0) + 1
                if times > members.often:
                    members.frequent.add(user)
            if tier:
                tiers = members.tiers
                tiers[tier] = tiers.get(tier, 0) + 1
            if at is not None:
                by_hour, hour = members.by_hour, int(at // 3_600)
                by_hour[hour] = by_hour.get(hour, 0) + 1
            if at is None or not members.first or at < members.first or at >= members.last[0]:
                members.stretch(job, at)

    def drop(self, failure: Failure) -> None:
        """Count one less, which was added."""
        members, at = failure.members, failure.at
        self.count -= 1
        members.count -= 1
        _less(members.users, failure.user)
        _less(members.tiers, failure.tier)
        if at is not None:
            _less(members.by_hour, int(at // 3_600))
        if members.last == (at or 0.0, failure.job) or members.first == at:
            members.at_ends = False

    def forget_empty(self) -> None:
        """Count kinds anew of which no failure is left. Nobody may count into those that he has asked for before."""
        self._groups = {name: members for name, members in self._groups.items() if members.count}

    def settle(self, failures: Iterable[Failure]) -> None:
        """Find the first and the last again of groups that have lost theirs, among all failures that are counted."""
        lost = {id(members) for members in self._groups.values() if not members.at_ends}
        if not lost:
            return
        for members in self._groups.values():
            if not members.at_ends:
                members.first, members.last = None, (0.0, b"")
                members.at_ends = True
        for failure in failures:
            if id(failure.members) in lost:
                failure.members.stretch(failure.job, failure.at)

    def groups(self, now: float, scale: float = 1.0, *, named: bool = True) -> tuple[Group, ...]:
        """All groups as seen from `now`, the largest first. `scale`: each failure stands for so many. `named`: with some of
        their users, for which all of these must be looked at."""
        told = [_group(members, now, scale, named) for members in self._groups.values() if members.count]
        return tuple(sorted(told, key=lambda group: (-group.count, -(group.last_at or 0.0), group.fingerprint)))


def _less(counts: dict[_Counted, int], what: _Counted) -> None:
    if counts.get(what, 0) > 1:
        counts[what] -= 1
    else:
        counts.pop(what, None)


def _group(members: Members, now: float, scale: float, named: bool) -> Group:
    kind = members.kind
    return Group(
        fingerprint=kind.fingerprint,
        count=max(1, round(members.count * scale)),
        function=kind.function,
        exception=kind.exception,
        message=kind.message,
        frame=kind.frame,
        cause=kind.cause,
        users=len(members.users),
        top_users=_most(_frequent(members), scale) if named else (),
        tiers=_most(members.tiers, scale),
        first_at=members.first,
        last_at=members.last[0] or None,
        by_hour=_by_hour(members.by_hour, now, scale),
        example=members.said.message,
        because=members.said.because,
        sample=members.last[1],
    )


def _frequent(members: Members) -> Mapping[str, int]:
    """Users of a kind, with their failures, among whom are the most frequent ones: found once among all of these, and from then
    on among those who were, and who have become it."""
    users, often = members.users, members.often
    among = {user: users[user] for user in members.frequent if users.get(user, 0) > often}
    if len(among) < MOST_NAMED:
        among = users
    least = min(nlargest(MOST_NAMED, among.values()), default=0)
    # Where most of them have failed once, all are looked at each time.
    members.often = least - 1 if least > 1 else NEVER
    members.frequent = {user for user, times in among.items() if times >= least} if least > 1 else set()
    return {user: users[user] for user in members.frequent} or users


def _most(counts: Mapping[str, int], scale: float) -> tuple[tuple[str, int], ...]:
    least = min(nlargest(MOST_NAMED, counts.values()), default=0)
    most = nsmallest(MOST_NAMED, [(-count, name) for name, count in counts.items() if count >= least])
    return tuple((name, round(-count * scale)) for count, name in most)


def _by_hour(counts: Mapping[int, int], now: float, scale: float) -> tuple[int, ...]:
    current = int(now // 3_600)
    found = [counts.get(hour, 0) for hour in range(current - HOURS + 1, current + 1)]
    # A worker's clock may be ahead of ours.
    found[-1] += sum(count for hour, count in counts.items() if hour > current)
    return tuple(round(count * scale) for count in found)


def window(groups: Groups) -> str:
    """What was read, in words: "grouped 100,000 of 100,000"; "searched 100,000 of 100,000" for a filter."""
    if groups.sampled:
        return f"estimated from {groups.read:,} of {groups.of:,}, drawn by chance"
    return f"{'searched' if groups.searched else 'grouped'} {groups.read:,} of {groups.of:,}"


def error(group: Group) -> str:
    """What went wrong, in the words of the group: "ReadTimeout: … did not answer within … s"."""
    name = group.exception if " " in group.exception else words.error(group.exception)
    message = with_system_words(group.message, group.example)
    return f"{name}: {message}" if name and message else name or message


def named(groups: Sequence[Group], beginning: str) -> list[Group]:
    """The groups whose fingerprints begin so."""
    return [group for group in groups if group.fingerprint.startswith(beginning)]
