-- Pauses or resumes a schedule, with a note. The entry stays in its set: a paused schedule comes due and is skipped.
--
-- KEYS  1 schedule hash, 2 set of paused schedules
-- ARGV  1 schedule id, 2 '1' to pause, '0' to resume, 3 note, 4 who
-- Returns 0 when there is no such schedule. Cost: O(1).

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'paused', ARGV[2], 'note', ARGV[3], 'by', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call(ARGV[2] == '1' and 'SADD' or 'SREM', KEYS[2], ARGV[1])
return 1
