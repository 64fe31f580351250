-- Removes all schedules of users, with their entries and histories: those that the list of schedules has, and those that the user
-- names, because either may have been damaged. Runs that exist already go on.
--
-- KEYS  1 entries zset, 2 schedules zset, 3 set of paused schedules, 4 zset of those that fail
-- ARGV  1 prefix of schedule hashes, 2 of runs hashes, 3 of job hashes, 4 of user hashes, 5.. the users
-- Returns nothing. Cost: O(log schedules) for each user, O(log entries + 50) for each schedule.

for at = 5, #ARGV do
  local user = ARGV[at]
  local from = user .. '\0'
  local tasks = {}
  for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], '[' .. from, '[' .. from .. '\255')) do
    tasks[string.sub(member, #from + 1)] = true
  end
  local named = redis.pcall('HGET', ARGV[4] .. user, 'tasks')
  for task in string.gmatch(type(named) == 'string' and named or '', '[^,]+') do tasks[task] = true end
  for task in pairs(tasks) do
    local id = 'tq-' .. task .. '-' .. string.sub(redis.sha1hex(user), 1, 20)
    redis.call('DEL', ARGV[1] .. id, ARGV[2] .. id, ARGV[3] .. id)
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[2], from .. task)
    redis.call('SREM', KEYS[3], id)
    redis.pcall('ZREM', KEYS[4], id)
  end
end
