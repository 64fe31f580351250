-- Puts failed and stopped jobs back into their queues, or, with a rate limit, among those that wait for a slot of it.
-- (After jobs.lua, rate_limits.lua, runs.lua, enqueueing.lua.)
--
-- Options  1 '1' for the front of the queue, 2 '1' for fresh retries, 3 the timeout of jobs without one
-- Leaves each job's hash queued, or rate_limited, and without an expiry; its id out of the failed registry and in the queue's
--       list; the queue among RQ's queues; a run of ours among those that wait in its lane.
-- Cost: 10 µs a job, 15 µs with fresh retries, 20 µs a run of ours, 20 to 45 µs with a rate limit.

local front, fresh, timeout = options[1] == '1', options[2] == '1', options[3]
local NOTHING = '\120\156\3\0\0\0\0\1'  -- as zlib writes it: RQ's own requeue leaves no other traceback here
local UNTRACED = { 'started_at', '', 'ended_at', '' }
-- Where there was no traceback, none of nothing is added: it reads the same, and a hash that grows takes a tenth longer.
local TRACED = { 'started_at', '', 'ended_at', '', 'exc_info', NOTHING }
local left = {}
local function has_failed(status) return status == 'failed' or status == 'stopped' end

-- Puts back a job that came from the queue of its group, with a timeout, without a limit, and no run of ours, as nearly all of a
-- bulk: what the others are asked one by one has one answer for the group. False, and nothing is done, where it is not so, or not
-- as it was seen.
local group, put, ids
local function requeue_plain(id, queue, score)
  if group ~= group_list then
    group, ids = group_list, ids_at(left, group_list)
    local may = may_write_all(JOB) and not (wrong(group, 'zset') or cannot_enqueue('', queue))
    put = may and into_queue(queue, front)
  end
  if not put or parts_of_run(id) then return false end
  local key = job_key(id)
  local job = redis.pcall('HMGET', key, 'status', 'origin', 'timeout', 'rate_limit_key', 'exc_info')
  if not has_failed(job[1]) or job[2] ~= queue or not job[3] or (job[4] or '') ~= '' or moved(id, score) then return false end
  if fresh then give_retries(id) end
  put(id, key, job[5] and TRACED or UNTRACED)
  ids[#ids + 1] = id
  return true
end

return act_on_each(function(id, queue, state, score)
  if requeue_plain(id, queue, score) then return 'done' end
  local code = moved(id, score)
  if code then return code end
  local job
  job, code = fields_of(id, 'origin', 'timeout', 'rate_limit_key', 'exc_info')
  if not job then return code end
  if not has_failed(job[1]) then return 'changed' end
  local origin = job[2] and job[2] ~= '' and job[2] or queue
  local concurrency = job[4] and redis.call('HGET', job_key(id), 'rate_limit_concurrency')
  local limit = has_limit(job[4], concurrency) and job[4] or nil
  code = wrong(group_list, 'zset') or cannot_enqueue(id, origin, limit, queue)
  if code then return code end

  local fields = job[5] and TRACED or UNTRACED
  if limit or not job[3] or origin ~= job[2] then
    fields = { 'origin', origin, 'timeout', job[3] or timeout, unpack(fields) }
    if limit then append(fields, 'enqueue_at_front', front and '1' or '0') end
  end
  if fresh then give_retries(id) end
  enqueue(id, origin, front, limit, concurrency, fields)
  run_enqueued(id, origin, queue, true)
  collect(left, group_list, id)
  return 'done'
end, function()
  each(left, 'ZREM')
  finish_enqueueing()
end)
