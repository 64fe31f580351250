-- Sets one entry aside: out of the set, its job key renamed with every byte and its TTL.
-- The job of a plain entry that repeats is also its run; while that run is queued or running, the key is copied instead.
--
-- KEYS  1 entries zset, 2 the entry's job key, 3 quarantine zset, 4 quarantine counter
-- ARGV  1 entry id, 2 reason, 3 now, 4 who, 5 prefix of quarantined hashes, 6 prefix of quarantined job keys
-- Returns the quarantine number, 0 when there is no such entry: then nothing is changed. Cost: O(log entries), and O(fields) for a
-- copy.

local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return 0 end
local n = redis.call('INCR', KEYS[4])
redis.call('HSET', ARGV[5] .. n, 'id', ARGV[1], 'reason', ARGV[2], 'at', ARGV[3], 'by', ARGV[4],
  'score', score)
if redis.call('EXISTS', KEYS[2]) == 1 then
  local status = redis.pcall('HGET', KEYS[2], 'status')
  if status == 'queued' or status == 'started' or status == 'deferred' then
    redis.call('COPY', KEYS[2], ARGV[6] .. n)
  else
    redis.call('RENAME', KEYS[2], ARGV[6] .. n)
  end
end
redis.call('ZADD', KEYS[3], ARGV[3], n)
redis.call('ZREM', KEYS[1], ARGV[1])
return n
