"""Every Redis key that the job layer owns, and the few of RQ's and rq-scheduler's that it touches.

All keys of ours begin with `TQ`. It is `tq:` beside RQ's default prefix, and `<prefix>:tq:` when
`RQ_KEY_PREFIX` names another one, so that two installations in one
database keep their users apart. Their schedules they cannot: rq-scheduler knows one set of entries, whatever the prefix (field
guide, section 1), so let only one of them have schedules.
"""

from __future__ import annotations

import os
import re
from typing import Final

from jobs.errors import InvalidSetting

RQ_KEY_PREFIX: Final = os.environ.get("RQ_KEY_PREFIX", "rq")
"""What RQ's own keys begin with, read as `rq.defaults` reads it: importing that would load all of RQ."""

if not re.fullmatch(r"[A-Za-z0-9_.:{}-]+", RQ_KEY_PREFIX):
    raise InvalidSetting(f"RQ_KEY_PREFIX: {RQ_KEY_PREFIX!r} is no prefix; write letters, digits and _ . : - {{ }} only")

TQ: Final = "tq:" if RQ_KEY_PREFIX == "rq" else f"{RQ_KEY_PREFIX}:tq:"

# --- users --------------------------------------------------------------------------------------

USERS: Final = f"{TQ}users"
"""zset, member = user id, score 0: the directory, read by prefix with ZRANGEBYLEX. Lives until the user is removed."""

USER: Final = f"{TQ}user:"
"""hash `USER<user id>`: tier, zone, sources (JSON list), webhook, active (0/1), tasks (csv of the user's
scheduled tasks), created_at, updated_at (epoch seconds). Lives until the user is removed."""

SNAPSHOT: Final = f"{TQ}snapshot:"
"""hash `SNAPSHOT<user id>`, field = source URL, value = JSON of what the last scrape saw. Until the user is removed."""

CHANGES: Final = f"{TQ}changes:"
"""hash `CHANGES<user id>`, field = change id, value = JSON of a change not yet delivered. Bounded by
MAX_PENDING_CHANGES; until delivered or the user is removed."""

DELIVERED: Final = f"{TQ}delivered:"
"""zset `DELIVERED<user id>`, member = change id, score = when it was delivered. The newest 100, 30 days."""

# --- schedules ----------------------------------------------------------------------------------

SCHEDULES: Final = f"{TQ}schedules"
"""zset, member = `<user id>\\x00<task>`, score 0: every schedule, in the order of users. Until removed."""

SCHEDULE: Final = f"{TQ}schedule:"
"""hash `SCHEDULE<schedule id>`: definition, state and counters of one schedule (fields: schedules.py). Until removed."""

PAUSED: Final = f"{TQ}paused"
"""set of schedule ids that are paused. Until resumed or removed."""

RUNS: Final = f"{TQ}runs:"
"""hash `RUNS<schedule id>`, field = the run id's suffix, value = `kind;state;slot;started;duration;attempts`:
the last 50 runs of a schedule. Until the schedule is removed."""

FAILING: Final = f"{TQ}failing"
"""zset, member = schedule id, score = how often its runs have failed since one was done: one that was requeued and failed again
counts again, one that was stopped or canceled not at all. Until one is done, the schedule is paused, resumed or removed, or its
user becomes inactive."""

WAITING: Final = f"{TQ}waiting:"
"""zset `WAITING<lane>`, member = run id, score = when it was enqueued: runs that have not started, as far as we were told.
The attempt's start takes a run off, and the heartbeat one that ended without starting."""

ONGOING: Final = f"{TQ}ongoing:"
"""zset `ONGOING<lane>`, member = run id, score = when to look at it next: runs that have started and are not known to have
ended. The last attempt's end takes a run off, and the heartbeat one whose attempt could not."""

SCHEDULERS: Final = f"{TQ}schedulers"
"""zset, member = rqscheduler name, score = when its last pass began. Members older than a day are dropped by the heartbeat."""

MISSING: Final = f"{TQ}missing"
"""hash, field = run id, value = `since enqueued_at`: runs that are `queued`, as of that enqueueing, and in no list, and since
when (epoch seconds). Taken off when the run is found, started or enqueued again."""

LANE: Final = f"{TQ}lane:"
"""hash `LANE<lane>`: in, done, failed, retried, recovered, skip:<reason> (slots): counts since the installation began. No
expiry."""

LANES: Final = f"{TQ}lanes"
"""set of the lanes that schedules or dispatches of ours have used. No expiry."""

DELAYS: Final = f"{TQ}delays:"
"""hash `DELAYS<start of five minutes>`, field = `<lane>;<tier>;wait|late;<bin>` or `…;max`: how many runs started for the first
time after such a wait in the lane, or so late after their slot (bins: delays.py), and the longest in seconds. At most 4,000
fields; two hours."""

WORKED: Final = f"{TQ}worked:"
"""zset `WORKED<start of an hour>`, member = user id, score = seconds of worker time that attempts took which ended in the hour.
The 5,000 users that took the most; 26 hours."""

FAILED_ATTEMPTS: Final = f"{TQ}failed-attempts:"
"""zset `FAILED_ATTEMPTS<start of an hour>`, member = user id, score = attempts that failed in the hour. As WORKED."""

# --- runs ---------------------------------------------------------------------------------------

ATTEMPTS: Final = f"{TQ}attempts:"
"""hash `ATTEMPTS<run id>`: n (attempts so far), one JSON field per attempt (its number), progress (JSON). The newest 20.
Expires with the run."""

LOG: Final = f"{TQ}log:"
"""list `LOG<run id>` of JSON lines, the newest 200. Expires with the run."""

# --- heartbeat ----------------------------------------------------------------------------------

HEARTBEAT: Final = f"{TQ}heartbeat"
"""hash: cursor (of the sweep), at (of the last beat), sampled_at, set_back (1: the clock went back since that), anew
(how often it did); moved, recovered, rearmed, unreadable: counts since the beginning;
orphans: found in this round of the sweep; orphaned: in the one before. No expiry."""

SCHEDULER: Final = f"{TQ}scheduler:"
"""hash `SCHEDULER<rqscheduler's name>`: name, host, pid, poll_s, at (its last pass). Expires after three polls and a minute."""

SAMPLES: Final = f"{TQ}samples:"
"""stream `SAMPLES<queue>`, id = the sample's slot in ms: waiting, oldest_s, running, scheduled, deferred, failed, and for
lanes in, done, failed_runs, retried (counts since the beginning); anew: how often the clock had been set back by then. What was
counted between two samples that differ in that was not counted between their instants. Capped at about seven days; dropped
a day after the last one would be."""

QUARANTINE: Final = f"{TQ}quarantine"
"""zset, member = quarantine number, score = when: entries set aside. Until put back or dropped."""

QUARANTINED: Final = f"{TQ}quarantined:"
"""hash `QUARANTINED<n>`: id (bytes of the entry's id), reason, score, at, by. Until put back or dropped."""

QUARANTINED_JOB: Final = f"{TQ}quarantined-job:"
"""`QUARANTINED_JOB<n>`: the entry's job key, renamed, so every byte and its TTL are kept. Until put back or dropped."""

QUARANTINE_SEQ: Final = f"{TQ}quarantine-seq"
"""string, counter: the last quarantine number. No expiry."""

# --- operators ----------------------------------------------------------------------------------

ACTIVITY: Final = f"{TQ}activity"
"""stream: what operators did. An entry `event=begun` (operation, who, host, command, options, scope, matched, target, why) is
written before anything is done, and one `event=ended` (operation, how, done, sent, skipped:<reason>, failed:<reason>,
undo_until, said) after it. Capped at about 10,000 entries."""

OPERATION: Final = f"{TQ}operation:"
"""hash `OPERATION<operation id>`: begun (epoch seconds); over, once its end was noted while a call of it was under way; done,
sent, and the reasons of console/model/commands.py: counts that grow with each batch, in the step that does it, so that they are
true whatever becomes of the console. A week."""

TRASH: Final = f"{TQ}trash"
"""zset, member = operation id, score = until when it can be undone: operations that took something. Members of the past are
dropped by the next operation that takes something."""

TRASHED: Final = f"{TQ}trashed:"
"""zset `TRASHED<operation id>`, member = id of what was taken, score = how many were taken before it. For the time of the
trash."""

TRASHED_PLACE: Final = f"{TQ}trashed-place:"
"""hash `TRASHED_PLACE<operation id>`, field = id of what was taken, value = where it was, packed by lua/ for itself: list,
score, neighbours, expiries. For the time of the trash."""

TRASHED_KEY: Final = f"{TQ}trashed-key:"
"""`TRASHED_KEY<operation id>:<key>`: a key that was taken, renamed, so that every byte is kept. For the time of the trash."""

# --- RQ's and rq-scheduler's ------------------------------------------------------------------------

RQ_JOB: Final = f"{RQ_KEY_PREFIX}:job:"
RQ_QUEUES: Final = f"{RQ_KEY_PREFIX}:queues"
RQ_QUEUE: Final = f"{RQ_KEY_PREFIX}:queue:"
RQ_SCHEDULED: Final = f"{RQ_KEY_PREFIX}:scheduled:"
RQ_WIP: Final = f"{RQ_KEY_PREFIX}:wip:"
RQ_FAILED: Final = f"{RQ_KEY_PREFIX}:failed:"
RQ_DEFERRED: Final = f"{RQ_KEY_PREFIX}:deferred:"
RQ_FINISHED: Final = f"{RQ_KEY_PREFIX}:finished:"
RQ_SCHEDULER_LOCK: Final = f"{RQ_KEY_PREFIX}:scheduler-lock:"

ENTRIES: Final = "rq:scheduler:scheduled_jobs"
"""rq-scheduler's sorted set. It hard-codes its keys, whatever RQ_KEY_PREFIX says (field guide, section 1)."""

ENTRIES_LOCK: Final = "rq:scheduler_lock"
"""rq-scheduler's lock for one pass."""

HEARTBEAT_ENTRY: Final = "--tq-heartbeat"
"""Id of the heartbeat's entry. With score 0 and `-` as its first characters it sorts before every other valid id."""
