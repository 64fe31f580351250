-- Prelude of the scripts that make runs: `active_runs`, `place`.
--
-- place(p) makes one run: its job hash, its place at the end of its queue, its line in the schedule's history, its entry in the
-- lane's waiting set and the counts. It returns false, and changes nothing, when the run's hash exists: the hash is the lock of
-- RQ's own `unique=True` (rq.scripts.UNIQUE_ENQUEUE_SCRIPT), here in one step with all that must go with it.
-- Cost: O(fields) and O(50) for the history.
--
-- A line of the history is `kind;state;slot;started;duration;attempts` (keys.RUNS).

local ENDED = { finished = true, failed = true, canceled = true, stopped = true }

-- How many of the schedule's runs have not ended, and how many of those have not even started. Backfilled runs do not count:
-- they wait in a lane of their own choosing and must not hold up the schedule.
local function active_runs(runs_key, job_prefix, schedule)
  local lines = redis.call('HGETALL', runs_key)
  local active, waiting = 0, 0
  for i = 1, #lines, 2 do
    local kind, state = string.match(lines[i + 1], '^([^;]*);([^;]*);')
    if kind ~= 'backfill' and (state == 'queued' or state == 'started' or state == 'retrying') then
      local status = redis.pcall('HGET', job_prefix .. schedule .. '-' .. lines[i], 'status')
      if type(status) == 'string' and not ENDED[status] then
        active = active + 1
        if status ~= 'started' then waiting = waiting + 1 end
      end
    end
  end
  return active, waiting
end

local function overlaps(policy, runs_key, job_prefix, schedule)
  if policy == 'allow' then return false end
  local active, waiting = active_runs(runs_key, job_prefix, schedule)
  if policy == 'queue' then return waiting > 0 end
  return active > 0
end

local function remember(runs_key, suffix, line, keep)
  redis.call('HSET', runs_key, suffix, line)
  local surplus = redis.call('HLEN', runs_key) - keep
  if surplus <= 0 then return end
  local order = {}
  local lines = redis.call('HGETALL', runs_key)
  for i = 1, #lines, 2 do
    order[#order + 1] = { tonumber(string.match(lines[i + 1], '^[^;]*;[^;]*;([^;]*);')) or 0, lines[i] }
  end
  table.sort(order, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
  for i = 1, surplus do redis.call('HDEL', runs_key, order[i][2]) end
end

-- p: run, suffix, kind, slot, now, lane, keep, first and last index into ARGV of the hash's fields;
-- job, queue, queues, waiting, lane_counts, lanes, runs, schedule (keys).
local function place(p)
  if redis.call('EXISTS', p.job) == 1 then return false end
  redis.call('HSET', p.job, unpack(ARGV, p.first, p.last))
  redis.call('RPUSH', p.queue, p.run)
  redis.call('SADD', p.queues, p.queue)
  redis.call('SADD', p.lanes, p.lane)
  redis.call('ZADD', p.waiting, p.now, p.run)
  redis.call('HINCRBY', p.lane_counts, 'in', 1)
  if redis.call('EXISTS', p.schedule) == 1 then
    redis.call('HINCRBY', p.schedule, 'fired', 1)
    remember(p.runs, p.suffix, p.kind .. ';queued;' .. p.slot .. ';;;0', p.keep)
  end
  return true
end
