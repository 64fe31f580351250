-- Walks a stretch of the schedules and finds those without an entry, or whose entry has lost its job.
--
-- KEYS  1 schedules zset, 2 entries zset
-- ARGV  1 the member after which to begin, or '', 2 how many at the most, 3 prefix of job hashes
-- Returns { the member at which it ended, or '' at the end of the set, members without an entry... }. Cost: O(ARGV[2] log n).

local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local members = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, ARGV[2])
local found = { #members < tonumber(ARGV[2]) and '' or members[#members] }
for _, member in ipairs(members) do
  local user, task = string.match(member, '^(.*)%z(.-)$')
  local id = 'tq-' .. task .. '-' .. string.sub(redis.sha1hex(user), 1, 20)
  if not redis.call('ZSCORE', KEYS[2], id) or redis.call('EXISTS', ARGV[3] .. id) == 0 then found[#found + 1] = member end
end
return found
