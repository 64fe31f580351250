-- Notes that an attempt of a run starts. An earlier attempt that never ended was cut off: it ends as `killed`.
--
-- KEYS  1 attempts hash of the run, 2 runs hash of its schedule, 3 the lane's counts, 4 waiting zset of the lane,
--       5 ongoing zset of the lane, 6 missing hash
-- ARGV  1 now, 2 the attempt as JSON, 3 how many to keep, 4 TTL of the attempts, 5 the run's suffix or '', 6 when the job's last
--       execution ended, as far as RQ knows, or '', 7 run id, 8 when to look at the run, if nothing is heard of it
-- Returns the attempt's number. Cost: O(1).

local n = redis.call('HINCRBY', KEYS[1], 'n', 1)
local text = n > 1 and redis.call('HGET', KEYS[1], n - 1)
local ok, before = pcall(cjson.decode, text or '')
if ok and before.outcome == 'running' then
  before.outcome, before.error = 'killed', 'the work-horse ended before the attempt did'
  before.ended = ARGV[6] ~= '' and ARGV[6] or ARGV[1]
  redis.call('HSET', KEYS[1], n - 1, cjson.encode(before))
  redis.call('HINCRBY', KEYS[3], 'retried', 1)
end
redis.call('HSET', KEYS[1], n, ARGV[2])
redis.call('HDEL', KEYS[1], n - tonumber(ARGV[3]), 'progress')
redis.call('EXPIRE', KEYS[1], ARGV[4])
if ARGV[5] ~= '' then
  redis.call('ZREM', KEYS[4], ARGV[7])
  redis.call('ZADD', KEYS[5], ARGV[8], ARGV[7])
  redis.call('HDEL', KEYS[6], ARGV[7])
end
local line = ARGV[5] ~= '' and redis.call('HGET', KEYS[2], ARGV[5])
if line then
  local kind, slot = string.match(line, '^([^;]*);[^;]*;([^;]*);')
  redis.call('HSET', KEYS[2], ARGV[5], kind .. ';started;' .. slot .. ';' .. ARGV[1] .. ';;' .. n)
end
return n
