-- Takes jobs that do not run into the trash. (After jobs.lua, rate_limits.lua, entry_of.lua, ranks.lua, places.lua,
-- runs.lua, leaving.lua, trash.lua and dependencies.lua.)
--
-- Options  1 the operation, 2 seconds for which the trash is kept, 3 '1' to take also the job of a plain entry of rq-scheduler's,
--       with that entry, 4 '1' to take also jobs that others wait for
-- Leaves nothing of a job where it was: its hash, results, dependents and dependencies, and the attempts and log of a run, are
--       renamed; it is out of its queue or registry, its group and its rate limit, whose next job gets the slot. An id that is
--       listed and has no hash goes off its list. A log that has outlived its run's attempts is left to expire.
--       What RQ's delete leaves too: the id among the dependents of what it waits for, and `deferred` jobs that wait for it.
-- Cost: 5 commands for a job that ended, 7 where its keys expire, 17 for a run with attempts and a log, O(log n) each: 30 to 80 µs; of
--       those in a queue, that of ranks.lua besides; O(100) for a job that others wait for.

local operation, seconds, with_entry, with_dependents = options[1], options[2], options[3] == '1', options[4] == '1'
local MOST_DEPENDENTS = 100
local OF_JOB = { 'status', 'origin', 'group_id', 'rate_limit_key' }
local OF_QUEUED = { 'status', 'origin', 'group_id', 'rate_limit_key', 'enqueued_at' }
local ENDED = { finished = true, failed = true, stopped = true, canceled = true }

local trash = open_trash(TQ, operation, seconds, ids_given())
local met, left, limits = {}, {}, {}

-- Whether the user may take what is named after a job into the trash.
local all_of_them = may_write_all(JOB) and may_write_all(RESULTS) and may_write_all(TQ) and not trash.refused()
local function may_take(id)
  return all_of_them or not trash.refused()
    and may_write_own(JOB, id, id .. ':dependents', ':' .. id .. ':dependencies') and may_write_own(RESULTS, id)
    and may_write_own(TQ, 'attempts:' .. id, 'log:' .. id)
end

-- Keys that are named after a job besides its hash and its results. Any job that calls a task of ours has attempts, whatever its id,
-- and those that have a log have attempts, which expire with it, but for a run whose end nobody noted.
local function beside(id)
  return job_key(id) .. ':dependents', RQ .. ':job::' .. id .. ':dependencies', TQ .. 'attempts:' .. id, RQ .. ':executions:' .. id
end

-- Whether any of the jobs may have such: few have, and one command for all shows it. An error: nobody may ask that of each.
local function some_have()
  local keys = {}
  for _, id in ipairs(ids_given()) do
    local n = #keys
    keys[n + 1], keys[n + 2], keys[n + 3], keys[n + 4] = beside(id)
  end
  return #keys > 0 and redis.pcall('EXISTS', unpack(keys)) ~= 0
end
local any = some_have()

-- Those of one job that are there, and whether an execution of it is alive. What is no set is somebody else's, of an id with a colon.
local NONE = {}
local function belongings(id)
  if not any then return NONE end
  if redis.call('EXISTS', beside(id)) == 0 then return NONE end
  local dependents, dependencies, attempts = beside(id)
  local found = { attempts, TQ .. 'log:' .. id }
  for _, key in ipairs({ dependencies, dependents }) do
    if redis.call('TYPE', key).ok == 'set' then found[#found + 1] = key end
  end
  return found, (executions_alive(id) or 0) > 0
end

-- Whether a deferred job waits for this one. Of many, as many as are looked at stand for all.
local function waited_for(dependents)
  for _, id in ipairs(redis.call('SRANDMEMBER', dependents, MOST_DEPENDENTS)) do
    if redis.pcall('HGET', job_key(id), 'status') == 'deferred' then return true end
  end
  return false
end

local function leave_group(group, id)
  local set = RQ .. ':group:' .. group
  if not is(set, 'set') or redis.call('SREM', set, id) == 0 then return end
  trash.member(set, id)
  local groups = RQ .. ':groups'
  if is(groups, 'set') and redis.call('SISMEMBER', groups, group) == 1 then trash.member(groups, group) end
end

local function leave_place(place, id, enqueued_at)
  if place.line then
    trash.place(place.line.list, id, leave_queue(place.line, id, place.rank, enqueued_at))
  elseif place.set then
    trash.score(place.set, id, place.score)
    collect(left, place.set, id)
  end
  if place.entry then
    trash.score(ENTRIES, id, place.entry)
    collect(left, ENTRIES, id)
  end
end

local function give_up_slot(limit, concurrency, id, state, place)
  if state == 'rate limited' then
    trash.waiting(limit, id, place.score, concurrency)
  else
    local allowed = RQ .. ':rl:' .. limit .. ':allowed'
    local held = redis.call('ZSCORE', allowed, id)
    if held then trash.slot(limit, id, held, concurrency, redis.call('ZCARD', allowed), state == 'queued') end
  end
  limits[#limits + 1] = { id, limit }
end

-- Takes a job that ended, has no group, no limit, and nothing but its hash and its results, as nearly all of a bulk: what the others
-- are asked one by one has one answer for all of these. False, and nothing is done, where it is not so, or not as it was seen.
local all_plain = all_of_them and not any and none_is_entry()
local function take_plain(id, state, score)
  if not (all_plain and ENDED[state]) then return false end
  local job = redis.pcall('HMGET', job_key(id), 'status', 'group_id', 'rate_limit_key')
  if job[1] ~= STATUSES[state] or (job[2] or '') ~= '' or (job[3] or '') ~= '' then return false end
  local code, found = moved(id, score)
  if code or wrong(group_list, 'zset') or not trash.plain(id, group_list, found) then return false end
  collect(left, group_list, id)
  met[id] = true
  return true
end

return act_on_each(function(id, queue, state, score)
  if met[id] then return 'changed' end
  if take_plain(id, state, score) then return 'done' end
  local key = job_key(id)
  local job = redis.pcall('HMGET', key, unpack(state == 'queued' and OF_QUEUED or OF_JOB))
  if job.err then return code_of(job) end
  local there = job[1] or redis.call('EXISTS', key) == 1
  if there and not is_of(state, job[1]) then return 'changed' end
  local concurrency = job[4] and job[4] ~= '' and redis.call('HGET', key, 'rate_limit_concurrency')
  local limit = has_limit(job[4], concurrency) and job[4] or nil
  local place, code = found_as(id, state, score, limit, job[5], with_entry)
  if not place then return code end
  local origin, group = job[2] and job[2] ~= '' and job[2] or queue, job[3] and job[3] ~= '' and job[3]
  if limit then code = limit_wrong(limit) end
  if code then return code end
  if not may_take(id) or (group and wrong(RQ .. ':group:' .. group, 'set') == 'refused')
    or (not ENDED[state] and not may_write_run(id, origin, origin)) then
    return 'refused'
  end
  local found, runs = belongings(id)
  if runs then return 'running' end
  -- What has finished holds up nobody: whoever waits then waits for another one.
  if not with_dependents and state ~= 'finished' then
    local dependents = key .. ':dependents'
    if found[#found] == dependents and waited_for(dependents) then return 'dependents' end
  end
  local waits = there and state == 'deferred' and #(open_dependencies(id, function() return false end) or {}) > 0
  if not trash.of(id, there and key or nil) then return 'exists' end
  if not there then trash.absent(key) end

  -- In the order in which undo.lua needs it, from the end: whether it is ready shows in its dependencies, and says where it goes.
  if state == 'rate limited' then collect(left, place.set, id) else leave_place(place, id, job[5]) end
  if waits then trash.deferred(place.set, id) end
  trash.key(RESULTS .. id)
  for _, key in ipairs(found) do trash.key(key) end
  if group then leave_group(group, id) end
  if limit then give_up_slot(limit, concurrency, id, state, place) end
  if not ENDED[state] then leave_lane(id, origin, 'gone', trash) end
  trash.keep()
  met[id] = true
  return 'done'
end, function()
  each(left, 'ZREM')
  leave_queues()
  for _, one in ipairs(limits) do leave_limit(unpack(one)) end
  trash.close()
end)
