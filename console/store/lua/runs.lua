-- Prelude of the scripts that put jobs into queues: what our own job layer must know when a job is a run of its. (After
-- jobs.lua.)
--
-- A run's id is `tq-<task>-<hash of the user>-<suffix>`, and it is known by more than its name: a line in its schedule's
-- history (`<TQ>runs:<schedule>`), attempts, or its place among those that wait or go on. The lines are jobs/lua/place.lua's.
-- What these keys hold is nobody's work: where one of them is of another type, the command goes on without it.
-- Cost: O(1) for a job that is no run, O(log runs of the lane) for one that is.

local entered, left_lane = {}, {}

-- The schedule and the suffix that a run's id names, nil where the id is none of a run's.
local function parts_of_run(id)
  if string.sub(id, 1, 3) ~= 'tq-' then return nil end
  return string.match(id, '^(tq%-[%w_]+%-%x+)%-([%w_]+)$')
end

-- Whether the user may write what is noted of a run that goes from one lane to another. True for other jobs.
local function may_write_run(id, before, lane)
  if may_write_all(TQ) then return true end
  local schedule = parts_of_run(id)
  if not schedule then return true end
  for _, one in ipairs({ before, lane }) do
    if not may_write_own(TQ, 'waiting:' .. one, 'ongoing:' .. one, 'lane:' .. one) then return false end
  end
  return may_write_own(TQ, 'runs:' .. schedule, 'missing', 'lanes')
end

local function text_at(key, field)
  local found = redis.pcall('HGET', key, field)
  return type(found) == 'string' and found or nil
end

local function exists(key) return redis.call('EXISTS', key) == 1 end

-- The schedule, the suffix and the line of a run, nil for other jobs; the line is nil where the history has none of it.
local function run_of(id)
  local schedule, suffix = parts_of_run(id)
  if not schedule then return nil end
  local line = text_at(TQ .. 'runs:' .. schedule, suffix)
  if not line and not exists(TQ .. 'attempts:' .. id) then return nil end
  return schedule, suffix, line
end

local function count_in(lane) redis.pcall('HINCRBY', TQ .. 'lane:' .. lane, 'in', 1) end

-- Lets the heartbeat watch a run that was put into the queue of `lane`: it waits there from now on, and goes on in `before` no
-- longer. `again`: it had ended, and counts as one that came in. Nothing for other jobs. The sets are written by finish_runs.
local function run_enqueued(id, lane, before, again)
  local schedule, suffix, line = run_of(id)
  if not schedule then return end
  collect(left_lane, TQ .. 'ongoing:' .. before, id)
  if before ~= lane then collect(left_lane, TQ .. 'waiting:' .. before, id) end
  collect(entered, lane, id)
  if not again then return end
  local kind, slot, attempts = string.match(line or '', '^([^;]*);[^;]*;([^;]*);[^;]*;[^;]*;(.*)$')
  if kind then redis.call('HSET', TQ .. 'runs:' .. schedule, suffix, kind .. ';queued;' .. slot .. ';;;' .. attempts) end
  count_in(lane)
end

-- The same of a run that was made, of no slot: `<schedule>-<suffix>`. The history is kept short by the next run of a slot.
local function run_made(id, schedule, lane)
  if exists(TQ .. 'schedule:' .. schedule) then
    local line = 'again;queued;' .. string.format('%.0f', math.floor(tonumber(now))) .. ';;;0'
    redis.pcall('HSET', TQ .. 'runs:' .. schedule, string.sub(id, #schedule + 2), line)
  end
  collect(entered, lane, id)
  count_in(lane)
end

-- Lets the heartbeat look for a run in another lane than before, into whose queue it came at `waits_since`, if it did. One of
-- which the lane does not know is none of ours.
local function run_moved(id, before, lane, waits_since)
  if not parts_of_run(id) then return end
  for _, name in ipairs({ 'waiting:', 'ongoing:' }) do
    local score = redis.pcall('ZSCORE', TQ .. name .. before, id)
    if type(score) == 'string' and type(redis.pcall('ZADD', TQ .. name .. lane, waits_since or score, id)) == 'number' then
      redis.call('ZREM', TQ .. name .. before, id)
      redis.pcall('SADD', TQ .. 'lanes', lane)
    end
  end
end

-- To be called once, after the last job.
local function finish_runs()
  for key, ids in pairs(left_lane) do redis.pcall('ZREM', key, unpack(ids)) end
  for lane, ids in pairs(entered) do
    local scored = {}
    for _, id in ipairs(ids) do
      scored[#scored + 1] = now
      scored[#scored + 1] = id
    end
    redis.pcall('ZADD', TQ .. 'waiting:' .. lane, unpack(scored))
    redis.pcall('HDEL', TQ .. 'missing', unpack(ids))
    redis.pcall('SADD', TQ .. 'lanes', lane)
  end
end
