-- Prelude: which of the jobs that a script is given are entries of rq-scheduler's set. (After jobs.lua.)
-- Cost: one command for all of them, and one for each that is an entry.

local ENTRIES = 'rq:scheduler:scheduled_jobs'
local HEARTBEAT = '--tq-heartbeat'

-- The ids of all jobs that the script is given.
local given
local function ids_given()
  if not given then
    given = {}
    each_group(function(first, count)
      for i = first, first + count - 1 do given[#given + 1] = ARGV[i] end
    end)
  end
  return given
end

-- The scores of those that are entries, and a code where the set cannot be read.
local entries, unreadable
local function look_for_entries()
  entries = {}
  local ids = ids_given()
  local found = redis.pcall('EXISTS', ENTRIES) == 0 and {} or redis.pcall('ZMSCORE', ENTRIES, unpack(ids))
  unreadable = found.err and code_of(found)
  for n, one in ipairs(ids) do
    if found[n] then entries[one] = found[n] end
  end
end

-- Whether it is known that none of them is one.
local function none_is_entry()
  if not entries then look_for_entries() end
  return not unreadable and next(entries) == nil
end

-- The score of a job that is an entry of rq-scheduler's set, and whether that is a plain one: no user's schedule, no heartbeat. Where
-- the set cannot be read, nil, nil and a code: nobody knows whether it is one.
local function entry_of(id)
  if not entries then look_for_entries() end
  local due = entries[id]
  if not due then return nil, nil, unreadable end
  return due, id ~= HEARTBEAT and redis.call('EXISTS', TQ .. 'schedule:' .. id) == 0
end
