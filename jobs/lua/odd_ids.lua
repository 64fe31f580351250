-- Finds due entries whose ids are not ASCII, in a stretch of those that are due. RQ accepts no such id, and rq-scheduler fails on
-- those that are not UTF-8.
--
-- KEYS  1 entries zset
-- ARGV  1 now, 2 how many due entries to pass over, 3 how many to look at
-- Returns { how many were looked at, ids... }. Cost: O(log entries + ARGV[3]).

local due = redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1], 'LIMIT', ARGV[2], ARGV[3])
local found = { #due }
for _, id in ipairs(due) do
  if string.find(id, '[\128-\255]') then found[#found + 1] = id end
end
return found
