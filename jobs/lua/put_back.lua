-- Puts an entry that was set aside back where it was, due when it was.
--
-- KEYS  1 entries zset, 2 the entry's job key, 3 quarantine zset, 4 quarantined hash, 5 quarantined job key
-- ARGV  1 quarantine number, 2 entry id, 3 now, 4 prefix of RQ's keys
-- Returns 'done': the job is the one that was kept, or, where that was only copied, the entry's own with what its run made of it.
-- Nothing is changed by the others: 'gone', the number is not there; 'overlap', that run has not ended, and one that is due would
-- be queued twice; 'taken', an entry of that id exists, or another job.
-- Cost: O(log entries).

local NOT_ENDED = { queued = true, started = true, deferred = true, rate_limited = true, ready_to_enqueue = true }

-- A job of the same call may be another of that id, which is no entry: both were made at the same instant only if they are one.
local function own_job()
  local job = redis.pcall('HMGET', KEYS[2], 'data', 'created_at', 'status', 'origin')
  local kept = redis.pcall('HMGET', KEYS[5], 'data', 'created_at')
  local same = not job.err and not kept.err and job[1] and job[1] == kept[1] and job[2] and job[2] == kept[2]
  return same and job
end

local function has_ended(job)
  if NOT_ENDED[job[3]] then return false end
  local retried = redis.pcall('ZSCORE', ARGV[4] .. ':scheduled:' .. (job[4] or ''), ARGV[2])
  return not retried or type(retried) == 'table'
end

if redis.call('EXISTS', KEYS[4]) == 0 then return 'gone' end
if redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 'taken' end
if redis.call('EXISTS', KEYS[2]) == 1 then
  local job = own_job()
  if not job then return 'taken' end
  if not has_ended(job) then return 'overlap' end
  redis.call('DEL', KEYS[5])
elseif redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('RENAME', KEYS[5], KEYS[2])
end
local score = redis.call('HGET', KEYS[4], 'score')
redis.call('ZADD', KEYS[1], score ~= '' and score or ARGV[3], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4])
return 'done'
