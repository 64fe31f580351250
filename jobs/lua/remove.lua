-- Removes schedules with their entries and histories, a batch at a time. Runs that exist already go on.
--
-- KEYS  1 entries zset, 2 schedules zset, 3 set of paused schedules, 4 zset of those that fail
-- ARGV  1 prefix of schedule hashes, 2 of runs hashes, 3 of user hashes, 4 of job hashes, then for each schedule: id, user, task
-- Returns how many there were. Cost: O(log entries + 50) for each.

local removed = 0
for at = 5, #ARGV, 3 do
  local id, user, task = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  removed = removed + redis.call('DEL', ARGV[1] .. id)
  redis.call('DEL', ARGV[2] .. id, ARGV[4] .. id)
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZREM', KEYS[2], user .. '\0' .. task)
  redis.call('SREM', KEYS[3], id)
  redis.pcall('ZREM', KEYS[4], id)
  local tasks = redis.call('HGET', ARGV[3] .. user, 'tasks')
  if tasks then
    local kept = {}
    for word in string.gmatch(tasks, '[^,]+') do
      if word ~= task then kept[#kept + 1] = word end
    end
    redis.call('HSET', ARGV[3] .. user, 'tasks', table.concat(kept, ','))
  end
end
return removed
