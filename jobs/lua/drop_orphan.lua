-- Drops an entry of ours whose schedule is gone, or whose user.
--
-- KEYS  1 entries zset, 2 the schedule's hash, or the user's, 3 the entry's job hash
-- ARGV  1 entry id
-- Returns 1 when it was dropped, 0 when there was none, or when what was gone is there after all. Cost: O(log entries).

if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[3])
return redis.call('ZREM', KEYS[1], ARGV[1])
