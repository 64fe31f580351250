-- Prelude: where jobs are in their queues, and taking many of them out at once. (After jobs.lua.)
--
-- A list has no index, and looking for an element, or taking one out, walks through it: 18 ms in one of a million. But what was
-- enqueued later is further down, a few exceptions apart. So a job is looked for in the stretch where the one before it was, then in
-- the one that its enqueued_at points to, then in the last one, and only if it is in none (a worker has just taken it, or it was put
-- to the front), in the whole list. What is taken goes out of all lists when the script ends, by leave_queues, with one walk for all of a list; until
-- then ranks are those of the script's beginning.
-- Cost: O(1) at the head; elsewhere up to 0.4 ms for each job, and for each call one walk from the nearer end to the furthest that is
-- taken: up to 10 ms in a queue of a million jobs. 18 ms for one that is not where it should be.

local STRETCH = 128
local TAKEN = TQ .. 'taken:' .. KEYS[1]  -- in the place of those that are taken, for the time of leave_queues

local lines = {}
local function line_of(list)
  local line = lines[list]
  if not line then
    line = { list = list, length = redis.call('LLEN', list), rank = {}, id = {}, read = {}, taken = {}, n = 0, last = 0, since = '' }
    line.low = line.length
    line.high = -1
    lines[list] = line
    if line.length > 8 * STRETCH then unwatched = 1 end
  end
  return line
end

local function read_stretch(line, rank)
  local first = math.floor(math.max(0, rank) / STRETCH) * STRETCH
  if line.read[first] then return end
  line.read[first] = true
  for n, id in ipairs(redis.call('LRANGE', line.list, first, first + STRETCH - 1)) do
    line.id[first + n - 1] = id
    line.rank[id] = line.rank[id] or first + n - 1
  end
end

local function id_at(line, rank)
  if rank < 0 or rank >= line.length then return false end
  return line.id[rank] or redis.call('LINDEX', line.list, rank)
end

-- About where a job is that was enqueued then: behind the last one, if it was enqueued later, in steps that grow; nil where a job on
-- the way does not say when it was enqueued.
local function reckoned(line, enqueued_at)
  local function is_later(rank)
    local at = redis.pcall('HGET', job_key(id_at(line, rank)), 'enqueued_at')
    if type(at) ~= 'string' then return nil end
    return at < enqueued_at
  end
  local low, high = 0, line.length
  if enqueued_at >= line.since then
    local step = STRETCH
    low = line.last
    while low + step < line.length do
      local later = is_later(low + step)
      if later == nil then return nil end
      if not later then
        high = low + step
        break
      end
      low, step = low + step, step * 2
    end
  end
  while high - low > STRETCH do
    local middle = math.floor((low + high) / 2)
    local later = is_later(middle)
    if later == nil then return nil end
    if later then low = middle else high = middle end
  end
  return low
end

-- The rank of a job in a queue, nil where it is not in it.
local function rank_of(line, id, enqueued_at)
  if not line.rank[id] then read_stretch(line, line.last) end
  if not line.rank[id] then read_stretch(line, line.last + STRETCH) end
  local at = not line.rank[id] and enqueued_at and line.length > 0 and reckoned(line, enqueued_at)
  if at then
    read_stretch(line, at)
    read_stretch(line, at + STRETCH)
  end
  if not line.rank[id] then read_stretch(line, line.length - 1) end
  if not line.rank[id] then
    line.rank[id] = redis.call('LPOS', line.list, id) or nil
    unwatched = 1
  end
  return line.rank[id]
end

-- Lets a job leave its queue, and returns the ids next to it that are still there: towards the head, and towards the tail; false
-- where there is none.
local function leave_queue(line, id, rank, enqueued_at)
  local before, after = rank - 1, rank + 1
  while line.taken[before] do before = line.taken[before][1] end
  while line.taken[after] do after = line.taken[after][2] end
  line.taken[rank] = { before, after }
  line.n, line.low, line.high = line.n + 1, math.min(line.low, rank), math.max(line.high, rank)
  line.rank[id] = nil
  line.last, line.since = rank, enqueued_at or line.since
  return id_at(line, before), id_at(line, after)
end

-- To be called once, after the last job.
local function leave_queues()
  for _, line in pairs(lines) do
    local in_a_row = line.high - line.low + 1 == line.n
    if in_a_row and line.low == 0 then
      redis.call('LTRIM', line.list, line.n, -1)
    elseif in_a_row and line.high == line.length - 1 then
      redis.call('LTRIM', line.list, 0, line.low - 1)
    elseif line.n > 0 then
      for rank in pairs(line.taken) do redis.call('LSET', line.list, rank, TAKEN) end
      redis.call('LREM', line.list, line.high < line.length - line.low and line.n or -line.n, TAKEN)
    end
  end
end
