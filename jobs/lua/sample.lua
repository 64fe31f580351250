-- Records one sample of one queue. A sample's id is its slot, so two schedulers, or a clock set back, add none twice.
--
-- KEYS  1 samples stream, 2 queue list, 3 wip zset, 4 scheduled zset, 5 deferred zset, 6 failed zset, 7 the lane's counts
-- ARGV  1 the slot in ms, 2 now in seconds, 3 prefix of job hashes, 4 how many samples to keep, about, 5 seconds after which the
--       samples of a queue that is sampled no more are dropped, 6 how often recording has begun anew, because the clock was set back
-- Returns 1 when the sample was added. Cost: O(log failed).

local function epoch(text)
  local y, mo, d, h, mi, s = string.match(text, '^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)')
  if not y then return nil end
  y, mo = tonumber(y), tonumber(mo)
  if mo <= 2 then y, mo = y - 1, mo + 12 end
  local days = 365 * y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400) + math.floor((153 * (mo - 3) + 2) / 5)
    + tonumber(d) - 719469
  return days * 86400 + h * 3600 + mi * 60 + s
end

local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last and tonumber(string.match(last[1], '^%d+')) >= tonumber(ARGV[1]) then return 0 end
local head = redis.call('LINDEX', KEYS[2], 0)
local since = head and redis.pcall('HGET', ARGV[3] .. head, 'enqueued_at')
since = type(since) == 'string' and epoch(since)
local counts = redis.call('HMGET', KEYS[7], 'in', 'done', 'failed', 'retried')
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], ARGV[1] .. '-0',
  'waiting', redis.call('LLEN', KEYS[2]),
  'oldest_s', since and math.max(0, math.floor(tonumber(ARGV[2]) - since)) or 0,
  'running', redis.call('ZCARD', KEYS[3]),
  'scheduled', redis.call('ZCARD', KEYS[4]),
  'deferred', redis.call('ZCARD', KEYS[5]),
  'failed', redis.call('ZCOUNT', KEYS[6], '(' .. ARGV[2], '+inf') + redis.call('ZCOUNT', KEYS[6], -1, -1),
  'in', counts[1] or 0, 'done', counts[2] or 0, 'failed_runs', counts[3] or 0, 'retried', counts[4] or 0, 'anew', ARGV[6])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
