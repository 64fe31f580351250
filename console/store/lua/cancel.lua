-- Cancels jobs that have not begun: what rq.job.Job.cancel leaves, in one step. (After jobs.lua, rate_limits.lua,
-- entry_of.lua, ranks.lua, places.lua, runs.lua and leaving.lua.)
--
-- Options  1 '1' to cancel also the job of a plain entry of rq-scheduler's, and to take that entry away: it would still fire
-- Leaves each job out of its queue or registry, in the canceled registry, its status canceled, its expiry as it was; the next job of
--       its rate limit in its slot; jobs that wait for it as they are, as RQ does; a run of ours canceled in its schedule's history.
-- Cost: about 10 commands for each job, O(log n); of those in a queue, that of ranks.lua besides.

local with_entry = options[1] == '1'
local limits = {}

return act_on_each(function(id, queue, state, score)
  local job, code = fields_of(id, 'origin', 'rate_limit_key', 'rate_limit_concurrency', 'enqueued_at')
  if not job then return code end
  if not is_of(state, job[1]) then return 'changed' end
  local origin = job[2] and job[2] ~= '' and job[2] or queue
  local limit = has_limit(job[3], job[4]) and job[3] or nil
  local place
  place, code = found_as(id, state, score, limit, job[5], with_entry)
  if not place then return code end
  local canceled = list_key('canceled', origin)
  code = wrong(canceled, 'zset') or (limit and limit_wrong(limit))
  if code then return code end
  if not (may_write_own(JOB, id) and may_write_run(id, origin, origin)) then return 'refused' end

  if place.line then leave_queue(place.line, id, place.rank, job[5]) end
  if place.set then redis.call('ZREM', place.set, id) end
  if place.entry then redis.call('ZREM', ENTRIES, id) end
  redis.call('HSET', job_key(id), 'status', 'canceled')
  redis.call('ZADD', canceled, string.format('%.0f', math.floor(tonumber(now))), id)
  if limit then limits[#limits + 1] = { id, limit } end
  leave_lane(id, origin, 'canceled')
  return 'done'
end, function()
  leave_queues()
  for _, left in ipairs(limits) do leave_limit(unpack(left)) end
end)
