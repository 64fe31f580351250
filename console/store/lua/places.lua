-- Prelude: where a job that has not begun, or has ended, is, and whether it is there as it was seen. (After jobs.lua and
-- rate_limits.lua.)
-- Cost: O(log n) in a sorted set. In a queue O(1) at its head, and where jobs are taken one after the other; O(1,000) near its
-- tail; else it is searched, about 10 ms in one of a million jobs, and taken out at the same cost again.

local ENTRIES = 'rq:scheduler:scheduled_jobs'
local HEARTBEAT = '--tq-heartbeat'
local NEAR = 1000

local KNOWN = { created = true, started = true }
for _, status in pairs(STATUSES) do KNOWN[status] = true end

-- Whether a hash's status is that of a state. RQ puts failed and stopped jobs into one registry. A status that RQ does not know, or
-- none, says nothing: such a job is where it is listed, and RQ's own calls cannot handle it at all.
local function is_of(state, status)
  return status == STATUSES[state] or not KNOWN[status]
    or (STATUSES[status] and LISTS[status] == LISTS[state] and LISTS[state] == ':failed:')
end

-- The rank of a job in a queue, or nil: looked for where the one before it was, at the tail, and then from the head.
local hints = {}
local function rank_of(list, id)
  local hint = hints[list] or 0
  if redis.call('LINDEX', list, hint) == id then return hint end
  unwatched = 1
  local rank = redis.call('LPOS', list, id, 'RANK', -1, 'MAXLEN', NEAR) or redis.call('LPOS', list, id)
  hints[list] = rank or hint
  return rank or nil
end

local function leave_queue(list, id, rank)
  local from_tail = rank > NEAR and rank > redis.call('LLEN', list) / 2
  redis.call('LREM', list, from_tail and -1 or 1, id)
end

-- Where a job is: { list, rank } or { set, score }, or nil and a code. `limit` is its rate limit, if it has one.
local function place_of(id, queue, state, score, limit)
  if state == 'queued' then
    local list = list_key(state, queue)
    if not is(list, 'list') then return nil, 'unreadable' end
    local rank = rank_of(list, id)
    if not rank then return nil, 'changed' end
    return { list = list, rank = rank }
  end
  if state == 'rate limited' and not limit then return nil, 'gone' end
  local set = state == 'rate limited' and RQ .. ':rl:' .. limit .. ':rate_limited' or list_key(state, queue)
  if state ~= 'rate limited' then
    local code = moved(set, id, score)
    if code then return nil, code end
    return { set = set, score = sets[set].scores[id] }
  end
  if not is(set, 'zset') then return nil, 'unreadable' end
  local found = redis.call('ZSCORE', set, id)
  if not found then return nil, 'changed' end
  return { set = set, score = found }
end

local function ids_given()
  local ids, at = {}, first_group
  while at < #ARGV do
    local last = at + 1 + 2 * tonumber(ARGV[at + 2])
    for i = at + 3, last, 2 do ids[#ids + 1] = ARGV[i] end
    at = last + 2
  end
  return ids
end

-- The score of a job that is an entry of rq-scheduler's set, and whether that is a plain one: no user's schedule, no heartbeat.
local entries
local function entry_of(id)
  if not entries then
    entries = {}
    local ids = ids_given()
    local found = redis.pcall('ZMSCORE', ENTRIES, unpack(ids))
    for n, one in ipairs(ids) do entries[one] = found[n] end
  end
  local due = entries[id]
  if not due then return nil end
  return due, id ~= HEARTBEAT and redis.call('EXISTS', TQ .. 'schedule:' .. id) == 0
end

-- Where a job is that may be acted on, or nil and a code: as place_of, besides `entry`, the score of its entry if it has one. The
-- job of an entry alone is scheduled, and in no registry of RQ's.
local function found_as(id, queue, state, score, limit, with_entry)
  local due, plain = entry_of(id)
  if due and not (plain and with_entry) then return nil, 'entry' end
  local place, code = place_of(id, queue, state, score, limit)
  if not place and code == 'changed' and due and state == 'scheduled' and (score == '' or tonumber(score) == tonumber(due)) then
    place = {}
  end
  if not place then return nil, code end
  place.entry = due
  return place
end
