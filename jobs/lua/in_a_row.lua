-- Prelude: counts how many runs of a schedule in a row have failed. Cost: O(log schedules that fail).

-- Whether a run in this state ended without what it was for. What somebody stopped or canceled says nothing of the next one.
local FAILED = { failed = true, timeout = true, killed = true, lost = true }

local function in_a_row(failing, schedule, state)
  if state == 'finished' then
    redis.pcall('ZREM', failing, schedule)
  elseif FAILED[state] then
    redis.pcall('ZINCRBY', failing, 1, schedule)
  end
end
