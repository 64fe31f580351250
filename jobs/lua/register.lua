-- Registers schedules, a batch at a time: each one's definition, its entry and its place in the index.
--
-- An existing schedule keeps its state and counters, and its next slot unless its cadence changes. Then the next slot is the new
-- cadence's, but a run that is due sooner is not put off by a cadence that is at least as frequent.
--
-- KEYS  1 entries zset, 2 schedules zset, 3 set of lanes
-- ARGV  1 prefix of schedule hashes, 2 prefix of user hashes, 3 prefix of job hashes, 4 '1' to replace what was chosen by hand
--       (cadence, overlap, catch-up, jitter), '0' to keep it, 5 now, then for each schedule STRIDE arguments:
--       id, user, task, next slot, gap between the next two slots, cadence, own ('1' when chosen by hand), tier, lane, policy,
--       overlap, catch-up, jitter, active, path of the function, and the entry's data, description, meta and created_at
-- Returns the number of schedules that are new. Cost: O(log entries) for each.

local STRIDE = 19
local schedule_prefix, user_prefix, job_prefix, replace, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5]
local created = 0
for at = 6, #ARGV, STRIDE do
  local id, user, task, new_next, gap, cadence, own = unpack(ARGV, at, at + 6)
  local tier, lane, policy, overlap, catch_up, jitter, active, path = unpack(ARGV, at + 7, at + 14)
  local data, description, meta, created_at = unpack(ARGV, at + 15, at + 18)
  local key = schedule_prefix .. id
  local old = redis.call('HMGET', key, 'cadence', 'own', 'gap', 'next', 'overlap', 'catchup', 'jitter', 'user')
  local next_slot = new_next
  if old[8] then
    if not replace then
      if old[2] == '1' then cadence, own, gap = old[1], old[2], old[3] end
      overlap, catch_up, jitter = old[5], old[6], old[7]
    end
    local due = redis.call('ZSCORE', KEYS[1], id) or old[4]
    if due and cadence == old[1] and jitter == old[7] then
      next_slot = due
    elseif due and tonumber(due) < tonumber(new_next) and tonumber(gap) <= tonumber(old[3]) then
      next_slot = due
    end
  else
    created = created + 1
    redis.call('HSET', key, 'user', user, 'task', task, 'created', now, 'fired', 0)
    redis.call('ZADD', KEYS[2], 0, user .. '\0' .. task)
    local tasks = redis.call('HGET', user_prefix .. user, 'tasks')
    if tasks and not string.find(',' .. tasks .. ',', ',' .. task .. ',', 1, true) then
      redis.call('HSET', user_prefix .. user, 'tasks', tasks == '' and task or tasks .. ',' .. task)
    end
  end
  redis.call('HSET', key, 'tier', tier, 'lane', lane, 'cadence', cadence, 'own', own, 'gap', gap, 'policy', policy,
    'overlap', overlap, 'catchup', catch_up, 'jitter', jitter, 'active', active, 'path', path, 'next', next_slot)
  redis.call('HINCRBY', key, 'rev', 1)
  redis.call('DEL', job_prefix .. id)
  redis.call('HSET', job_prefix .. id, 'status', 'scheduled', 'created_at', created_at, 'origin', lane, 'data', data,
    'description', description, 'meta', meta)
  redis.call('ZADD', KEYS[1], next_slot, id)
  redis.call('SADD', KEYS[3], lane)
end
return created
