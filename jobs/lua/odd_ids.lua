-- Finds due entries whose ids are not ASCII. RQ accepts no such id, and rq-scheduler fails on those that are not UTF-8.
--
-- KEYS  1 entries zset
-- ARGV  1 now
-- Returns the ids. Cost: O(due), as the read with which rq-scheduler begins each pass.

local odd = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1])) do
  if string.find(id, '[\128-\255]') then odd[#odd + 1] = id end
end
return odd
