-- Notes how an attempt of a run ended.
--
-- KEYS  1 attempts hash of the run, 2 runs hash of its schedule, 3 the lane's counts, 4 log of the run,
--       5 ongoing zset of the lane, 6 waiting zset of the lane, 7 and 8 the user's seconds and failures of this hour,
--       9 zset of the schedules that fail, 10 hash of the schedule
-- ARGV  1 number of the attempt, or '' for the one that is running, or a new one when none is, 2 the attempt as JSON, 3 TTL of attempts and log, 4 the run's suffix
--       or '', 5 the run's state now, 6 duration in seconds, 7 which count of the lane goes up, 8 run id, 9 how many attempts to keep,
--       10 user or '', 11 1 where it failed, 12 how many users to keep, 13 for how long
-- Returns the attempt's number. Cost: O(log schedules that fail). (After usage.lua and in_a_row.lua.)

local n = ARGV[1]
if n == '' then
  n = redis.call('HGET', KEYS[1], 'n')
  local ok, newest = pcall(cjson.decode, n and redis.call('HGET', KEYS[1], n) or '')
  if not ok or newest.outcome ~= 'running' then
    n = redis.call('HINCRBY', KEYS[1], 'n', 1)
    redis.call('HDEL', KEYS[1], n - tonumber(ARGV[9]))
  end
end
redis.call('HSET', KEYS[1], n, ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[4], ARGV[3])
redis.call('HINCRBY', KEYS[3], ARGV[7], 1)
used(KEYS[7], KEYS[8], ARGV[10], ARGV[6], tonumber(ARGV[11]), ARGV[12], ARGV[13])
if ARGV[5] ~= 'retrying' then
  redis.call('ZREM', KEYS[5], ARGV[8])
  redis.call('ZREM', KEYS[6], ARGV[8])
end
local line = ARGV[4] ~= '' and redis.call('HGET', KEYS[2], ARGV[4])
if line then
  local kind, was, slot, started = string.match(line, '^([^;]*);([^;]*);([^;]*);([^;]*);')
  redis.call('HSET', KEYS[2], ARGV[4], kind .. ';' .. ARGV[5] .. ';' .. slot .. ';' .. started .. ';' .. ARGV[6] .. ';' .. n)
  -- One that settle.lua has taken for killed meanwhile is counted already.
  if ARGV[5] == 'finished' or not FAILED[was] then
    count_failed_in_a_row(KEYS[9], KEYS[10], string.sub(ARGV[8], 1, -#ARGV[4] - 2), ARGV[5])
  end
end
return tonumber(n)
