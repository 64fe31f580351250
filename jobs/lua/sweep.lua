-- Walks a stretch of the schedules and finds those without an entry, whose entry has lost its job, or whose user is gone.
--
-- KEYS  1 schedules zset, 2 entries zset
-- ARGV  1 the member after which to begin, or '', 2 how many at the most, 3 prefix of job hashes, 4 of user hashes
-- Returns { the member at which it ended, or '' at the end of the set, members that were found... }, among them those that name
--       no task. Cost: O(ARGV[2] log n).

local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local members = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, ARGV[2])
local found = { #members < tonumber(ARGV[2]) and '' or members[#members] }

local function is_well(member)
  local user, task = string.match(member, '^(.*)%z(.-)$')
  if not user or redis.call('EXISTS', ARGV[4] .. user) == 0 then return false end
  local id = 'tq-' .. task .. '-' .. string.sub(redis.sha1hex(user), 1, 20)
  return redis.call('ZSCORE', KEYS[2], id) and redis.call('EXISTS', ARGV[3] .. id) == 1
end

for _, member in ipairs(members) do
  if not is_well(member) then found[#found + 1] = member end
end
return found
