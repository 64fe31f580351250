-- Puts an entry that was set aside back where it was, due when it was.
--
-- KEYS  1 entries zset, 2 the entry's job key, 3 quarantine zset, 4 quarantined hash, 5 quarantined job key
-- ARGV  1 quarantine number, 2 entry id, 3 now
-- Returns 'done'; 'gone' when the number is not there; 'taken' when a job of that id, or an entry, exists: nothing is changed then.
-- Cost: O(log entries).

if redis.call('EXISTS', KEYS[4]) == 0 then return 'gone' end
if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 'taken' end
if redis.call('EXISTS', KEYS[5]) == 1 then redis.call('RENAME', KEYS[5], KEYS[2]) end
local score = redis.call('HGET', KEYS[4], 'score')
redis.call('ZADD', KEYS[1], score ~= '' and score or ARGV[3], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4])
return 'done'
