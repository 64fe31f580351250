"""The directory and the schedules that follow it: sign-up, upgrade, downgrade, leaving; backfill and dispatch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.client import Pipeline

from jobs import (
    User,
    controls,
    heartbeat,
    keys,
    planning,
    registering,
    remove_schedule,
    remove_user,
    schedules,
    set_schedule,
    set_user,
    tiers,
    users,
)
from jobs import settings as job_settings
from jobs.cadence import MAX_JITTER, Cron, Every, Jittered
from jobs.errors import InvalidCadence, InvalidSchedule, InvalidUser, UnknownSchedule, UnknownTask, UnknownUser
from jobs.schedules import next_slots, schedule_id
from tests.fast_tiers import runs_of


@pytest.fixture
def default_tiers(monkeypatch: pytest.MonkeyPatch, fast_tiers: None) -> None:
    monkeypatch.delenv("TQ_TIERS")
    job_settings.current.cache_clear()
    tiers.current.cache_clear()


@pytest.mark.usefixtures("default_tiers")
def test_sign_up_gives_each_user_an_entry_of_its_own_tier(redis: Redis) -> None:
    for tier, lane, period in (("pro", "high", 3_600), ("standard", "default", 21_600), ("free", "low", 86_400)):
        set_user(redis, User(tier, tier, sources=("https://example.com",)), tasks=["ok"])
        schedule = schedules.get(redis, tier, "ok")
        assert (schedule.lane, schedule.tier, schedule.own) == (lane, tier, False)
        assert isinstance(schedule.cadence, Every)
        assert schedule.cadence.period == period
        assert time.time() < (schedule.next_at or 0) <= time.time() + period
        assert redis.zscore(keys.ENTRIES, schedule.id) == schedule.next_at
    assert users.get(redis, "pro") == User("pro", "pro", sources=("https://example.com",))


@pytest.mark.usefixtures("default_tiers")
def test_doing_it_again_changes_nothing(redis: Redis) -> None:
    user = User("ada", "pro")
    set_user(redis, user, tasks=["ok"])
    controls.pause(redis, "ada", "ok", "note", by="ann")
    before = schedules.get(redis, "ada", "ok")
    entry = redis.hgetall(keys.RQ_JOB + before.id)
    set_user(redis, user, tasks=["ok"])
    after = schedules.get(redis, "ada", "ok")
    assert {**_fields(after), "rev": before.rev} == _fields(before)
    assert {**redis.hgetall(keys.RQ_JOB + before.id), b"created_at": b""} == {**entry, b"created_at": b""}
    # Also when the slot is due by now.
    redis.zadd(keys.ENTRIES, {before.id: 1_000})
    set_user(redis, user, tasks=["ok"])
    assert redis.zscore(keys.ENTRIES, before.id) == 1_000


def _fields(schedule: schedules.Schedule) -> dict[str, object]:
    return {name: getattr(schedule, name) for name in schedules.Schedule.__slots__}


@pytest.mark.usefixtures("default_tiers")
def test_an_upgrade_makes_the_next_slot_come_within_the_hour(redis: Redis) -> None:
    for n in range(50):
        user = f"user-{n}"
        set_user(redis, User(user, "free"), tasks=["ok"])
        free = schedules.get(redis, user, "ok")
        set_user(redis, User(user, "pro"), tasks=["ok"])
        pro = schedules.get(redis, user, "ok")
        assert (pro.next_at or 0) <= time.time() + 3_600
        assert (pro.next_at or 0) <= (free.next_at or 0)
        assert (pro.lane, pro.tier, pro.policy.retry.max) == ("high", "pro", 5)
        assert redis.hget(keys.RQ_JOB + pro.id, "origin") == b"high"


@pytest.mark.usefixtures("default_tiers")
def test_an_upgrade_does_not_put_off_a_run_that_is_due_sooner(redis: Redis) -> None:
    set_user(redis, User("ada", "free"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    due = int(time.time()) + 1
    redis.zadd(keys.ENTRIES, {one: due})
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    assert redis.zscore(keys.ENTRIES, one) == due
    assert schedules.get(redis, "ada", "ok").next_at == due


@pytest.mark.usefixtures("default_tiers")
def test_a_downgrade_moves_the_next_slot_to_the_new_cadence(redis: Redis) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    set_user(redis, User("ada", "free"), tasks=["ok"])
    schedule = schedules.get(redis, "ada", "ok")
    assert schedule.next_at == schedule.cadence.next_after(time.time())
    assert schedule.lane == "low"


@pytest.mark.usefixtures("default_tiers")
def test_a_change_of_tier_reaches_every_schedule_of_the_user_and_keeps_what_was_chosen(redis: Redis) -> None:
    set_user(redis, User("ada", "free", "Europe/Rome"), tasks=["ok"])
    set_schedule(redis, "ada", "flaky", cadence=Cron("0 9 * * *"), overlap="allow", jitter=60)
    set_schedule(redis, "ada", "broken")
    set_user(redis, User("ada", "pro", "Europe/Rome"), tasks=["ok"])
    chosen, followed = schedules.get(redis, "ada", "flaky"), schedules.get(redis, "ada", "broken")
    assert (chosen.tier, chosen.lane, chosen.cadence) == ("pro", "high", Cron("0 9 * * *", "Europe/Rome"))
    assert (chosen.own, chosen.overlap, chosen.jitter) == (True, "allow", 60)
    assert (followed.tier, followed.lane) == ("pro", "high")
    assert (followed.next_at or 0) <= time.time() + 3_600
    assert {one.task for one in schedules.of_user(redis, "ada")} == {"ok", "flaky", "broken"}


def test_leaving_takes_everything_along(redis: Redis) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok", "flaky"])
    set_user(redis, User("bob", "pro"), tasks=["ok"])
    remove_user(redis, "ada")
    left = [key for key in redis.scan_iter() if b"heartbeat" not in key]
    remove_user(redis, "bob")
    assert schedule_id("bob", "ok").encode() in b" ".join(left)
    assert schedule_id("ada", "ok").encode() not in b" ".join(left)
    assert redis.zrange(keys.ENTRIES, 0, -1) == [keys.HEARTBEAT_ENTRY.encode()]
    assert users.count(redis) == schedules.count(redis) == 0
    with pytest.raises(UnknownUser):
        remove_user(redis, "ada")


def test_a_bad_user_writes_nothing(redis: Redis) -> None:
    bad = [
        User("", "pro"),
        User("a\nb", "pro"),
        User("x" * 10_000, "pro"),
        User("\ud800", "pro"),
        User("ada", "gold"),
        User("ada", "pro", "Mars/Olympus"),
        User("ada", "pro", sources=("javascript:alert(1)",)),
        User("ada", "pro", sources=("http://",)),
        User("ada", "pro", webhook="ftp://example.com"),
        User("ada", "pro", sources=("https://x",) * 21),
    ]
    for user in bad:
        with pytest.raises(InvalidUser) as caught:
            set_user(redis, user, tasks=["ok"])
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 200
    assert redis.dbsize() == 0


def test_unknown_names_are_told(redis: Redis) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    with pytest.raises(UnknownTask, match="'nothing'"):
        set_user(redis, User("ada", "pro"), tasks=["nothing"])
    with pytest.raises(UnknownUser):
        set_schedule(redis, "nobody", "ok")
    with pytest.raises(UnknownSchedule):
        schedules.get(redis, "ada", "flaky")
    with pytest.raises(UnknownSchedule):
        controls.pause(redis, "ada", "flaky")
    with pytest.raises(InvalidSchedule):
        set_schedule(redis, "ada", "ok", overlap="sometimes")
    with pytest.raises(InvalidSchedule):
        set_schedule(redis, "ada", "ok", catch_up=0)
    with pytest.raises(InvalidCadence):
        set_schedule(redis, "ada", "ok", cadence=Every(10), jitter=10)


def test_any_id_can_be_found_by_its_prefix(redis: Redis) -> None:
    ids = ["ada", "ada@example.com", "adam", "b:c", "ünïcode", "with space", "a" * 256, "z*?[]"]
    registering.set_users(redis, [User(one, "pro") for one in ids], tasks=["ok"])
    assert users.search(redis, "ada") == ["ada", "ada@example.com", "adam"]
    assert users.search(redis, "ada", limit=1, after="ada") == ["ada@example.com"]
    assert users.search(redis, "ü") == ["ünïcode"]
    assert users.search(redis, "z*") == ["z*?[]"]
    assert users.search(redis, "nobody") == []
    assert list(users.every_id(redis)) == sorted(ids, key=str.encode)
    assert [schedule.user for schedule in schedules.page(redis, limit=99)] == sorted(ids, key=str.encode)


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=300))
def test_every_id_that_is_accepted_makes_an_entry_that_rq_accepts(user_id: str) -> None:
    try:
        users.validate(User(user_id, "pro"))
    except InvalidUser:
        return
    assert schedule_id(user_id, "ok").replace("-", "").replace("_", "").isalnum()


def test_a_backfill_runs_each_slot_of_the_range_once_on_low(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    schedule = schedules.get(redis, "ada", "ok")
    end = schedule.cadence.latest(time.time())
    first = controls.backfill(redis, "ada", "ok", end - 10 * 3_600, end)
    again = controls.backfill(redis, "ada", "ok", end - 11 * 3_600, end)
    assert (first.enqueued, first.existing) == (11, 0)
    assert (again.enqueued, again.existing) == (1, 11)
    waiting = [run.decode() for run in redis.lrange("rq:queue:low", 0, -1)]
    assert waiting[:11] == [f"{schedule.id}-{end - n * 3_600}" for n in range(10, -1, -1)]
    assert redis.zscore(keys.ENTRIES, schedule.id) == schedule.next_at
    with pytest.raises(InvalidSchedule):
        controls.backfill(redis, "ada", "ok", end, end - 1)
    with pytest.raises(InvalidSchedule):
        controls.backfill(redis, "ada", "ok", end, time.time() + 60)
    with pytest.raises(InvalidSchedule, match="10000"):
        controls.backfill(redis, "ada", "ok", end - 10_001 * 3_600, end)


def test_the_last_fifty_runs_are_kept_newest_first(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    end = schedules.get(redis, "ada", "ok").cadence.latest(time.time())
    controls.backfill(redis, "ada", "ok", end - 79 * 3_600, end)
    slots = [int(run.slot or 0) for run in runs_of(redis, "ada", "ok")]
    assert slots == [end - n * 3_600 for n in range(50)]


def test_run_now_refuses_to_overlap_unless_allowed(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    assert controls.run_now(redis, "ada", "ok").run is not None
    assert controls.run_now(redis, "ada", "ok") == controls.Started(None, "overlap")
    set_schedule(redis, "ada", "ok", overlap="allow")
    time_then = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == time_then:
        continue
    assert controls.run_now(redis, "ada", "ok").run is not None
    assert redis.llen("rq:queue:default") == 2


def test_dispatch_reaches_every_active_user_on_its_lane(redis: Redis) -> None:
    batch = [User(f"user-{n:04}", "pro" if n % 3 else "free", active=n % 10 != 0) for n in range(450)]
    registering.set_users(redis, batch, tasks=["ok"])
    # A task for which they have no schedule works as well.
    assert controls.dispatch_all(redis, "flaky") == controls.Dispatched(sum(user.active for user in batch), 0)
    assert redis.llen("rq:queue:high") == sum(user.active and user.tier == "pro" for user in batch)
    assert redis.llen("rq:queue:low") == sum(user.active and user.tier == "free" for user in batch)
    with pytest.raises(UnknownTask):
        controls.dispatch_all(redis, "nothing")


def test_the_next_slots_are_those_that_will_fire(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    schedule = schedules.get(redis, "ada", "ok")
    slots = next_slots(schedule, 5)
    assert slots[0] == schedule.next_at
    assert {later - earlier for earlier, later in pairwise(slots)} == {3_600}


def test_repair_puts_back_every_missing_entry(redis: Redis) -> None:
    batch = [User(f"user-{n:04}", "slow") for n in range(2_300)]
    for start in range(0, len(batch), 500):
        registering.set_users(redis, batch[start : start + 500], tasks=["ok"])
    lost = [schedule_id(f"user-{n:04}", "ok") for n in (0, 999, 1_000, 1_001, 2_299)]
    slots = [redis.zscore(keys.ENTRIES, one) for one in lost]
    redis.zrem(keys.ENTRIES, keys.HEARTBEAT_ENTRY, *lost)
    assert controls.repair(redis) == controls.Repaired(rearmed=5, remade=0, dropped=0, unknown=0, looked_at=2_300)
    assert [redis.zscore(keys.ENTRIES, one) for one in lost] == slots
    assert redis.zscore(keys.ENTRIES, keys.HEARTBEAT_ENTRY) == 0
    assert controls.repair(redis).rearmed == 0


def test_repair_gives_an_entry_its_job_back_and_leaves_it_where_it_is(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    before = redis.hgetall(keys.RQ_JOB + one)
    redis.zadd(keys.ENTRIES, {one: 4_000_000_000})
    redis.delete(keys.RQ_JOB + one)
    assert controls.repair(redis).rearmed == 1
    assert redis.hgetall(keys.RQ_JOB + one).keys() == before.keys()
    assert redis.zscore(keys.ENTRIES, one) == 4_000_000_000
    assert controls.repair(redis).rearmed == 0


def test_repair_makes_schedules_anew_whose_definition_is_gone(redis: Redis) -> None:
    for user in ("ada", "bob", "cy"):
        set_user(redis, User(user, "slow"), tasks=["ok"])
    redis.delete(keys.SCHEDULE + schedule_id("ada", "ok"))
    redis.hset(keys.SCHEDULE + schedule_id("bob", "ok"), "cadence", "now and then")
    redis.delete(keys.SCHEDULE + schedule_id("cy", "ok"), keys.USER + "cy")
    redis.delete(keys.ENTRIES)
    repaired = controls.repair(redis)
    assert repaired == controls.Repaired(rearmed=0, remade=2, dropped=1, unknown=0, looked_at=3)
    assert [one.user for one in schedules.page(redis)] == ["ada", "bob"]
    assert redis.zcard(keys.ENTRIES) == 3


def test_repair_leaves_what_this_process_does_not_know(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    redis.hset(keys.USER + "ada", "tier", "a tier of another host")
    redis.delete(keys.SCHEDULE + schedule_id("ada", "ok"))
    redis.delete(keys.ENTRIES)
    assert controls.repair(redis) == controls.Repaired(rearmed=0, remade=0, dropped=0, unknown=1, looked_at=1)
    assert schedules.count(redis) == 1


def test_a_dispatch_passes_over_users_of_an_unknown_tier(redis: Redis) -> None:
    registering.set_users(redis, [User(f"user-{n:03}", "pro") for n in range(300)], tasks=["ok"])
    redis.hset(keys.USER + "user-150", "tier", "gone")
    assert controls.dispatch_all(redis, "ok") == controls.Dispatched(enqueued=299, without_tier=1)


def test_a_tier_chosen_for_one_schedule_stays(redis: Redis) -> None:
    set_user(redis, User("ada", "free"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", tier="pro")
    before = schedules.get(redis, "ada", "ok")
    set_user(redis, User("ada", "free"), tasks=["ok"])
    after = schedules.get(redis, "ada", "ok")
    assert (after.tier, after.lane, after.cadence, after.own_tier) == ("pro", "high", before.cadence, True)
    set_schedule(redis, "ada", "ok", tier="free")
    assert not schedules.get(redis, "ada", "ok").own_tier
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    assert schedules.get(redis, "ada", "ok").tier == "slow"


def test_a_change_of_a_schedule_does_not_undo_an_upgrade_in_between(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    set_user(redis, User("ada", "free"), tasks=["ok"])
    plan, upgraded = planning.changed, []

    def upgrade_first(*args: object) -> planning.Plan:
        made = plan(*args)  # type: ignore[arg-type]
        if not upgraded:
            upgraded.append(set_user(redis, User("ada", "pro"), tasks=["ok"]))
        return made

    monkeypatch.setattr(planning, "changed", upgrade_first)
    changed = set_schedule(redis, "ada", "ok", overlap="allow")
    assert (changed.tier, changed.lane, changed.overlap) == ("pro", "high", "allow")


def test_users_and_schedules_agree_whoever_writes_last(redis: Redis) -> None:
    batch = [User(f"user-{n}", "free") for n in range(50)]

    def write(tier: str) -> None:
        mine = Redis(connection_pool=redis.connection_pool)
        for _ in range(10):
            registering.set_users(mine, [User(user.id, tier) for user in batch], tasks=["ok"])

    with ThreadPoolExecutor(2) as both:
        list(both.map(write, ["free", "pro"]))
    for user in batch:
        assert users.get(redis, user.id).tier == schedules.get(redis, user.id, "ok").tier


def test_a_removed_schedule_leaves_the_users_others(redis: Redis) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok", "flaky"])
    remove_schedule(redis, "ada", "ok")
    assert [one.task for one in schedules.of_user(redis, "ada")] == ["flaky"]
    assert redis.hget(keys.USER + "ada", "tasks") == b"flaky"
    with pytest.raises(UnknownSchedule):
        remove_schedule(redis, "ada", "ok")


def test_a_weekday_cron_does_not_put_off_a_daily_run_when_it_is_set_on_a_friday(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", cadence=Cron("0 9 * * MON-FRI"))
    one = schedule_id("ada", "ok")
    assert redis.hget(keys.SCHEDULE + one, "gap") == b"86400"


@given(most=st.integers(0, 20), base=st.integers(1, 600), factor=st.integers(1, 100), jitter=st.floats(0, 0.9), seed=st.text())
def test_a_policy_gives_exactly_its_intervals(most: int, base: int, factor: int, jitter: float, seed: str) -> None:
    policy = tiers.RetryPolicy(most, base, min(86_400, base * factor), jitter)
    intervals = policy.intervals(seed)
    assert len(intervals) == most
    assert intervals == policy.intervals(seed)
    for n, seconds in enumerate(intervals):
        plain = min(policy.cap, base * 2**n)
        assert max(1, plain * (1 - jitter) - 1) <= seconds <= plain * (1 + jitter) + 1


def test_other_schedules_follow_even_when_an_earlier_call_ended_before_they_did(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    set_schedule(redis, "ada", "flaky")
    with monkeypatch.context() as broken:
        broken.setattr(registering, "_follow", lambda *args: None)
        set_user(redis, User("ada", "free", active=False), tasks=["ok"])
    assert schedules.get(redis, "ada", "flaky").tier == "pro"
    set_user(redis, User("ada", "free", active=False), tasks=["ok"])
    followed = schedules.get(redis, "ada", "flaky")
    assert (followed.tier, followed.active) == ("free", False)


@pytest.mark.parametrize("meanwhile", ["remove_user", "remove_schedule", "set_user"])
def test_following_does_not_undo_what_came_after(redis: Redis, monkeypatch: pytest.MonkeyPatch, meanwhile: str) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    set_schedule(redis, "ada", "flaky")
    follow = registering._follow
    deeds = {
        "remove_user": lambda: remove_user(redis, "ada"),
        "remove_schedule": lambda: remove_schedule(redis, "ada", "flaky"),
        "set_user": lambda: set_user(redis, User("ada", "slow"), tasks=["ok"]),
    }

    def late(*args: object) -> None:
        monkeypatch.setattr(registering, "_follow", follow)
        deeds[meanwhile]()
        follow(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(registering, "_follow", late)
    set_user(redis, User("ada", "free"), tasks=["ok"])
    left = {one.task: one.tier for one in schedules.of_user(redis, "ada")}
    assert (
        left == {"remove_user": {}, "remove_schedule": {"ok": "free"}, "set_user": {"ok": "slow", "flaky": "slow"}}[meanwhile]
    )
    assert (redis.zscore(keys.ENTRIES, schedule_id("ada", "flaky")) is None) == (meanwhile != "set_user")


def test_a_schedule_is_not_made_for_a_user_who_has_just_left(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    plan = planning.changed

    def leave_first(*args: object) -> planning.Plan:
        made = plan(*args)  # type: ignore[arg-type]
        registering.remove_users(redis, ["ada"])
        return made

    monkeypatch.setattr(planning, "changed", leave_first)
    with pytest.raises(UnknownUser):
        set_schedule(redis, "ada", "flaky")
    assert schedules.count(redis) == 0


def test_jitter_must_fit_between_any_two_slots(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", jitter=1_800)
    with pytest.raises(InvalidCadence, match="600 s between slots"):
        set_schedule(redis, "ada", "ok", cadence=Cron("*/10 * * * *"))
    with pytest.raises(InvalidCadence, match="60 s between slots"):
        set_schedule(redis, "ada", "ok", cadence=Cron("0,5,10,15,20,25,30,35,40,45,46,47 * * * *"), jitter=299)


def test_repair_mends_a_hash_that_is_damaged_anywhere(redis: Redis) -> None:
    for field, value in (
        ("next", "inf"),
        ("next", "soon"),
        ("fired", "many"),
        ("skip:overlap", "x"),
        ("gap", "wide"),
        ("rev", ""),
    ):
        redis.flushdb()
        set_user(redis, User("ada", "slow"), tasks=["ok"])
        redis.hset(keys.SCHEDULE + schedule_id("ada", "ok"), field, value)
        redis.delete(keys.ENTRIES)
        controls.repair(redis)
        schedule = schedules.get(redis, "ada", "ok")
        assert time.time() < (redis.zscore(keys.ENTRIES, schedule.id) or 0) <= time.time() + 3_600, field


@pytest.mark.parametrize(
    "damage", ["60 30 900 0.2 120 86400 604800", "5 900 30 0.2 120 86400 604800", "5 30 900 1.5 120 86400 604800", "x"]
)
def test_a_policy_beyond_the_limits_keeps_no_other_schedule_from_being_mended(redis: Redis, damage: str) -> None:
    for user in ("ada", "bob", "cy"):
        set_user(redis, User(user, "slow"), tasks=["ok"])
    redis.hset(keys.SCHEDULE + schedule_id("bob", "ok"), "policy", damage)
    redis.delete(keys.ENTRIES)
    assert heartbeat.beat(redis)["rearmed"] == 2
    assert redis.hget(keys.HEARTBEAT, "orphaned") == b"1"
    for refused in (schedules.get, set_schedule):
        with pytest.raises(InvalidSchedule, match="schedules repair"):
            refused(redis, "bob", "ok")
    assert controls.repair(redis) == controls.Repaired(rearmed=0, remade=1, dropped=0, unknown=0, looked_at=3)
    assert schedules.get(redis, "bob", "ok").policy == schedules.get(redis, "ada", "ok").policy
    assert redis.zcard(keys.ENTRIES) == 4


def test_jitter_beyond_the_limits_is_as_much_as_there_may_be(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", cadence=Cron("0 9 * * *"), jitter=600)
    redis.hset(keys.SCHEDULE + schedule_id("ada", "ok"), "jitter", 7_200)
    slots = schedules.get(redis, "ada", "ok").slots
    assert isinstance(slots, Jittered)
    assert slots.spread == MAX_JITTER
    redis.delete(keys.ENTRIES)
    assert heartbeat.beat(redis)["rearmed"] == 1


def test_repair_makes_a_damaged_schedule_anew_also_while_its_entry_is_there(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    due = redis.zscore(keys.ENTRIES, one)
    redis.hset(keys.SCHEDULE + one, "cadence", "now and then")
    assert controls.repair(redis).remade == 1
    assert schedules.get(redis, "ada", "ok").next_at == redis.zscore(keys.ENTRIES, one) == due


def test_repair_drops_schedules_whose_user_is_gone_although_they_are_armed(redis: Redis) -> None:
    for user in ("ada", "bob"):
        set_user(redis, User(user, "slow"), tasks=["ok"])
    redis.delete(keys.USER + "bob")
    assert controls.repair(redis) == controls.Repaired(rearmed=0, remade=0, dropped=1, unknown=0, looked_at=2)
    assert [one.user for one in schedules.page(redis)] == ["ada"]
    assert set(redis.zrange(keys.ENTRIES, 0, -1)) == {keys.HEARTBEAT_ENTRY.encode(), schedule_id("ada", "ok").encode()}


def test_repair_leaves_the_schedule_of_a_user_who_comes_back_meanwhile(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    redis.delete(keys.USER + "ada")
    remove = registering.queue_remove

    def come_back_first(pipe: Pipeline, names: Sequence[tuple[str, str]]) -> None:
        set_user(redis, User("ada", "slow"), tasks=["ok"])
        remove(pipe, names)

    monkeypatch.setattr(registering, "queue_remove", come_back_first)
    assert controls.repair(redis).dropped == 0
    assert redis.zscore(keys.ENTRIES, schedule_id("ada", "ok")) == schedules.get(redis, "ada", "ok").next_at


@pytest.mark.parametrize("odd", [b"no task", b"caf\xe9\0ok", b"\0"])
def test_odd_members_of_the_list_of_schedules_keep_no_other_from_being_mended(redis: Redis, odd: bytes) -> None:
    set_user(redis, User("zoe", "slow"), tasks=["ok"])
    redis.zadd(keys.SCHEDULES, {odd: 0})
    redis.zrem(keys.ENTRIES, schedule_id("zoe", "ok"))
    assert heartbeat.beat(redis)["rearmed"] == 1
    assert redis.hget(keys.HEARTBEAT, "orphaned") == b"1"
    assert controls.repair(redis) == controls.Repaired(rearmed=0, remade=0, dropped=1, unknown=0, looked_at=2)
    assert schedules.count(redis) == 1


def test_repair_leaves_a_user_whose_hash_is_something_else(redis: Redis) -> None:
    for user in ("ada", "bob"):
        set_user(redis, User(user, "slow"), tasks=["ok"])
    redis.delete(keys.USER + "ada")
    redis.rpush(keys.USER + "ada", "no hash")
    redis.delete(*(keys.SCHEDULE + schedule_id(user, "ok") for user in ("ada", "bob")))
    assert controls.repair(redis) == controls.Repaired(rearmed=0, remade=1, dropped=0, unknown=1, looked_at=2)
    assert schedules.count(redis) == 2


@pytest.mark.parametrize("damage", ["tasks", "list"])
def test_a_user_leaves_with_every_schedule_whatever_is_damaged(redis: Redis, damage: str) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "flaky")
    if damage == "tasks":
        redis.hset(keys.USER + "ada", "tasks", b"\xff")
    else:
        redis.delete(keys.SCHEDULES)
    remove_user(redis, "ada")
    assert redis.zrange(keys.ENTRIES, 0, -1) == [keys.HEARTBEAT_ENTRY.encode()]
    assert not redis.exists(keys.SCHEDULES, *(keys.SCHEDULE + schedule_id("ada", task) for task in ("ok", "flaky")))


def test_a_schedule_that_is_made_while_its_user_leaves_is_not_left_behind(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    execute = Pipeline.execute

    def then_another(pipe: Pipeline, *args: bool) -> list[object]:
        replies = execute(pipe, *args)
        monkeypatch.setattr(Pipeline, "execute", execute)
        with suppress(UnknownUser):
            set_schedule(redis, "ada", "flaky")
        return replies

    monkeypatch.setattr(Pipeline, "execute", then_another)
    registering.remove_users(redis, ["ada"])
    assert schedules.count(redis) == 0
    assert redis.zrange(keys.ENTRIES, 0, -1) == [keys.HEARTBEAT_ENTRY.encode()]
