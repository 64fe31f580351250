-- Prelude: what a deferred job waits for, as rq.job.Job.dependencies_are_met has it. (After jobs.lua.)
-- Cost: O(dependencies) for each job, MOST_DEPENDENCIES at the most.

local MOST_DEPENDENCIES = 1000

-- The jobs for which a deferred one waits still: those that have not finished, and, unless it takes failures, have not failed. One
-- that has no hash holds up nobody, unless is_kept(id) says that it may come back. nil where nobody knows.
local function open_dependencies(id, is_kept)
  local set = RQ .. ':job::' .. id .. ':dependencies'
  local count = redis.pcall('SCARD', set)
  if type(count) ~= 'number' or count > MOST_DEPENDENCIES then return nil end
  local takes_failures = redis.call('HGET', job_key(id), 'allow_dependency_failures') == '1'
  local open = {}
  for _, other in ipairs(redis.call('SMEMBERS', set)) do
    local status = redis.pcall('HGET', job_key(other), 'status')
    if not status then
      if is_kept(other) then open[#open + 1] = other end
    elseif status ~= 'finished' and not (takes_failures and status == 'failed') then
      open[#open + 1] = other
    end
  end
  return open
end
