-- Sets one entry aside: out of the set, its job key renamed with every byte and its TTL.
-- All runs of a plain entry that repeats are one job, the entry's. Where that is a run too, as its status or a registry of its queue
-- says, the key is copied instead: a run that waits, be it for its retry, still comes, and one that has ended stays in its registry.
--
-- KEYS  1 entries zset, 2 the entry's job key, 3 quarantine zset, 4 quarantine counter
-- ARGV  1 entry id, 2 reason, 3 now, 4 who, 5 prefix of quarantined hashes, 6 prefix of quarantined job keys, 7 prefix of RQ's keys
-- Returns the quarantine number, 0 when there is no such entry: then nothing is changed. Cost: O(log entries), up to six O(log jobs)
-- of registries, and O(fields) for a copy.

local OF_A_RUN = {
  queued = true, started = true, deferred = true, rate_limited = true, ready_to_enqueue = true,
  finished = true, failed = true, stopped = true, canceled = true,
}
local REGISTRIES = { ':finished:', ':failed:', ':canceled:', ':scheduled:', ':deferred:', ':ready:' }

-- rq-scheduler's entries are `scheduled` from the beginning, as is a run that waits for its retry: only the registry has no entries.
local function is_a_run()
  local job = redis.pcall('HMGET', KEYS[2], 'status', 'origin')
  if job.err then return false end
  if OF_A_RUN[job[1]] then return true end
  for _, registry in ipairs(job[2] and REGISTRIES or {}) do
    local found = redis.pcall('ZSCORE', ARGV[7] .. registry .. job[2], ARGV[1])
    if found and not (type(found) == 'table' and found.err) then return true end
  end
  return false
end

local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return 0 end
local n = redis.call('INCR', KEYS[4])
redis.call('HSET', ARGV[5] .. n, 'id', ARGV[1], 'reason', ARGV[2], 'at', ARGV[3], 'by', ARGV[4],
  'score', score)
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call(is_a_run() and 'COPY' or 'RENAME', KEYS[2], ARGV[6] .. n)
end
redis.call('ZADD', KEYS[3], ARGV[3], n)
redis.call('ZREM', KEYS[1], ARGV[1])
return n
