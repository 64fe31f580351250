-- Puts failed and stopped jobs back into their queues. (After jobs.lua.)
--
-- Options  1 '1' for the front of the queue, 2 '1' for as many retries as the job began with, 3 the timeout of jobs without one
-- Leaves each job's hash queued and without an expiry, since it must not expire in its queue; its id out of the failed registry
--       and in the queue's list; the queue among RQ's queues.

local at_front, fresh, timeout = options[1] == '1', options[2] == '1', options[3]
local left, pushed = {}, {}

return act_on_each(function(id, queue, state, score)
  local failed = list_key('failed', queue)
  local code = moved(failed, id, score)
  if code then return code end
  local job
  job, code = fields_of(id, 'origin', 'timeout', 'number_of_retries')
  if not job then return code end
  if job[1] ~= 'failed' and job[1] ~= 'stopped' then return 'changed' end
  local origin = job[2] and job[2] ~= '' and job[2] or queue
  local list = list_key('queued', origin)
  if not is(list, 'list') then return 'unreadable' end

  local key = job_key(id)
  redis.call('HSET', key, 'status', 'queued', 'origin', origin, 'enqueued_at', now_text, 'started_at', '', 'ended_at', '')
  if not job[3] then redis.call('HSET', key, 'timeout', timeout) end
  if fresh and job[4] then redis.call('HSET', key, 'retries_left', job[4]) end
  redis.call('PERSIST', key)
  collect(left, failed, id)
  collect(pushed, list, id)
  return 'done'
end, function()
  each(left, 'ZREM')
  each(pushed, at_front and 'LPUSH' or 'RPUSH')
  for list in pairs(pushed) do redis.call('SADD', RQ .. ':queues', list) end
end)
