-- Puts users into the directory and registers schedules, a batch at a time, in one step: each user with its schedules, each
-- schedule with its definition, its entry and its place in the index.
--
-- An existing schedule keeps its state and counters, what was chosen for it by hand, and its next slot unless its cadence
-- changes. Then the next slot is the new cadence's, but a run that is due sooner is not put off by a cadence that is at least as
-- frequent. Where only the jitter changes, the slot that the entry waits for is moved by the new one.
--
-- KEYS  1 users zset, 2 entries zset, 3 schedules zset, 4 set of lanes, 5 set of paused schedules,
--       6 zset of the schedules that fail
-- ARGV  1 prefix of user hashes, 2 of schedule hashes, 3 of job hashes, 4 now, 5 now as RQ writes times, 6 the entries' meta,
--       7 the tasks that a new user gets schedules for (csv), 8 'replace' to replace what was chosen by hand, 'keep' to keep it,
--       'follow' to keep it and to pass over schedules that are gone, or whose user is not as the plan and the row say by now,
--       9 the rev that the one schedule of a user who exists must have, '' for any, 10 number of users, 11 number of plans,
--       then for each user: id, tier, zone, sources, webhook, active,
--       then for each plan: task, path of the function, tier, lane, policy, overlap, catch-up, jitter, own ('1' when the cadence
--       was chosen by hand), own tier ('1' when the tier was),
--       then for each schedule: id, user, number of its plan from 1, active, next slot, shortest gap between slots, cadence, the
--       slot in place of which this next slot comes, if the entry waits for it, and else none ('': for any), and the entry's data
--       and description
-- Returns a list: for each user 'new', or 'same' or 'changed' followed by the csv of the tasks that the user has schedules for;
--       or 'conflict' when the rev is another, or the user is gone, and then nothing is changed.
-- Cost: O(log users + log entries) for each.

local USER, PLAN, SCHEDULE, FIRST = 6, 10, 10, 12
local user_prefix, schedule_prefix, job_prefix, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local replace, follow, rev = ARGV[8] == 'replace', ARGV[8] == 'follow', ARGV[9]
local first_plan = FIRST + tonumber(ARGV[10]) * USER
local first_schedule = first_plan + tonumber(ARGV[11]) * PLAN

-- What most schedules have is left out of the hash, to keep an idle schedule small (schedules.restore knows it too).
local USUAL = { overlap = 'skip', catchup = '', jitter = '0', own = '0', owntier = '0', active = '1' }

local function save_user(id, tier, zone, sources, webhook, active)
  local key = user_prefix .. id
  local old = redis.call('HMGET', key, 'tier', 'zone', 'sources', 'webhook', 'active', 'tasks')
  if not old[1] then
    redis.call('HSET', key, 'tier', tier, 'zone', zone, 'sources', sources, 'webhook', webhook, 'active', active,
      'tasks', ARGV[7], 'created_at', now, 'updated_at', now)
    redis.call('ZADD', KEYS[1], 0, id)
    return 'new'
  end
  if old[1] == tier and old[2] == zone and old[3] == sources and old[4] == webhook and old[5] == active then
    return 'same' .. (old[6] or '')
  end
  redis.call('HSET', key, 'tier', tier, 'zone', zone, 'sources', sources, 'webhook', webhook, 'active', active,
    'updated_at', now)
  return 'changed' .. (old[6] or '')
end

local function note_task(user, task)
  local tasks = redis.call('HGET', user_prefix .. user, 'tasks')
  if tasks and not string.find(',' .. tasks .. ',', ',' .. task .. ',', 1, true) then
    redis.call('HSET', user_prefix .. user, 'tasks', tasks == '' and task or tasks .. ',' .. task)
  end
end

local function add_unless_usual(fields, name, value)
  if value ~= USUAL[name] then
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
end

-- The slot for which the entry waits from now on.
local function next_slot(id, old, new_next, gap, cadence, jitter, instead_of)
  local due = old.user and (redis.call('ZSCORE', KEYS[2], id) or old.next)
  local at = tonumber(due or '')
  if not at or at ~= at or at == math.huge or at == -math.huge then return new_next end
  if instead_of ~= '' then return at == tonumber(instead_of) and new_next or due end
  if cadence == old.cadence and jitter == old.jitter then return due end
  local as_frequent = tonumber(gap) <= (tonumber(old.gap) or 0)
  return as_frequent and tonumber(due) < tonumber(new_next) and due or new_next
end

local function read_old(key)
  local raw = redis.call('HMGET', key, 'user', 'cadence', 'own', 'gap', 'next', 'overlap', 'catchup', 'jitter', 'rev', 'created',
    'owntier', 'tier', 'lane', 'policy')
  return {
    user = raw[1], cadence = raw[2], own = raw[3] or USUAL.own, gap = raw[4], next = raw[5], overlap = raw[6] or USUAL.overlap,
    catchup = raw[7] or USUAL.catchup, jitter = raw[8] or USUAL.jitter, rev = raw[9], created = raw[10],
    owntier = raw[11] or USUAL.owntier, tier = raw[12], lane = raw[13], policy = raw[14],
  }
end

if rev ~= '' then
  local id, user = ARGV[first_schedule], ARGV[first_schedule + 1]
  if (redis.call('HGET', schedule_prefix .. id, 'rev') or '0') ~= rev then return 'conflict' end
  if redis.call('EXISTS', user_prefix .. user) == 0 then return 'conflict' end
end

local told = {}
for at = FIRST, first_plan - 1, USER do told[#told + 1] = save_user(unpack(ARGV, at, at + USER - 1)) end

local plans = {}
for at = first_plan, first_schedule - 1, PLAN do
  plans[#plans + 1] = { unpack(ARGV, at, at + PLAN - 1) }
  redis.call('SADD', KEYS[4], plans[#plans][4])
end

local function overtaken(old, user, tier, active)
  local user_now = redis.call('HMGET', user_prefix .. user, 'tier', 'active')
  return not old.user or user_now[1] ~= tier or user_now[2] ~= active
end

local function register(id, user, n, active, new_next, gap, cadence, instead_of, data, description)
  local task, path, tier, lane, policy, overlap, catch_up, jitter, own, own_tier = unpack(plans[tonumber(n)])
  local key = schedule_prefix .. id
  local old = read_old(key)
  if follow and overtaken(old, user, tier, active) then return end
  if old.user and not replace then
    overlap, catch_up, jitter = old.overlap, old.catchup, old.jitter
    if old.owntier == '1' then tier, lane, policy, own_tier = old.tier, old.lane, old.policy, '1' end
    if old.owntier == '1' or old.own == '1' then cadence, own, gap = old.cadence, old.own, old.gap end
  end
  if old.user then
    redis.call('HDEL', key, 'overlap', 'catchup', 'jitter', 'own', 'owntier', 'active')
    redis.call('DEL', job_prefix .. id)
  else
    redis.call('ZADD', KEYS[3], 0, user .. '\0' .. task)
    note_task(user, task)
    if redis.call('SISMEMBER', KEYS[5], id) == 1 then redis.call('HSET', key, 'paused', '1') end
  end
  local slot = next_slot(id, old, new_next, gap, cadence, jitter, instead_of)
  local fields = { 'user', user, 'task', task, 'tier', tier, 'lane', lane, 'cadence', cadence, 'gap', gap, 'policy', policy,
    'path', path, 'next', slot, 'rev', (tonumber(old.rev) or math.floor(ARGV[4]) * 1000) + 1, 'created', old.created or now }
  add_unless_usual(fields, 'overlap', overlap)
  add_unless_usual(fields, 'catchup', catch_up)
  add_unless_usual(fields, 'jitter', jitter)
  add_unless_usual(fields, 'own', own)
  add_unless_usual(fields, 'owntier', own_tier)
  add_unless_usual(fields, 'active', active)
  redis.call('HSET', key, unpack(fields))
  redis.call('HSET', job_prefix .. id, 'status', 'scheduled', 'created_at', ARGV[5], 'origin', lane, 'data', data,
    'description', description, 'meta', ARGV[6])
  redis.call('ZADD', KEYS[2], slot, id)
  if active == '0' then redis.pcall('ZREM', KEYS[6], id) end
end

for at = first_schedule, #ARGV, SCHEDULE do register(unpack(ARGV, at, at + SCHEDULE - 1)) end
return told
