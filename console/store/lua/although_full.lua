#!lua flags=allow-oom
-- Carries out commands in one step, also where memory is full. (Redis 7 and later: before, servers cannot read the first line.)
--
-- KEYS  the keys that the commands name
-- ARGV  for each command: of how many words it is, then these
-- Returns what each of them answered. Leaves what they leave. Cost: theirs.

local answers, at = {}, 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  answers[#answers + 1] = redis.call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return answers
