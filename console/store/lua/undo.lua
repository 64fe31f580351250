-- Puts back what an operation took into the trash. (After jobs.lua, rate_limits.lua, entry_of.lua, trash.lua and
-- dependencies.lua; of a job, only its id is used.)
--
-- Options  1 the operation that took it
-- Returns `done`; `gone` where it is not in the trash, or has expired there, or is the schedule of a user who is gone;
--       `exists` where there is a key again that would come back; `unreadable` where a list or set that it was in is of another
--       type, or what the trash notes of it is not its own.
-- Leaves every key with its content and its expiry, and the members of sorted sets and sets, as they were. In a queue the id comes
--       before the one that followed it, else after the one that it followed, else to the front. A job that held a slot of a rate
--       limit that others have by now waits for one. A deferred one whose dependencies have finished meanwhile is ready, as RQ
--       would have left it. Jobs that waited for what is back, and were released meanwhile, wait for it no longer. What is back
--       is out of the trash, and an operation of which all is back too.
-- Cost: O(1) commands for each key and each member, 25 µs for a job that ended, O(dependents and dependencies) where it has such;
--       for one from the middle of a queue a walk from its head, 18 ms for a million jobs, and two where its neighbours are not
--       found.

local operation = options[1]
local listed, places = TQ .. 'trashed:' .. operation, TQ .. 'trashed-place:' .. operation
local DEFERRED, READY = RQ .. LISTS.deferred, RQ .. LISTS.ready
local prefix = trash_prefix(TQ, operation)
local TYPES = { score = 'zset', member = 'set', place = 'list', field = 'hash', word = 'hash' }

-- A neighbour may be an id without a hash, or of a status that RQ does not know.
local ELSEWHERE = { created = true, started = true }
for _, status in pairs(STATUSES) do ELSEWHERE[status] = status ~= 'queued' end
local returned = {}
local function may_be_queued(id)
  if not id then return false end
  local status = redis.pcall('HGET', job_key(id), 'status')
  if not status then return returned[id] or redis.call('HEXISTS', places, id) == 0 end
  return status == 'queued' or not ELSEWHERE[status]
end

-- Whether it was put next to a neighbour. Whoever is not queued, or is in the trash, is in no queue, and is not looked for.
local function put_beside(list, id, neighbour, side)
  if not may_be_queued(neighbour) then return false end
  local tail = side == 'AFTER'
  if redis.call('LINDEX', list, tail and -1 or 0) == neighbour then
    return redis.call(tail and 'RPUSH' or 'LPUSH', list, id)
  end
  unwatched = 1
  return redis.call('LINSERT', list, side, neighbour, id) > 0
end

local function words(text)
  local found = {}
  for word in string.gmatch(text, '[^,]+') do found[#found + 1] = word end
  return found
end

-- The words of a list as it is now, and one that was taken out of it: in the order that they had then, those of later at the end.
local function with_word(list, before, word)
  local wanted, put = { [word] = true }, {}
  for _, one in ipairs(words(list)) do wanted[one] = true end
  for _, one in ipairs(words(before)) do
    if wanted[one] then
      put[#put + 1] = one
      wanted[one] = nil
    end
  end
  for _, one in ipairs(words(list)) do
    if wanted[one] then put[#put + 1] = one end
  end
  if wanted[word] then put[#put + 1] = word end
  return table.concat(put, ',')
end

-- Whether a key was in the trash, and is back.
local function restored(key, expiry)
  if redis.pcall('RENAME', prefix .. key, key).err then return false end
  if expiry == -1 then redis.call('PERSIST', key) else redis.call('PEXPIREAT', key, expiry) end
  return true
end

-- Whether a job is in the trash, of this operation or of one of the last.
local LAST_OPERATIONS = 1000
local last_operations
local function in_trash(id)
  if redis.call('HEXISTS', places, id) == 1 then return true end
  last_operations = last_operations or redis.call('ZREVRANGE', TQ .. 'trash', 0, LAST_OPERATIONS - 1)
  for _, other in ipairs(last_operations) do
    if redis.pcall('HEXISTS', TQ .. 'trashed-place:' .. other, id) == 1 then return true end
  end
  return false
end

-- Whoever was released while their dependency was in the trash would be run once more when that finishes.
local function drop_released(dependents)
  local members = redis.pcall('SMEMBERS', dependents)
  for _, id in ipairs(members.err and {} or members) do
    local status = redis.pcall('HGET', job_key(id), 'status')
    if type(status) == 'string' and status ~= 'deferred' then redis.call('SREM', dependents, id) end
  end
end

-- A worker that ends the dependency at this moment has found no such job among its dependents. It watches the set of them, and looks
-- again when that has been written.
local function let_look_again(id)
  local dependents = job_key(id) .. ':dependents'
  if redis.call('TYPE', dependents).ok ~= 'set' or not may_write(dependents) then return end
  if redis.call('SADD', dependents, NOBODY) == 1 then redis.call('SREM', dependents, NOBODY) end
end

local function ready_of(registry) return READY .. string.sub(registry, #DEFERRED + 1) end

-- What is put back, by kind. `of` is what all of one id share.
local put, scored = {}, {}
function put.main() end
function put.absent() end
function put.key(of, key, expiry)
  if restored(key, expiry) and key == job_key(of.id) .. ':dependents' then drop_released(key) end
end
function put.deferred(of, _, id)
  local open = open_dependencies(id, in_trash)
  of.ready = open and #open == 0
  for _, one in ipairs(open or {}) do let_look_again(one) end
end
function put.score(of, zset, member, score)
  if of.ready and string.sub(zset, 1, #DEFERRED) == DEFERRED then
    redis.call('HSET', job_key(member), 'status', STATUSES.ready)
    zset, score = ready_of(zset), string.format('%.0f', math.floor(server_now()))
  end
  collect(scored, zset, score)
  collect(scored, zset, member)
end
function put.member(_, set, member) redis.call('SADD', set, member) end
function put.place(of, list, id, before, after)
  if of.waits then return end
  if not put_beside(list, id, after, 'BEFORE') and not put_beside(list, id, before, 'AFTER') then redis.call('LPUSH', list, id) end
  redis.call('SADD', RQ .. ':queues', list)
end
-- RQ drops a limit that nobody uses.
local function renew_limit(limit, concurrency)
  redis.call('SADD', RQ .. ':rl-keys', limit)
  redis.call('HSETNX', RQ .. ':rl:' .. limit, 'concurrency', concurrency)
  return tonumber(redis.call('HGET', RQ .. ':rl:' .. limit, 'concurrency')) or 0
end
-- More may have been held than the limit allows by now: it may have been lowered.
function put.slot(of, limit, id, score, concurrency, held, queued)
  local name, slots = RQ .. ':rl:' .. limit, math.max(renew_limit(limit, concurrency), held)
  if redis.call('ZCARD', name .. ':allowed') < slots then
    redis.call('ZADD', name .. ':allowed', score, id)
  elseif queued then
    of.waits = true
    redis.call('ZADD', name .. ':rate_limited', score, id)
  end
end
function put.waiting(of, limit, id, score, concurrency)
  redis.call('ZADD', RQ .. ':rl:' .. limit .. ':rate_limited', score, id)
  of.limit, of.slots = limit, renew_limit(limit, concurrency)
end
function put.field(_, hash, field, value)
  if redis.call('HEXISTS', hash, field) == 1 then redis.call('HSET', hash, field, value) end
end
function put.word(_, hash, field, value, word)
  local list = redis.call('HGET', hash, field)
  if list then redis.call('HSET', hash, field, with_word(list, value, word)) end
end

-- Whether what a note says is of the kind that it should be.
local function fits(said, kind)
  if kind == 'score' then
    return type(said) == 'string' and (string.find(said, '^%-?%d+%.?%d*$') or string.find(said, '^%-?%d+%.?%d*e[-+]?%d+$')
      or string.find(said, '^%-?inf$'))
  end
  return type(said) == kind or kind == 'neighbour' and (said == false or type(said) == 'string')
end
-- The notes of one id, nil where they are none that the trash writes.
local function understood(id, packed)
  local ok, said = pcall(unpacked, id, packed)
  if not ok or type(said) ~= 'table' then return nil end
  local notes, at = {}, 1
  while at <= #said do
    local says = SAYS[said[at]]
    if not says then return nil end
    for n, kind in ipairs(says) do
      if not fits(said[at + n], kind) then return nil end
    end
    notes[#notes + 1] = { unpack(said, at, at + #says) }
    at = at + 1 + #says
  end
  return notes
end

local function may_write_trash()
  return may_write_all(prefix) and may_write(places) and may_write(listed) and may_write(TQ .. 'trash')
end

-- What stands against putting it back, before anything is written.
local function in_the_way(notes)
  local code = wrong(RQ .. ':queues', 'set')
  if code then return code end
  if not may_write_trash() then return 'refused' end
  local keys = {}
  for _, note in ipairs(notes) do
    local what, key = note[1], note[2]
    if TYPES[what] then
      code = wrong(key, TYPES[what])
      if code then return code end
      -- A schedule without its user would fire, and each run of it would fail.
      if what == 'word' and redis.call('EXISTS', key) == 0 then return 'gone' end
      -- An entry alone, whose job was left where it is, may have been scheduled again.
      if key == ENTRIES and redis.call('ZSCORE', key, note[3]) then return 'exists' end
    elseif what == 'deferred' then
      code = wrong(ready_of(key), 'zset')
      if code then return code end
    elseif what == 'slot' or what == 'waiting' then
      code = limit_wrong(key)
      if code then return code end
    else
      if not may_write(key) then return 'refused' end
      keys[#keys + 1] = key
    end
  end
  return #keys > 0 and redis.call('EXISTS', unpack(keys)) > 0 and 'exists' or nil
end

-- Puts back the key that the id is about; false where it has expired, and takes then the rest out of the trash.
local function put_main(notes)
  for _, note in ipairs(notes) do
    if note[1] == 'main' and not restored(note[2], note[3]) then
      for _, other in ipairs(notes) do
        if other[1] == 'key' then redis.call('DEL', prefix .. other[2]) end
      end
      return false
    end
  end
  return true
end

local notes_of, back = {}, {}
local ids = ids_given()
for n, packed in ipairs(redis.call('HMGET', places, unpack(ids))) do notes_of[ids[n]] = packed end

-- Puts back a plain job: the same steps as below, with fewer of everything. nil where the notes are to be read as those of any other.
local function put_plain(id)
  local ok, kind, set, score, expiry, of_results = pcall(cmsgpack.unpack, notes_of[id])
  if not ok or kind ~= 'plain' or set == ENTRIES then return nil end
  if not (fits(set, 'string') and fits(score, 'score') and fits(expiry, 'number') and fits(of_results, 'number')) then
    return 'unreadable'
  end
  local key, results = job_key(id), RESULTS .. id
  local code = wrong(set, 'zset')
  if code then return code end
  if not (may_write_trash() and may_write_own(JOB, id) and (of_results == -2 or may_write_own(RESULTS, id))) then
    return 'refused'
  end
  if redis.call('EXISTS', key, of_results == -2 and key or results) > 0 then return 'exists' end
  notes_of[id] = nil
  back[#back + 1] = id
  if not restored(key, expiry) then
    if of_results ~= -2 then redis.call('DEL', prefix .. results) end
    return 'gone'
  end
  returned[id] = true
  if of_results ~= -2 then restored(results, of_results) end
  collect(scored, set, score)
  collect(scored, set, id)
  return 'done'
end

return act_on_each(function(id)
  if not notes_of[id] then return 'gone' end
  local code = put_plain(id)
  if code then return code end
  local notes = understood(id, notes_of[id])
  if not notes then return 'unreadable' end
  code = in_the_way(notes)
  if code then return code end
  notes_of[id] = nil
  back[#back + 1] = id
  if not put_main(notes) then return 'gone' end
  returned[id] = true
  local of = { id = id }
  for i = #notes, 1, -1 do put[notes[i][1]](of, unpack(notes[i], 2)) end
  if of.waits then redis.call('HSET', job_key(id), 'status', 'rate_limited') end
  if of.limit then promote(of.limit, of.slots) end
  return 'done'
end, function()
  for zset, members in pairs(scored) do redis.call('ZADD', zset, unpack(members)) end
  if #back > 0 then
    redis.call('HDEL', places, unpack(back))
    redis.call('ZREM', listed, unpack(back))
  end
  if redis.call('EXISTS', listed) == 0 then redis.pcall('ZREM', TQ .. 'trash', operation) end
end)
