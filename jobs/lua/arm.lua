-- Puts the entry of a schedule back when it, or its job, is not there: at the next slot that the schedule remembers, so none is
-- lost; an entry that is there stays where it is.
--
-- KEYS  1 entries zset, 2 schedule hash, 3 the entry's job hash
-- ARGV  1 entry id, 2 slot to use when the schedule remembers none, 3.. the entry's fields and values
-- Returns 1 when it was put back, 0 when the schedule is gone or the entry is there, with its job. Cost: O(log entries).

local there = redis.call('ZSCORE', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 0 or (there and redis.call('EXISTS', KEYS[3]) == 1) then return 0 end
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[3], unpack(ARGV, 3))
redis.call('ZADD', KEYS[1], there or redis.call('HGET', KEYS[2], 'next') or ARGV[2], ARGV[1])
return 1
