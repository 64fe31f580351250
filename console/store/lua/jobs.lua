-- Prelude of the scripts that act on jobs: what they are given, how they stop in time, and what jobs have in common.
--
-- KEYS  1 the operation's hash (keys.OPERATION)
-- ARGV  1 prefix of RQ's keys, 2 prefix of ours, 3 now in epoch seconds, 4 now as RQ writes it, 5 microseconds after which no
--       further job is begun, 6 how many options follow, 7.. these options, then the jobs, in groups of one list: its state,
--       its queue, how many jobs, their ids, and their scores ('' for one that has none)
-- Returns one code for each job that was looked at, in order: fewer than were given where the time was over. The caller gives
--       the others again. `done`, or why not (console/model/commands.py, REASONS); after a blank, the id of what was made. Where
--       all of them are `done`, and nothing was made, how many these are.
-- Leaves in the operation's hash how many were done, and how many not, by code, in the same step that does it.
-- Cost: O(1) commands for each job, besides what a script says of its own.

local RQ, TQ = ARGV[1], ARGV[2]
local JOB = RQ .. ':job:'
local now, now_text = ARGV[3], ARGV[4]
local first_group = 7 + tonumber(ARGV[6])
local options = { unpack(ARGV, 7, first_group - 1) }

local LISTS = {
  queued = ':queue:', scheduled = ':scheduled:', retrying = ':scheduled:', deferred = ':deferred:', ready = ':ready:',
  finished = ':finished:', failed = ':failed:', stopped = ':failed:', canceled = ':canceled:',
}
local STATUSES = {
  queued = 'queued', scheduled = 'scheduled', retrying = 'scheduled', deferred = 'deferred', ready = 'ready_to_enqueue',
  finished = 'finished', failed = 'failed', stopped = 'stopped', canceled = 'canceled', ['rate limited'] = 'rate_limited',
}

local function job_key(id) return JOB .. id end
local function list_key(state, queue) return RQ .. LISTS[state] .. queue end

-- Whether the user may read and write a key. A job is not begun where one of the keys that it writes is closed to him. One command
-- stands for all: `refusal` asks for the others. Servers before Redis 7 cannot tell; there, whoever may read a key may write it.
local writable = {}
local function may_write(key)
  local may = writable[key]
  if may == nil then
    may = not redis.acl_check_cmd or redis.acl_check_cmd('HINCRBY', key)
    writable[key] = may
  end
  return may
end

-- The same of whatever begins with a prefix: the pattern that lets the user write a key of a name that nothing has takes them all.
local NOBODY = '\1' .. KEYS[1]
local open = {}
local function may_write_all(prefix)
  if open[prefix] == nil then open[prefix] = may_write(prefix .. NOBODY) end
  return open[prefix]
end

-- The same of keys that are one job's own, by what follows the prefix.
local function may_write_own(prefix, ...)
  if may_write_all(prefix) then return true end
  for _, name in ipairs({ ... }) do
    if not may_write(prefix .. name) then return false end
  end
  return true
end

-- What a command says that failed, as a code.
local function code_of(failure)
  -- Servers of different age say it in different words.
  for _, said in ipairs({ 'NOPERM', "executing the script can't", 'ACL failure' }) do
    if string.find(failure.err, said, 1, true) then return 'refused' end
  end
  return 'unreadable'
end

-- Why a key cannot be written as one of a type, nil where it can, so that no command on it can fail after others were done. One
-- that is not there is looked for again: a rate limit named `a` makes a key that is also that of one named `a:allowed`, of another
-- type.
local types = {}
local function wrong(key, type)
  local found = types[key]
  if not found then
    if not may_write(key) then return 'refused' end
    local answer = redis.pcall('TYPE', key)
    if answer.err then return code_of(answer) end
    found = answer.ok
    if found ~= 'none' then types[key] = found end
  end
  return found ~= type and found ~= 'none' and 'unreadable' or nil
end
local function is(key, type) return not wrong(key, type) end

-- The server's clock, in epoch seconds: it says what is alive, and what is due. A console's own may be wrong.
local server_time
local function server_now()
  if not server_time then
    local time = redis.call('TIME')
    server_time = time[1] + time[2] / 1000000
  end
  return server_time
end

-- How many executions of a job are alive, nil where nobody knows.
local function executions_alive(id)
  local live = redis.pcall('ZCOUNT', RQ .. ':executions:' .. id, string.format('(%.6f', server_now()), '+inf')
  return type(live) == 'number' and live or nil
end

-- The fields of a job's hash, or nil and a code.
local function fields_of(id, ...)
  local found = redis.pcall('HMGET', job_key(id), 'status', ...)
  if found.err then return nil, code_of(found) end
  if not found[1] then return nil, redis.call('EXISTS', job_key(id)) == 1 and 'changed' or 'gone' end
  return found
end

-- Ids by key, in order, for one command with many members. `ids_at` is the list of one key, made where there is none; `collect`
-- adds an id to it.
local function ids_at(collected, key)
  local ids = collected[key]
  if not ids then
    ids = {}
    collected[key] = ids
  end
  return ids
end
local function collect(into, key, id)
  local ids = ids_at(into, key)
  ids[#ids + 1] = id
end

-- Calls each_of(first, count, state, queue) for each group of jobs, until it returns false: the ids are ARGV[first] ..
-- ARGV[first + count - 1], and their scores follow.
local function each_group(each_of)
  local at = first_group
  while at < #ARGV do
    local count = tonumber(ARGV[at + 2])
    if each_of(at + 3, count, ARGV[at], ARGV[at + 1]) == false then return end
    at = at + 3 + 2 * count
  end
end

-- The group that is acted on, the list or sorted set that it names, its job that is acted on, and the scores that its jobs had in
-- the sorted set when the first of them was looked for (one command), or an error.
local group_first, group_count, group_list, position, scores

-- nil and its score where the job that is acted on was in the sorted set of its state with the score with which it was seen;
-- else a code.
local function moved(id, score)
  if not scores then scores = redis.pcall('ZMSCORE', group_list, unpack(ARGV, group_first, group_first + group_count - 1)) end
  if scores.err then return code_of(scores) end
  local found = scores[position]
  if found and (score == '' or found == score or tonumber(found) == tonumber(score)) then return nil, found end
  return redis.call('EXISTS', job_key(id)) == 1 and 'changed' or 'gone'
end

-- One command for each key, with all that was collected for it, if anything was.
local function each(collected, command)
  for key, ids in pairs(collected) do
    if ids[1] then redis.call(command, key, unpack(ids)) end
  end
end

-- A server's TIME stands still while a script runs. Servers before Redis 7 have no clock here at all, and get few jobs a call.
local FEW = 50
local has_clock, clock = pcall(function() return os.clock end)
if not has_clock then clock = nil end

-- How many jobs are begun between two looks at the clock, which take long: 1 where one job may take long.
local unwatched = 8

-- What is called after a job's first write. A user who may not do one of these must not begin; Redis before 7 cannot tell.
local NEEDED = {
  'HSET', 'HSETNX', 'HDEL', 'HINCRBY', 'ZADD', 'ZREM', 'RPUSH', 'LPUSH', 'LINSERT', 'LSET', 'LREM', 'LTRIM', 'SADD', 'SREM',
  'PERSIST', 'EXPIRE', 'PEXPIRE', 'PEXPIREAT', 'ZSCORE', 'ZCARD', 'ZRANGE', 'SISMEMBER', 'LINDEX',
}
local function refusal()
  for _, command in ipairs(redis.acl_check_cmd and NEEDED or {}) do
    if not redis.acl_check_cmd(command, KEYS[1]) then
      return redis.error_reply('NOPERM ' .. command .. ' is needed, too')
    end
  end
end

-- The first write of all: where memory is full, the server refuses this one, before anything is done or said. An operation that was
-- paused for longer than its counts are kept begins them anew. One that is over (store/acts/audit.py) has been told, and a call that
-- was late does nothing of it.
local KEPT_S = 7 * 86400
local function begin_counts()
  if redis.call('HGET', KEYS[1], 'over') then return redis.error_reply('ERR the operation is over') end
  if redis.call('HSETNX', KEYS[1], 'begun', now) == 1 then redis.call('EXPIRE', KEYS[1], KEPT_S) end
end

-- Calls act(id, queue, state, score) for each job until the time is over, and `finish` after the last; counts the codes. `act`
-- returns a code, and the id of what it made, if it made something. Where a command fails all the same, the jobs before are
-- finished, what nobody knows is counted as `unknown`, and the failure is returned.
local function act_on_each(act, finish)
  local refused = refusal() or begin_counts()
  if refused then return refused end
  local stop = clock and clock() + tonumber(ARGV[5]) / 1000000
  local codes, counts, makes = {}, {}, false
  local acted, failure = pcall(each_group, function(first, count, state, queue)
    group_first, group_count, scores = first, count, nil
    group_list = LISTS[state] and list_key(state, queue)
    for at = 1, count do
      position = at
      local code, made = act(ARGV[first + at - 1], queue, state, ARGV[first + count + at - 1])
      local n = #codes + 1
      codes[n] = made and code .. ' ' .. made or code
      makes = makes or made
      counts[code] = (counts[code] or 0) + 1
      if clock and n % unwatched == 0 and clock() > stop or not clock and n >= FEW then return false end
    end
  end)
  if not acted then counts.unknown = 1 end
  local finished, failure_at_the_end = pcall(finish or function() end)
  if not finished then counts.unknown, counts.done = (counts.unknown or 0) + (counts.done or 0), nil end
  for code, n in pairs(counts) do redis.call('HINCRBY', KEYS[1], code, n) end
  failure = failure or failure_at_the_end
  if failure then return redis.error_reply(type(failure) == 'table' and failure.err or 'ERR ' .. failure) end
  return counts.done == #codes and not makes and #codes or codes
end
