-- Moves due retries from RQ's ScheduledJobRegistry of one lane to its queue, unless an RQ scheduler holds the lane's lock.
-- What RQScheduler.enqueue_scheduled_jobs does, but one step for each job, and one bad hash does not stop the others.
--
-- KEYS  1 scheduled zset, 2 RQ's scheduler lock, 3 queue list, 4 waiting zset of the lane, 5 ongoing zset of the lane
-- ARGV  1 now, 2 now as RQ writes times, 3 prefix of job hashes, 4 how many to move at the most
-- Returns how many were moved. What cannot be moved is stepped over and left: a rate-limited job, which may only start through
-- RQ's own registry of slots, and one whose hash is none.
-- Cost: O(log scheduled) for each that is looked at, four times ARGV[4] at the most.

if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local limit = tonumber(ARGV[4])
local moved, left, looked = 0, 0, 0

-- Returns false when the job is left where it is.
local function move(id)
  local job = redis.pcall('HMGET', ARGV[3] .. id, 'status', 'rate_limit_key', 'enqueue_at_front_on_retry', 'ended_at',
    'enqueue_at_front')
  if job.err or (job[2] and job[2] ~= '') then return false end
  redis.call('ZREM', KEYS[1], id)
  if not job[1] then return true end
  local again = job[4] and job[4] ~= ''
  local front = (job[3] == '1' and again) or job[5] == '1'
  redis.call('HSET', ARGV[3] .. id, 'status', 'queued', 'enqueued_at', ARGV[2])
  redis.call(front and 'LPUSH' or 'RPUSH', KEYS[3], id)
  if string.sub(id, 1, 3) == 'tq-' then
    redis.call('ZREM', KEYS[5], id)
    redis.call('ZADD', KEYS[4], ARGV[1], id)
  end
  moved = moved + 1
  return true
end

repeat
  local ids = redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1], 'LIMIT', left, limit - moved)
  for _, id in ipairs(ids) do
    if not move(id) then left = left + 1 end
  end
  looked = looked + #ids
until #ids == 0 or moved >= limit or looked >= 4 * limit
return moved
