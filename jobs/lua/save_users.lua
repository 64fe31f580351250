-- Puts users into the directory, a batch at a time.
--
-- KEYS  1 users zset
-- ARGV  1 prefix of user hashes, 2 now, 3 the tasks that a new user gets schedules for (csv),
--       then for each user: id, tier, zone, sources, webhook, active
-- Returns a list: for each user 'new', 'same', or 'changed' followed by the csv of the tasks that the user has schedules for.
-- Cost: O(log users) for each.

local told = {}
for at = 4, #ARGV, 6 do
  local id, tier, zone, sources, webhook, active = unpack(ARGV, at, at + 5)
  local key = ARGV[1] .. id
  local old = redis.call('HMGET', key, 'tier', 'zone', 'sources', 'webhook', 'active', 'tasks')
  if not old[1] then
    redis.call('HSET', key, 'tier', tier, 'zone', zone, 'sources', sources, 'webhook', webhook, 'active', active,
      'tasks', ARGV[3], 'created_at', ARGV[2], 'updated_at', ARGV[2])
    redis.call('ZADD', KEYS[1], 0, id)
    told[#told + 1] = 'new'
  elseif old[1] == tier and old[2] == zone and old[3] == sources and old[4] == webhook and old[5] == active then
    told[#told + 1] = 'same'
  else
    redis.call('HSET', key, 'tier', tier, 'zone', zone, 'sources', sources, 'webhook', webhook, 'active', active,
      'updated_at', ARGV[2])
    told[#told + 1] = 'changed' .. (old[6] or '')
  end
end
return told
