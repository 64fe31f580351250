-- Drops an entry of ours whose schedule is gone.
--
-- KEYS  1 entries zset, 2 schedule hash, 3 the entry's job hash
-- ARGV  1 entry id
-- Returns 1 when it was dropped, 0 when the schedule is there after all. Cost: O(log entries).

if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[3])
return 1
