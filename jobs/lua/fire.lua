-- Fires one slot of one schedule, or skips it with its reason, and sets the entry's score to the next slot: one step, so a crash
-- leaves either the due slot or the run and the next slot, never something between. (After place.lua.)
--
-- KEYS  1 entries zset, 2 schedule hash, 3 runs hash, 4 the run's job hash, 5 its queue list, 6 RQ's set of queues,
--       7 waiting zset of the lane, 8 the lane's counts, 9 set of lanes
-- ARGV  1 entry id, 2 the score as it was read, 3 the schedule's rev as it was read, 4 next slot, 5 run id, 6 its suffix,
--       7 slot, 8 overlap policy, 9 now, 10 reason to skip or '', 11 how many earlier slots are missed, 12 lane,
--       13 prefix of job hashes, 14 how many runs to remember, 15 heartbeat entry, 16.. the run's fields and values
-- Returns { outcome, 1 if the heartbeat's entry is there }; outcome is 'fired', 'exists' (the slot has its run already), 'moved'
--       (the entry has another score: somebody else fired it, or it is gone), 'changed' (the definition was changed since it was
--       read: read again), or the reason of the skip.
-- Leaves the entry in the set always. Cost: O(log entries), and O(50) for the history.

local heartbeat = redis.call('ZSCORE', KEYS[1], ARGV[15]) and 1 or 0
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return { 'moved', heartbeat } end
if (redis.call('HGET', KEYS[2], 'rev') or '') ~= ARGV[3] then return { 'changed', heartbeat } end

-- The lane's count is for people: where it cannot be kept, the slot is skipped all the same.
local function skipped(reason, slots)
  redis.call('HINCRBY', KEYS[2], 'skip:' .. reason, slots)
  redis.pcall('HINCRBY', KEYS[8], 'skip:' .. reason, slots)
end

local outcome = ARGV[10]
if outcome == '' and overlaps(ARGV[8], KEYS[3], ARGV[13], ARGV[1]) then outcome = 'overlap' end
if outcome == '' then
  local placed = place({
    run = ARGV[5], suffix = ARGV[6], kind = 'slot', slot = ARGV[7], now = ARGV[9], lane = ARGV[12], keep = tonumber(ARGV[14]),
    first = 16, last = #ARGV, job = KEYS[4], queue = KEYS[5], queues = KEYS[6], waiting = KEYS[7], lane_counts = KEYS[8],
    lanes = KEYS[9], runs = KEYS[3], schedule = KEYS[2],
  })
  outcome = placed and 'fired' or 'exists'
else
  skipped(outcome, 1)
end
if ARGV[11] ~= '0' then skipped('missed', ARGV[11]) end
redis.call('ZADD', KEYS[1], 'XX', ARGV[4], ARGV[1])
redis.call('HSET', KEYS[2], 'next', ARGV[4])
return { outcome, heartbeat }
