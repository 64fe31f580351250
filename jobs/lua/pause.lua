-- Pauses or resumes a schedule, with a note. The entry stays in its set: a paused schedule comes due and is skipped.
--
-- KEYS  1 schedule hash, 2 set of paused schedules, 3 zset of those that fail: whoever pauses or resumes one has seen to it
-- ARGV  1 schedule id, 2 '1' to pause, '0' to resume, 3 note, 4 who
-- Returns 'done', 'already' when it was so before (then only the note of a pause is replaced, by one that is not empty), or
--       'unknown'. Cost: O(log schedules that fail).

if redis.call('EXISTS', KEYS[1]) == 0 then return 'unknown' end
local already = (redis.call('HGET', KEYS[1], 'paused') or '0') == ARGV[2]
if already and (ARGV[2] == '0' or ARGV[3] == '') then return 'already' end
redis.call('HSET', KEYS[1], 'paused', ARGV[2], 'note', ARGV[3], 'by', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call(ARGV[2] == '1' and 'SADD' or 'SREM', KEYS[2], ARGV[1])
redis.pcall('ZREM', KEYS[3], ARGV[1])
return already and 'already' or 'done'
