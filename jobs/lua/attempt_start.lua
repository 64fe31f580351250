-- Notes that an attempt of a run starts. An earlier attempt that never ended was cut off: it ends as `killed`.
--
-- KEYS  1 attempts hash of the run, 2 runs hash of its schedule, 3 the lane's counts, 4 waiting zset of the lane,
--       5 ongoing zset of the lane, 6 missing hash, 7 the present record of delays, 8 and 9 the user's seconds and failures of
--       this hour
-- ARGV  1 now, 2 the attempt as JSON, 3 how many to keep, 4 TTL of the attempts, 5 the run's suffix or '', 6 when the job's last
--       execution ended, as far as RQ knows, or '', 7 run id, 8 when to look at the run, if nothing is heard of it,
--       9 what the fields of its lane and tier begin with in the record, or '', 10 TTL of that, 11 and 12 how long it waited: bin
--       and seconds, or '', 13 and 14 how late it is after its slot, 15 user or '', 16 how many users to keep, 17 for how long
-- Returns the attempt's number. Cost: O(1). (After usage.lua.)

local MOST_FIELDS = 4000

-- For people: where it cannot be counted, the attempt starts all the same.
local function delayed(kind, bin, seconds)
  local field = ARGV[9] .. ';' .. kind .. ';'
  if bin == '' or type(redis.pcall('HINCRBY', KEYS[7], field .. bin, 1)) == 'table' then return end
  local longest = tonumber(redis.call('HGET', KEYS[7], field .. 'max') or 0) or 0
  if tonumber(seconds) >= longest then redis.call('HSET', KEYS[7], field .. 'max', seconds) end
  redis.call('EXPIRE', KEYS[7], ARGV[10])
end

local n = redis.call('HINCRBY', KEYS[1], 'n', 1)
local text = n > 1 and redis.call('HGET', KEYS[1], n - 1)
local ok, before = pcall(cjson.decode, text or '')
if ok and before.outcome == 'running' then
  before.outcome, before.error = 'killed', 'the work-horse ended before the attempt did'
  before.ended = ARGV[6] ~= '' and ARGV[6] or ARGV[1]
  redis.call('HSET', KEYS[1], n - 1, cjson.encode(before))
  redis.call('HINCRBY', KEYS[3], 'retried', 1)
  local took = tonumber(before.ended) and tonumber(before.started) and before.ended - before.started
  used(KEYS[8], KEYS[9], ARGV[15], took, 1, ARGV[16], ARGV[17])
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
  -- A slot that is backfilled, and a run that was asked for, are not late.
  if n == 1 and kind ~= 'slot' then ARGV[13] = '' end
end
local counts = n == 1 and ARGV[9] ~= '' and redis.pcall('HLEN', KEYS[7])
if type(counts) == 'number' and counts < MOST_FIELDS then
  delayed('wait', ARGV[11], ARGV[12])
  if line then delayed('late', ARGV[13], ARGV[14]) end
end
return n
