-- Prelude of the scripts that put jobs into queues. (After jobs.lua, rate_limits.lua, runs.lua.)
--
-- What an operator puts into a queue must not expire there: the hash loses its expiry, and so does the set of its dependents,
-- which are else never released. The lists and sets that many jobs share are written once, by finish_enqueueing.
-- Cost: O(1) for each job, O(log jobs of the limit) where it has a rate limit.

local at_end, at_front, queues, enqueued = {}, {}, {}, {}

-- Why a job cannot be put into a queue, nil where it can. `limit` is the job's rate_limit_key, nil without a limit; `before` is the
-- queue in whose lane it was, if it is a run of ours.
local blocked = {}
local function cannot_enqueue(id, queue, limit, before)
  if blocked[queue] == nil then
    blocked[queue] = wrong(RQ .. ':queue:' .. queue, 'list') or wrong(RQ .. ':queues', 'set') or false
  end
  if blocked[queue] then return blocked[queue] end
  local may = may_write_all(JOB) or may_write_own(JOB, id, id .. ':dependents')
  if not (may and may_write_run(id, before, queue)) then return 'refused' end
  return limit and limit_wrong(limit)
end

local function append(fields, name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end

-- A function that puts jobs without a limit into one queue: put(id, the key of its hash, other fields and values of it).
local function into_queue(queue, front)
  local list = RQ .. ':queue:' .. queue
  local ids = ids_at(front and at_front or at_end, list)
  return function(id, key, fields)
    redis.call('HSET', key, 'status', 'queued', 'enqueued_at', now_text, unpack(fields))
    ids[#ids + 1] = id
    queues[list] = true
    enqueued[#enqueued + 1] = key
  end
end

-- Puts a job into a queue; one with a limit among those that wait for a slot. `fields` are other fields and values of its hash.
local function enqueue(id, queue, front, limit, concurrency, fields)
  local key = job_key(id)
  if not limit then return into_queue(queue, front)(id, key, fields) end
  redis.call('HSET', key, 'status', 'rate_limited', unpack(fields))
  enqueued[#enqueued + 1] = key
  queues[RQ .. ':queue:' .. queue] = true
  wait_for_slot(id, limit, concurrency)
end

-- Gives a job as many retries as it has waits between them, and none of those that its own results asked for counts any more.
-- RQ does not note with how many retries a job began. It notes the waits: exactly one for each in runs of ours, and in jobs of
-- others that list them all.
local function give_retries(id)
  local key = RQ .. ':job:' .. id
  local job = redis.call('HMGET', key, 'retries_left', 'retry_intervals', 'number_of_retries')
  if job[3] then redis.call('HDEL', key, 'number_of_retries') end
  if not job[1] or not job[2] or #job[2] > 10000 then return end
  local ok, waits = pcall(cjson.decode, job[2])
  if ok and type(waits) == 'table' and #waits > (tonumber(job[1]) or 0) then redis.call('HSET', key, 'retries_left', #waits) end
end

-- To be called once, after the last job.
local function finish_enqueueing()
  each(at_end, 'RPUSH')
  each(at_front, 'LPUSH')
  for list in pairs(queues) do redis.call('SADD', RQ .. ':queues', list) end
  finish_runs()
  -- Last of all: a server before Redis 7 does not tell before that it will refuse this, and then each job is in one place.
  local dependents = {}
  for n, key in ipairs(enqueued) do
    redis.call('PERSIST', key)
    dependents[n] = key .. ':dependents'
  end
  if #dependents > 0 and redis.call('EXISTS', unpack(dependents)) > 0 then
    for _, key in ipairs(dependents) do redis.call('PERSIST', key) end
  end
end
