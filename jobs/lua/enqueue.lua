-- Enqueues one run that no slot of the entry asks for: run now, backfill, a dispatch, a delivery. (After place.lua.)
--
-- KEYS  1 schedule hash, 2 runs hash, 3 the run's job hash, 4 its queue list, 5 RQ's set of queues, 6 waiting zset of the lane,
--       7 the lane's counts, 8 set of lanes
-- ARGV  1 schedule id, 2 run id, 3 its suffix, 4 kind, 5 slot, 6 overlap policy, 7 now, 8 lane, 9 prefix of job hashes,
--       10 how many runs to remember, 11.. the run's fields and values
-- Returns 'enqueued', 'exists' or 'overlap'. Leaves nothing when it did not enqueue. Cost: O(fields), and O(50) for the history.

if overlaps(ARGV[6], KEYS[2], ARGV[9], ARGV[1]) then return 'overlap' end
local placed = place({
  run = ARGV[2], suffix = ARGV[3], kind = ARGV[4], slot = ARGV[5], now = ARGV[7], lane = ARGV[8], keep = tonumber(ARGV[10]),
  first = 11, last = #ARGV, job = KEYS[3], queue = KEYS[4], queues = KEYS[5], waiting = KEYS[6], lane_counts = KEYS[7],
  lanes = KEYS[8], runs = KEYS[2], schedule = KEYS[1],
})
return placed and 'enqueued' or 'exists'
