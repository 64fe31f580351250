-- Looks after the runs of one lane that are not known to have ended: those that wait, oldest first, and those that go on.
--
-- A run that has ended is taken off, with its last state in the schedule's history. A run that is `queued` and older than the
-- job at the head of its queue should have left the list by being started: it is missed from now on, and when it is still missed
-- after a while, and the list really lacks it, a worker died between pop and start, and it is put back at the head.
-- The walk of those that wait ends at the first run that is in the list: all that follow it were enqueued later.
--
-- KEYS  1 waiting zset of the lane, 2 ongoing zset of the lane, 3 queue list, 4 missing hash, 5 the lane's counts,
--       6 RQ's set of queues, 7 RQ's scheduled zset of the lane, 8 set of lanes, 9 and 10 the users' seconds and failures of
--       this hour, 11 zset of the schedules that fail
-- ARGV  1 now, 2 seconds until a missed run counts as lost, 3 how many runs of each set to look at, 4 prefix of job hashes,
--       5 prefix of runs hashes, 6 prefix of attempts hashes, 7 seconds until a run that goes on is looked at again,
--       8 prefix of waiting zsets, 9 prefix of ongoing zsets, 10 lane, 11 now as RQ writes times,
--       12 prefix of schedules, 13 how many users to keep, 14 for how long
-- Returns how many were put back. Cost: O(log) for each run looked at, and an LPOS for each whose absence is verified: no more of
-- them than walk SEARCHED elements of the list together, but one at least. (After usage.lua and in_a_row.lua.)

local ENDED = { finished = true, failed = true, canceled = true, stopped = true }
local now, lost_after, again = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[7])
local SEARCHED = 300000
local searches = math.max(1, math.floor(SEARCHED / math.max(1, redis.call('LLEN', KEYS[3]))))
local overdue = {}

local head = redis.call('LINDEX', KEYS[3], 0)
local head_at = head and redis.pcall('HGET', ARGV[4] .. head, 'enqueued_at')
if type(head_at) ~= 'string' then head_at = nil end

-- The attempt that the job's end cut off, if there is one, ends as `killed`: nobody else was left to write it.
local function close_attempt(id)
  local key = ARGV[6] .. id
  local n = redis.pcall('HGET', key, 'n')
  local text = type(n) == 'string' and redis.call('HGET', key, n)
  local ok, attempt = pcall(cjson.decode, text or '')
  if not ok or attempt.outcome ~= 'running' then return false end
  attempt.outcome = 'killed'
  attempt.error = 'the work-horse ended before the attempt did'
  attempt.ended = redis.call('HGET', ARGV[4] .. id, 'ended_at') or ''
  redis.call('HSET', key, n, cjson.encode(attempt))
  return true
end

local function forget(id)
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[4], id)
end

local function settle(id, status)
  forget(id)
  local killed = status == 'failed' and close_attempt(id)
  if killed then redis.call('HINCRBY', KEYS[5], 'failed', 1) end
  local schedule, suffix = string.match(id, '^(tq%-[%w_]+%-%x+)%-([%w_]+)$')
  local user = killed and schedule and redis.pcall('HGET', ARGV[12] .. schedule, 'user')
  -- For how long it ran, nobody knows.
  if type(user) == 'string' then used(KEYS[9], KEYS[10], user, 0, 1, ARGV[13], ARGV[14]) end
  local line = schedule and redis.call('HGET', ARGV[5] .. schedule, suffix)
  if not line then return end
  local kind, state, rest = string.match(line, '^([^;]*);([^;]*);(.*)$')
  if state == 'queued' or state == 'started' or state == 'retrying' then
    state = killed and 'killed' or status or 'gone'
    redis.call('HSET', ARGV[5] .. schedule, suffix, kind .. ';' .. state .. ';' .. rest)
    count_failed_in_a_row(KEYS[11], ARGV[12] .. schedule, schedule, state)
  end
end

local function look_again(id, at)
  forget(id)
  redis.call('ZADD', KEYS[2], at + again, id)
end

-- `queued` or `scheduled`, and not where such a job has to be, as far as one look tells. What was missed before it was enqueued
-- last is another story: it has been found since, and a worker may be about to start it.
local function miss(id, enqueued_at)
  local since, of = string.match(redis.call('HGET', KEYS[4], id) or '', '^(%S+) (.*)$')
  if not since or of ~= (enqueued_at or '') then
    redis.call('HSET', KEYS[4], id, now .. ' ' .. (enqueued_at or ''))
  elseif now - tonumber(since) >= lost_after then
    overdue[#overdue + 1] = { id, enqueued_at or ARGV[11] }
  end
end

-- Puts what is lost back, the newest first, so that in the list each comes before what was enqueued after it. What a worker of
-- this one queue holds in its intermediate list is not lost: RQ's own maintenance looks after it.
local function recover()
  local recovered = 0
  for i = #overdue, math.max(1, #overdue - searches + 1), -1 do
    local id, enqueued_at = overdue[i][1], overdue[i][2]
    if not redis.call('LPOS', KEYS[3], id) and not redis.call('LPOS', KEYS[3] .. ':intermediate', id) then
      redis.call('HSET', ARGV[4] .. id, 'status', 'queued', 'enqueued_at', enqueued_at)
      redis.call('LPUSH', KEYS[3], id)
      redis.call('SADD', KEYS[6], KEYS[3])
      redis.call('HINCRBY', KEYS[5], 'recovered', 1)
      recovered = recovered + 1
    end
    look_again(id, now)
  end
  return recovered
end

-- Returns true when `id` is a waiting run that is in its list.
local function look(id, waits)
  local job = redis.pcall('HMGET', ARGV[4] .. id, 'status', 'enqueued_at', 'origin')
  local status = not job.err and job[1]
  local lane = not job.err and job[3] or ARGV[10]
  if job.err then
    look_again(id, now)
  elseif not status or ENDED[status] then
    settle(id, status)
  elseif lane ~= ARGV[10] or (status == 'queued' and not waits) then
    forget(id)
    redis.call('ZADD', ARGV[status == 'queued' and 8 or 9] .. lane, now, id)
    redis.call('SADD', KEYS[8], lane)
  elseif status == 'queued' then
    if id == head or (head and not head_at) or (head_at and (job[2] or '') >= head_at) then
      redis.call('HDEL', KEYS[4], id)
      return true
    end
    miss(id, job[2])
  elseif status == 'scheduled' then
    local due = redis.call('ZSCORE', KEYS[7], id)
    if due then look_again(id, math.max(now, tonumber(due))) else miss(id, job[2]) end
  else
    look_again(id, now)
  end
  return false
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])) do
  if look(id, true) then break end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[3])) do
  look(id, false)
end
return recover()
