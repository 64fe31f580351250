-- Prelude: counts how often the runs of a schedule have failed since one was done. Cost: O(log schedules that fail).

-- How a run ends without what it was for. What somebody stopped or canceled says nothing of the next one.
local FAILED = { failed = true, timeout = true, killed = true, lost = true }

-- Counts a run that has ended in `state`. `failing` is the set, `definition` the schedule's hash. What is paused, or whose user is
-- inactive, is not meant to run.
local function count_failed_in_a_row(failing, definition, schedule, state)
  if state == 'finished' then
    redis.pcall('ZREM', failing, schedule)
  elseif FAILED[state] then
    local meant = redis.pcall('HMGET', definition, 'paused', 'active')
    if meant[1] ~= '1' and meant[2] ~= '0' then redis.pcall('ZINCRBY', failing, 1, schedule) end
  end
end
