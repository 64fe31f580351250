-- Acts on plain entries of rq-scheduler's set. (After jobs.lua, entry_of.lua and trash.lua; of a job, its id and
-- score are the entry's.)
--
-- rqscheduler makes a list of what is due, and goes through it in steps of their own: it pushes the job, takes the entry out, and
-- puts it in again for the next time. What is changed of a listed entry meanwhile is lost, or comes back. So an entry that is due is
-- left alone while a pass holds the lock; one that is not due is in no list. (Not seen is a pass that takes longer than its lock
-- lasts, the interval and ten seconds.)
--
-- Options  1 run-now, reschedule or remove, 2 when it is to be due (epoch seconds; '' for now, by the server's clock),
--       3 rq-scheduler's lock, 4 the operation, 5 seconds for which the trash is kept
-- Leaves  run-now, reschedule: the entry with another score, where its job is there; where it is to run at once, only if its last
--       run has ended, since all its runs are one job.
--       remove: neither the entry nor its job where that is but the entry's: it does not run, and no registry names it. Else the job
--       stays where it is. Both are in the trash.
-- Cost: O(log n), about 20 commands for each.

local word, lock, operation, seconds = options[1], options[3], options[4], options[5]
local due = tonumber(options[2]) or math.floor(server_now())
local SOON = 5
local BUSY = { queued = true, started = true, deferred = true, rate_limited = true, ready_to_enqueue = true }
local LISTED = { ':finished:', ':failed:', ':canceled:', ':scheduled:', ':deferred:', ':ready:' }

local passing = redis.call('EXISTS', lock) == 1
local trash = word == 'remove' and open_trash(TQ, operation, seconds, ids_given())
local met = {}

local function in_registry(id, origin, registries)
  for _, registry in ipairs(registries) do
    local found = redis.pcall('ZSCORE', RQ .. registry .. origin, id)
    if found and not (type(found) == 'table' and found.err) then return true end
  end
  return false
end

local function runs(id, status, origin)
  return BUSY[status] or in_registry(id, origin, { ':scheduled:' })
end

local function reschedule(id, score, at)
  local job, code = fields_of(id, 'origin')
  if not job then return code == 'changed' and 'unreadable' or code end
  if at <= server_now() and runs(id, job[1], job[2] or '') then return 'overlap' end
  redis.call('ZADD', ENTRIES, 'XX', at, id)
  return 'done'
end

local function remove(id, score)
  local job = redis.pcall('HMGET', job_key(id), 'status', 'origin')
  if trash.refused() or not (may_write_own(JOB, id, id .. ':dependents') and may_write_own(RQ .. ':results:', id)) then
    return 'refused'
  end
  local its_own = job.err or not (BUSY[job[1]] or in_registry(id, job[2] or '', LISTED))
  if not trash.of(id, its_own and redis.call('EXISTS', job_key(id)) == 1 and job_key(id) or nil) then return 'exists' end
  if its_own then
    trash.key(RQ .. ':results:' .. id)
    trash.key(job_key(id) .. ':dependents')
  end
  trash.score(ENTRIES, id, score)
  redis.call('ZREM', ENTRIES, id)
  trash.keep()
  return 'done'
end

return act_on_each(function(id, _, _, seen)
  if met[id] then return 'changed' end
  met[id] = true
  local code = wrong(ENTRIES, 'zset')
  if code then return code end
  local score, plain = entry_of(id)
  if not score then return 'gone' end
  if not plain then return 'source' end
  local at = tonumber(score)
  if seen ~= '' and at ~= tonumber(seen) then return 'changed' end
  if at <= server_now() + SOON and passing then return 'firing' end
  if word == 'remove' then return remove(id, score) end
  if at == due or (word == 'run-now' and at <= server_now()) then return 'same' end
  return reschedule(id, score, due)
end, function()
  if trash then trash.close() end
end)
