-- Prelude of the scripts that touch jobs with a rate limit: what rq/rate_limit.py does, within one step. (After jobs.lua.)
--
-- A limit is three keys: `<RQ>:rl:<key>` (hash: concurrency), `…:allowed` (those that hold a slot: queued and started jobs),
-- `…:rate_limited` (those that wait for one). Scores are whole epoch seconds, as RQ writes them.
-- Cost: O(log jobs of the limit) for each job, and for each job that is promoted.

local whole_now = string.format('%.0f', math.floor(tonumber(now)))

-- How many waiting jobs one release looks at, and so promotes, at the most. More than a few come into question only where a
-- limit was raised: the next release, or RQ's maintenance, goes on with them.
local LOOKED_AT = 100

-- Whether a job has a limit: the fields rate_limit_key and rate_limit_concurrency of its hash.
local function has_limit(key, concurrency)
  return key and key ~= '' and (tonumber(concurrency) or 0) >= 1
end

-- Why the keys of a limit cannot be written, nil where they can. To be asked before the first write of a job.
local function limit_wrong(key)
  local name = RQ .. ':rl:' .. key
  return wrong(name, 'hash') or wrong(name .. ':allowed', 'zset') or wrong(name .. ':rate_limited', 'zset')
    or wrong(RQ .. ':rl-keys', 'set')
end

-- Gives free slots to the jobs that wait for them, oldest first, and drops what does not wait. RQ's ACQUIRE_AND_ENQUEUE_SCRIPT,
-- except that a job whose queue is no list, or that the user may not write, stays where it is.
local function promote(key, concurrency)
  local name = RQ .. ':rl:' .. key
  local allowed, waiting = name .. ':allowed', name .. ':rate_limited'
  local free = concurrency - redis.call('ZCARD', allowed)
  local stay = 0
  for _ = 1, LOOKED_AT do
    local id = free > 0 and redis.call('ZRANGE', waiting, stay, stay)[1]
    if not id then return end
    local job = redis.pcall('HMGET', job_key(id), 'origin', 'status', 'enqueue_at_front')
    local waits = not job.err and job[1] and job[2] == 'rate_limited'
    local list = waits and RQ .. ':queue:' .. job[1]
    if waits and not (is(list, 'list') and may_write_own(JOB, id)) then
      stay = stay + 1
    else
      redis.call('ZREM', waiting, id)
      if waits then
        redis.call('ZADD', allowed, whole_now, id)
        redis.call(job[3] == '1' and 'LPUSH' or 'RPUSH', list, id)
        redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', now_text)
        free = free - 1
      end
    end
  end
end

-- Lets a job, whose hash says rate_limited by now, wait for a slot, and promotes whoever is next: itself, where one is free.
-- Queue._enqueue_rate_limited_job.
local function wait_for_slot(id, key, concurrency)
  local name = RQ .. ':rl:' .. key
  redis.call('SADD', RQ .. ':rl-keys', key)
  redis.call('HSET', name, 'concurrency', concurrency)
  redis.call('ZADD', name .. ':rate_limited', whole_now, id)
  promote(key, tonumber(concurrency))
end

-- Takes a job out of its limit, and gives its slot to the next one. To be called when the job's hash is canceled or gone: while
-- it is queued or started, or an execution of it lives, it keeps its slot. RateLimitRegistry.cancel.
local function leave_limit(id, key)
  local name = RQ .. ':rl:' .. key
  redis.call('ZREM', name .. ':rate_limited', id)
  local status = redis.pcall('HGET', job_key(id), 'status')
  if status == 'queued' or status == 'started' then return end
  if executions_alive(id) ~= 0 then return end
  if redis.call('ZREM', name .. ':allowed', id) == 1 then
    promote(key, tonumber(redis.call('HGET', name, 'concurrency')) or 0)
  end
end
