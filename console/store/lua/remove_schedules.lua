-- Takes users' schedules into the trash. (After jobs.lua, entry_of.lua and trash.lua; of a job, its id is the
-- schedule's.)
--
-- Options  1 the operation, 2 seconds for which the trash is kept
-- Leaves of a schedule what lua/remove.lua of the job layer leaves: nothing but the runs that exist already. Its definition, its
--       runs and its entry's job are renamed; its entry, its places among the schedules and the paused, how often it failed in
--       a row, and the task's name at its user are noted. A pass of rqscheduler that has the entry in its list finds that it is
--       gone (jobs/firing.py).
-- Cost: O(log n), about 20 commands for each.

local operation, seconds = options[1], options[2]
local SCHEDULES, PAUSED, FAILING = TQ .. 'schedules', TQ .. 'paused', TQ .. 'failing'
local trash = open_trash(TQ, operation, seconds, ids_given())

local function without(tasks, task)
  local kept, found = {}, false
  for word in string.gmatch(tasks, '[^,]+') do
    if word == task then found = true else kept[#kept + 1] = word end
  end
  return found and table.concat(kept, ',') or nil
end

return act_on_each(function(id)
  local hash = TQ .. 'schedule:' .. id
  local found = redis.pcall('HMGET', hash, 'user', 'task')
  if found.err then return code_of(found) end
  local user, task = found[1], found[2]
  if not user or not task then return redis.call('EXISTS', hash) == 1 and 'unreadable' or 'gone' end
  local owner, member = TQ .. 'user:' .. user, user .. '\0' .. task
  local code = wrong(ENTRIES, 'zset') or wrong(SCHEDULES, 'zset') or wrong(PAUSED, 'set') or wrong(owner, 'hash')
  if code then return code end
  local may = may_write(FAILING) and may_write_own(TQ, 'schedule:' .. id, 'runs:' .. id) and may_write_own(JOB, id)
  if trash.refused() or not may then return 'refused' end
  local tasks = redis.call('HGET', owner, 'tasks')
  if not trash.of(id, hash) then return 'exists' end

  trash.key(TQ .. 'runs:' .. id)
  trash.key(job_key(id))
  local due = redis.call('ZSCORE', ENTRIES, id)
  if due then
    trash.score(ENTRIES, id, due)
    redis.call('ZREM', ENTRIES, id)
  end
  local place = redis.call('ZSCORE', SCHEDULES, member)
  if place then
    trash.score(SCHEDULES, member, place)
    redis.call('ZREM', SCHEDULES, member)
  end
  if redis.call('SREM', PAUSED, id) == 1 then trash.member(PAUSED, id) end
  local failed = is(FAILING, 'zset') and redis.call('ZSCORE', FAILING, id)
  if failed then
    trash.score(FAILING, id, failed)
    redis.call('ZREM', FAILING, id)
  end
  local left = tasks and without(tasks, task)
  if left then
    trash.word(owner, 'tasks', tasks, task)
    redis.call('HSET', owner, 'tasks', left)
  end
  trash.keep()
  return 'done'
end, trash.close)
