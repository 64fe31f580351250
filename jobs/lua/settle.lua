-- Looks at the runs of one lane that are not known to have ended, the ones longest unseen first.
--
-- A run that has ended is taken off, with its last state in the schedule's history. A run that is `queued` and older than the
-- job at the head of its queue should have left the list by being started: it is missed from now on, and when it is still missed
-- after a while, and the list really lacks it, a worker died between pop and start, and it is put back at the head.
-- The walk ends at the first run that is in the list: all that follow it were enqueued later.
--
-- KEYS  1 unsettled zset of the lane, 2 queue list, 3 missing zset, 4 the lane's counts, 5 RQ's set of queues,
--       6 RQ's scheduled zset of the lane
-- ARGV  1 now, 2 seconds until a missed run counts as lost, 3 how many runs to look at, 4 prefix of job hashes,
--       5 prefix of runs hashes, 6 prefix of attempts hashes, 7 seconds until a run that goes on is looked at again,
--       8 prefix of unsettled zsets, 9 lane, 10 set of lanes, 11 now as RQ writes times
-- Returns how many were put back. Cost: O(log) for each run looked at, and one LPOS for each of the at most five that are put
-- back in a pass.

local ENDED = { finished = true, failed = true, canceled = true, stopped = true }
local now, lost_after, again = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[7])
local searches, recovered = 5, 0

-- The attempt that the job's end cut off, if there is one, ends as `killed`: nobody else was left to write it.
local function close_attempt(id)
  local key = ARGV[6] .. id
  local n = redis.pcall('HGET', key, 'n')
  local text = type(n) == 'string' and redis.call('HGET', key, n)
  local ok, attempt = pcall(cjson.decode, text or '')
  if not ok or attempt.outcome ~= 'running' then return false end
  local ended = redis.call('HGET', ARGV[4] .. id, 'ended_at')
  attempt.outcome = 'killed'
  attempt.error = 'the work-horse ended before the attempt did'
  attempt.ended = ended or ''
  redis.call('HSET', key, n, cjson.encode(attempt))
  return true
end

local function settle(id, status)
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZREM', KEYS[3], id)
  local killed = status == 'failed' and close_attempt(id)
  if killed then redis.call('HINCRBY', KEYS[4], 'failed', 1) end
  local schedule, suffix = string.match(id, '^(tq%-[%w_]+%-%x+)%-([%w_]+)$')
  local line = schedule and redis.call('HGET', ARGV[5] .. schedule, suffix)
  if not line then return end
  local kind, state, rest = string.match(line, '^([^;]*);([^;]*);(.*)$')
  if state == 'queued' or state == 'started' or state == 'retrying' then
    state = killed and 'killed' or status or 'gone'
    redis.call('HSET', ARGV[5] .. schedule, suffix, kind .. ';' .. state .. ';' .. rest)
  end
end

local function look_again(id)
  redis.call('ZREM', KEYS[3], id)
  redis.call('ZADD', KEYS[1], now + again, id)
end

local head = redis.call('LINDEX', KEYS[2], 0)
local head_at = head and redis.pcall('HGET', ARGV[4] .. head, 'enqueued_at')
if type(head_at) ~= 'string' then head_at = nil end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])) do
  local job = redis.pcall('HMGET', ARGV[4] .. id, 'status', 'enqueued_at', 'origin')
  local status = not job.err and job[1]
  if job.err then
    look_again(id)
  elseif not status or ENDED[status] then
    settle(id, status)
  elseif status == 'queued' and job[3] and job[3] ~= ARGV[9] then
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[3], id)
    redis.call('ZADD', ARGV[8] .. job[3], now, id)
    redis.call('SADD', ARGV[10], job[3])
  elseif status == 'queued' or (status == 'scheduled' and not redis.call('ZSCORE', KEYS[6], id)) then
    if status == 'queued' and (id == head or (head and not head_at) or (head_at and (job[2] or '') >= head_at)) then
      redis.call('ZREM', KEYS[3], id)
      break
    end
    local since = redis.call('ZSCORE', KEYS[3], id)
    if not since then
      redis.call('ZADD', KEYS[3], now, id)
    elseif now - tonumber(since) >= lost_after and searches > 0 then
      searches = searches - 1
      if not redis.call('LPOS', KEYS[2], id) then
        redis.call('HSET', ARGV[4] .. id, 'status', 'queued', 'enqueued_at', job[2] or ARGV[11])
        redis.call('LPUSH', KEYS[2], id)
        redis.call('SADD', KEYS[5], KEYS[2])
        redis.call('HINCRBY', KEYS[4], 'recovered', 1)
        recovered = recovered + 1
      end
      look_again(id)
    end
  else
    look_again(id)
  end
end
return recovered
