-- Prelude: where a job that has not begun, or has ended, is, and whether it is there as it was seen. (After jobs.lua,
-- entry_of.lua and ranks.lua.)
-- Cost: O(log n) in a sorted set; in a queue that of ranks.lua.

local KNOWN = { created = true, started = true }
for _, status in pairs(STATUSES) do KNOWN[status] = true end

-- Whether a hash's status is that of a state. RQ puts failed and stopped jobs into one registry. A status that RQ does not know, or
-- none, says nothing: such a job is where it is listed, and RQ's own calls cannot handle it at all.
local function is_of(state, status)
  return status == STATUSES[state] or not KNOWN[status]
    or (STATUSES[status] and LISTS[status] == LISTS[state] and LISTS[state] == ':failed:')
end

-- One table for the places of all jobs, one after the other: what is made anew for each takes as long as a command.
local here = {}
local function at(line, rank, set, score)
  here.line, here.rank, here.set, here.score, here.entry = line, rank, set, score, nil
  return here
end

-- Where a job is, until the next one is looked for: `line` and `rank`, or `set` and `score`; or nil and a code. `limit` is its rate
-- limit, if it has one.
local function place_of(id, state, score, limit, enqueued_at)
  if state == 'queued' then
    local code = wrong(group_list, 'list')
    if code then return nil, code end
    local line = line_of(group_list)
    local rank = rank_of(line, id, enqueued_at)
    if not rank then return nil, 'changed' end
    return at(line, rank)
  end
  if state == 'rate limited' and not limit then return nil, 'gone' end
  local set = state == 'rate limited' and RQ .. ':rl:' .. limit .. ':rate_limited' or group_list
  if state ~= 'rate limited' then
    local code, found = moved(id, score)
    code = code or wrong(set, 'zset')
    if code then return nil, code end
    return at(nil, nil, set, found)
  end
  local code = wrong(set, 'zset')
  if code then return nil, code end
  local found = redis.call('ZSCORE', set, id)
  if not found then return nil, 'changed' end
  return at(nil, nil, set, found)
end

-- Where a job is that may be acted on, or nil and a code: as place_of, besides `entry`, the score of its entry if it has one. The
-- job of an entry alone is scheduled, and in no registry of RQ's.
local function found_as(id, state, score, limit, enqueued_at, with_entry)
  local due, plain, unreadable = entry_of(id)
  if unreadable then return nil, unreadable end
  if due and not (plain and with_entry) then return nil, 'entry' end
  local place, code = place_of(id, state, score, limit, enqueued_at)
  if not place and code == 'changed' and due and state == 'scheduled' and (score == '' or tonumber(score) == tonumber(due)) then
    place = at()
  end
  if due and place then code = wrong(ENTRIES, 'zset') end
  if not place or code then return nil, code end
  place.entry = due
  return place
end
