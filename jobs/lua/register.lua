-- Registers schedules, a batch at a time: each one's definition, its entry and its place in the index.
--
-- An existing schedule keeps its state and counters, and its next slot unless its cadence changes. Then the next slot is the new
-- cadence's, but a run that is due sooner is not put off by a cadence that is at least as frequent.
--
-- KEYS  1 entries zset, 2 schedules zset, 3 set of lanes
-- ARGV  1 prefix of schedule hashes, 2 of user hashes, 3 of job hashes, 4 '1' to replace what was chosen by hand (cadence,
--       overlap, catch-up, jitter), '0' to keep it, 5 now, 6 now as RQ writes times, 7 the entries' meta, 8 number of plans,
--       then for each plan: task, path of the function, tier, lane, policy, overlap, catch-up, jitter, own ('1' when the cadence
--       was chosen by hand),
--       then for each schedule: id, user, number of its plan from 1, active, next slot, gap between the next two slots, cadence,
--       and the entry's data and description
-- Returns the number of schedules that are new. Cost: O(log entries) for each.

local PLAN, SCHEDULE, FIRST = 9, 9, 9
local schedule_prefix, user_prefix, job_prefix, replace, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5]
-- What most schedules have is left out of the hash, to keep an idle schedule small (schedules.restore knows it too).
local USUAL = { overlap = 'skip', catchup = '', jitter = '0', own = '0', active = '1' }
local plans = {}
for n = 1, tonumber(ARGV[8]) do
  local from = FIRST + (n - 1) * PLAN
  plans[n] = { unpack(ARGV, from, from + PLAN - 1) }
  redis.call('SADD', KEYS[3], plans[n][4])
end

local function note_task(user, task)
  local tasks = redis.call('HGET', user_prefix .. user, 'tasks')
  if tasks and not string.find(',' .. tasks .. ',', ',' .. task .. ',', 1, true) then
    redis.call('HSET', user_prefix .. user, 'tasks', tasks == '' and task or tasks .. ',' .. task)
  end
end

local function unless_usual(fields, name, value)
  if value ~= USUAL[name] then
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
end

local created = 0
for at = FIRST + #plans * PLAN, #ARGV, SCHEDULE do
  local id, user, n, active, new_next, gap, cadence, data, description = unpack(ARGV, at, at + SCHEDULE - 1)
  local task, path, tier, lane, policy, overlap, catch_up, jitter, own = unpack(plans[tonumber(n)])
  local key = schedule_prefix .. id
  local old = redis.call('HMGET', key, 'user', 'cadence', 'own', 'gap', 'next', 'overlap', 'catchup', 'jitter', 'rev', 'created')
  local next_slot = new_next
  if old[1] then
    if not replace then
      if old[3] then cadence, own, gap = old[2], old[3], old[4] end
      overlap, catch_up, jitter = old[6] or USUAL.overlap, old[7] or USUAL.catchup, old[8] or USUAL.jitter
    end
    local due = redis.call('ZSCORE', KEYS[1], id) or old[5]
    if due and cadence == old[2] and jitter == (old[8] or USUAL.jitter) then
      next_slot = due
    elseif due and tonumber(due) < tonumber(new_next) and tonumber(gap) <= tonumber(old[4]) then
      next_slot = due
    end
    redis.call('HDEL', key, 'overlap', 'catchup', 'jitter', 'own', 'active')
    redis.call('DEL', job_prefix .. id)
  else
    created = created + 1
    redis.call('ZADD', KEYS[2], 0, user .. '\0' .. task)
    note_task(user, task)
  end
  local fields = { 'user', user, 'task', task, 'tier', tier, 'lane', lane, 'cadence', cadence, 'gap', gap, 'policy', policy,
    'path', path, 'next', next_slot, 'rev', (old[9] or 0) + 1, 'created', old[10] or now }
  unless_usual(fields, 'overlap', overlap)
  unless_usual(fields, 'catchup', catch_up)
  unless_usual(fields, 'jitter', jitter)
  unless_usual(fields, 'own', own)
  unless_usual(fields, 'active', active)
  redis.call('HSET', key, unpack(fields))
  redis.call('HSET', job_prefix .. id, 'status', 'scheduled', 'created_at', ARGV[6], 'origin', lane, 'data', data,
    'description', description, 'meta', ARGV[7])
  redis.call('ZADD', KEYS[1], next_slot, id)
end
return created
