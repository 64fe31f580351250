-- Tells workers something, each of them only if it is still the one, and runs the job, that was seen.
--
-- KEYS  1 the operation's hash (keys.OPERATION)
-- ARGV  1 prefix of RQ's keys, 2 shutdown, stop-job or kill-horse, then for each worker: its name, and the id of the job that it
--       was seen to run ('' for none)
-- Returns for each worker { code, its birth, the id of the execution that is meant }. The code is `sent`, or why nothing was: a
--       code of REASONS, or `starting` (its horse is not there yet: rq.worker's kill_horse would then take the worker's own process
--       group for it, RQ field guide section 2), or `deaf` (nobody listens on its channel).
-- Leaves nothing but the counts, by code, in the operation's hash. Cost: O(executions of the worker, MOST at the most) for each.

local RQ, word = ARGV[1], ARGV[2]
local MOST = 1000

-- The execution of `job` by this worker: its id, '' where RQ before 3 says only the job's, nil where it does not run it.
local function execution_of(worker, job, current_job)
  local members = redis.pcall('SRANDMEMBER', RQ .. ':worker:' .. worker .. ':executions', MOST)
  for _, member in ipairs(members.err and {} or members) do
    if string.sub(member, 1, #job + 1) == job .. ':' then return string.sub(member, #job + 2) end
  end
  return current_job == job and '' or nil
end

local function payload(job, execution)
  if word ~= 'stop-job' then return cjson.encode({ command = word }) end
  if execution == '' then return cjson.encode({ command = 'stop-job', job_id = job }) end
  return cjson.encode({ command = 'stop-execution', job_id = job, execution_id = execution })
end

local function tell(worker, job)
  local key = RQ .. ':worker:' .. worker
  local fields = redis.pcall('HMGET', key, 'birth', 'last_heartbeat', 'death', 'shutdown_requested_date', 'current_job')
  if fields.err then return { 'unreadable' } end
  local birth, beat, death, shutdown, current = unpack(fields)
  -- What the horse of a killed worker writes last has no heartbeat.
  if not beat or death then return { 'gone' } end
  birth = birth or ''
  local execution = ''
  if word == 'shutdown' then
    -- A second shutdown is a cold one: it kills the horse.
    if shutdown then return { 'same', birth } end
  else
    if job == '' then return { 'state', birth } end
    execution = execution_of(worker, job, current)
    if not execution then return { 'changed', birth } end
    local of = redis.pcall('HMGET', RQ .. ':job:' .. job, 'status', 'worker_name')
    if of.err then return { 'unreadable', birth } end
    if of[1] ~= 'started' or of[2] ~= worker then return { 'starting', birth } end
  end
  local heard = redis.call('PUBLISH', RQ .. ':pubsub:' .. worker, payload(job, execution))
  return { heard > 0 and 'sent' or 'deaf', birth, execution }
end

-- The first write of all: where memory is full, the server refuses this one, before anybody is told anything.
if redis.call('HSETNX', KEYS[1], 'begun', redis.call('TIME')[1]) == 1 then redis.call('EXPIRE', KEYS[1], 7 * 86400) end

local AS = { starting = 'changed', deaf = 'gone' }
local found = {}
for i = 3, #ARGV, 2 do
  local told = tell(ARGV[i], ARGV[i + 1])
  found[#found + 1] = told
  redis.call('HINCRBY', KEYS[1], AS[told[1]] or told[1], 1)
end
return found
