-- Prelude: what the job layer knows of a run that is taken away before it has ended. (After
-- jobs.lua and runs.lua.)
-- Cost: O(log runs of the lane).

-- Takes a run off the lists in which the heartbeat looks for runs of a lane, and says in its schedule's history what became of it,
-- so that it is neither put back into its queue nor holds up the next slot. Notes in `trash`, if given, what was there.
local function leave_lane(id, lane, state, trash)
  local schedule, suffix = parts_of_run(id)
  if not schedule then return end
  for _, name in ipairs({ 'waiting:', 'ongoing:' }) do
    local set = TQ .. name .. lane
    local score = is(set, 'zset') and redis.call('ZSCORE', set, id)
    if score then
      redis.call('ZREM', set, id)
      if trash then trash.score(set, id, score) end
    end
  end
  if is(TQ .. 'missing', 'hash') then redis.call('HDEL', TQ .. 'missing', id) end
  local history = TQ .. 'runs:' .. schedule
  local line = text_at(history, suffix)
  local kind, was, rest = string.match(line or '', '^([^;]*);([^;]*);(.*)$')
  if was == 'queued' or was == 'started' or was == 'retrying' then
    redis.call('HSET', history, suffix, kind .. ';' .. state .. ';' .. rest)
    if trash then trash.field(history, suffix, line) end
  end
end
