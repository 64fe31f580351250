"""RQ's and rq-scheduler's keys that the console reads and jobs/keys.py does not name (RQ field guide, section 1).

A name that ends with a colon is the beginning of a key; what follows is told with it. Scores are epoch seconds. RQ's own begin
with RQ_KEY_PREFIX; those of rq-scheduler with `rq`, which it hard-codes.
"""

from __future__ import annotations

from typing import Final

from jobs.keys import RQ_KEY_PREFIX

# --- queues and registries ------------------------------------------------------------------------

READY: Final = f"{RQ_KEY_PREFIX}:ready:"
"""zset `READY<queue>`, member = job id, score = since when: what it depended on has ended, and it is not yet in its queue."""

CANCELED: Final = f"{RQ_KEY_PREFIX}:canceled:"
"""zset `CANCELED<queue>`, member = job id, score = when it was canceled. RQ never prunes it."""

INTERMEDIATE: Final = ":intermediate"
"""list `<RQ_QUEUE><queue>INTERMEDIATE` of job ids: popped and not yet started, by workers that serve one queue only."""

# --- jobs -----------------------------------------------------------------------------------------

DEPENDENTS: Final = ":dependents"
"""set `<RQ_JOB><job id>DEPENDENTS` of the ids of jobs that wait for it."""

DEPENDENCIES: Final = f"{RQ_KEY_PREFIX}:job::"
"""set `DEPENDENCIES<job id>:dependencies` (two colons in front of the id) of the ids of jobs that it waits for."""

DEPENDENCIES_END: Final = ":dependencies"
"""What follows the job's id there."""

RESULTS: Final = f"{RQ_KEY_PREFIX}:results:"
"""stream `RESULTS<job id>`: type (1 finished, 2 failed, 3 stopped, 4 retried, 5 too many retries), worker_name, exc_string,
return_value, execution_id, execution_started_at, execution_ended_at. About the newest ten; expires with the job."""

EXHAUSTED: Final = b"5"
"""The type of a result that has no exc_string though the job failed: it returned a Retry, and had none left
(rq.worker.base.handle_job_retry)."""

EXHAUSTED_SAID: Final = "it asked for another try, and had no more"
"""What is said of such a failure."""

EXECUTIONS: Final = f"{RQ_KEY_PREFIX}:executions:"
"""zset `EXECUTIONS<job id>`, member = execution id, score = until when it is trusted to be alive, and a minute. 150 s."""

GROUP: Final = f"{RQ_KEY_PREFIX}:group:"
"""set `GROUP<name>` of job ids."""

# --- rate limits, which know no queue -------------------------------------------------------------

RATE_LIMITS: Final = f"{RQ_KEY_PREFIX}:rl-keys"
"""set of the names of rate limits that are in use."""

RATE_LIMIT: Final = f"{RQ_KEY_PREFIX}:rl:"
"""hash `RATE_LIMIT<name>`: concurrency."""

ALLOWED: Final = ":allowed"
"""zset `<RATE_LIMIT><name>ALLOWED`, member = job id, score = since when: queued or running under the limit."""

RATE_LIMITED: Final = ":rate_limited"
"""zset `<RATE_LIMIT><name>RATE_LIMITED`, member = job id, score = since when: they wait for a slot, and are in no queue."""

# --- workers and schedulers -----------------------------------------------------------------------

WORKERS: Final = f"{RQ_KEY_PREFIX}:workers"
"""set of the workers' keys."""

WORKER: Final = f"{RQ_KEY_PREFIX}:worker:"
"""hash `WORKER<name>`: birth, last_heartbeat, queues (csv), pid, hostname, ip_address, version, python_version, state,
successful_job_count, failed_job_count, total_working_time, shutdown_requested_date, death. 480 s idle, 90 s busy."""

WORKER_EXECUTIONS: Final = ":executions"
"""set `<WORKER><name>WORKER_EXECUTIONS` of `<job id>:<execution id>`: what it runs."""

CHANNEL: Final = f"{RQ_KEY_PREFIX}:pubsub:"
"""channel `CHANNEL<worker>`, to which a worker subscribes for commands."""

SUSPENDED: Final = f"{RQ_KEY_PREFIX}:suspended"
"""string: no worker takes a job while it exists."""

SCHEDULER: Final = f"{RQ_KEY_PREFIX}:scheduler:"
"""hash `SCHEDULER<name>`, RQ's own scheduler: name, hostname, pid, queues, created_at, last_heartbeat. 61 s."""

RQSCHEDULER: Final = "rq:scheduler_instance:"
"""hash `RQSCHEDULER<name>`, one rqscheduler: birth, and death after a clean end. Its interval and 10 s."""

# --- rq cron --------------------------------------------------------------------------------------

CRON_SCHEDULERS: Final = f"{RQ_KEY_PREFIX}:cron_schedulers"
"""zset, member = name of an `rq cron` scheduler, score = its last heartbeat."""

CRON_SCHEDULER: Final = f"{RQ_KEY_PREFIX}:cron_scheduler:"
"""hash `CRON_SCHEDULER<name>`: what `rq cron` says of itself, cron_jobs (JSON) among it. 120 s."""

CRON_JOBS: Final = f"{RQ_KEY_PREFIX}:cron_jobs"
"""zset, member = name of a cron job, score = when it was last enqueued."""

CRON_JOB: Final = f"{RQ_KEY_PREFIX}:cron_job:"
"""zset `CRON_JOB<name>CRON_JOB_END`, member = job id, score = when it was enqueued: the newest thousand. A year."""

CRON_JOB_END: Final = ":jobs"
"""What follows the cron job's name there."""
