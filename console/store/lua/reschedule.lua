-- Changes when jobs that wait for a retry, or for their time, are due. (After jobs.lua.)
--
-- Options  1 when, in epoch seconds
-- Leaves each job in its registry with the new score. A hash that would expire expires as much later as the job is due later.
-- Cost: 10 µs a job.

local due = options[1]

return act_on_each(function(id, queue, state, score)
  local code = moved(id, score)
  if code then return code end
  local job
  job, code = fields_of(id)
  if not job then return code end
  if job[1] ~= 'scheduled' then return 'changed' end
  code = wrong(group_list, 'zset') or not may_write_own(JOB, id) and 'refused'
  if code then return code end
  local before = redis.call('ZSCORE', group_list, id)
  if tonumber(before) == tonumber(due) then return 'same' end

  redis.call('ZADD', group_list, 'XX', due, id)
  local later = math.floor((tonumber(due) - tonumber(before)) * 1000)
  local left = redis.call('PTTL', job_key(id))
  if left > 0 and later > 0 then redis.call('PEXPIRE', job_key(id), string.format('%.0f', left + later)) end
  return 'done'
end)
