-- Moves jobs that wait to another queue: queued ones to its end, the others to its registry. (After jobs.lua, entry_of.lua,
-- runs.lua, waiting.lua.) Not the job of an entry of rq-scheduler's: all runs of its schedule are that job, and would go there.
--
-- Options  1 the queue to which
-- Leaves each job's `origin` that queue, in whose registries it ends then; its score, or its slot of a rate limit, as it was;
--       the queue among RQ's queues; a run of ours among those that wait, or go on, in the lane of that name. One that its
--       queue does not hold was taken by a worker, and is left alone.
-- Cost: 10 µs a job; for queued ones besides that of waiting.lua.

local to = options[1]
local arrived, moved_any = {}, false

return act_on_each(function(id, queue, state, score)
  if queue == to then return 'same' end
  local due, _, unreadable = entry_of(id)
  if due or unreadable then return unreadable or 'entry' end
  local from, target = group_list, list_key(state, to)
  local code, found
  if state ~= 'queued' then code, found = moved(id, score) end
  if code then return code end
  local job
  job, code = fields_of(id, 'enqueued_at')
  if not job then return code end
  if job[1] ~= STATUSES[state] then return 'changed' end
  local type = state == 'queued' and 'list' or 'zset'
  code = wrong(from, type) or wrong(target, type) or wrong(RQ .. ':queues', 'set')
  if code then return code end
  if not (may_write_own(JOB, id) and may_write_run(id, queue, to)) then return 'refused' end

  if state == 'queued' then
    if not take_out(from, id, job[2]) then return 'changed' end
    collect(arrived, target, id)
    -- Jobs of a queue lie in the order of these instants, by which jobs/lua/settle.lua finds lost ones.
    redis.call('HSET', job_key(id), 'origin', to, 'enqueued_at', now_text)
  else
    if redis.call('ZREM', from, id) == 0 then return 'changed' end
    redis.call('ZADD', target, found, id)
    redis.call('HSET', job_key(id), 'origin', to)
  end
  run_moved(id, queue, to, state == 'queued' and now or nil)
  moved_any = true
  return 'done'
end, function()
  each(arrived, 'RPUSH')
  if moved_any then redis.call('SADD', RQ .. ':queues', RQ .. ':queue:' .. to) end
end)
