-- Prelude: the trash. What an operation takes is renamed, never copied, and noted, so that undo.lua puts it back as it was.
-- (After jobs.lua.)
--
--   local trash = open_trash(TQ, operation, seconds, ids)   once in a script; `seconds` is for how long it can be put back, `ids`
--                                          are all that the script may take
--   trash.refused()                        true where the user may not write the trash: then take nothing
--   trash.of(id, key)                      begin what belongs to one id with the key that it is about: where that has expired,
--                                          nothing of the id is put back. Without `key`, only lists name the id. False, and nothing
--                                          is done, where this operation took such a key of that id before: then leave it alone
--   trash.key(key)                         take another key of its, of whatever type, if it is there
--   trash.absent(key)                      note a key that is not there: where there is one later on, nothing is put back
--   trash.score(zset, member, score)       note a member that the script takes out of a sorted set
--   trash.member(set, member)              the same of a set
--   trash.place(list, id, before, after)   the same of a list: the ids that were next to it, towards the head and the tail
--   trash.slot(limit, id, score, concurrency, of, queued)  note the slot of a rate limit that the job held, one of so many held
--   trash.waiting(limit, id, score, concurrency)           note that it waited for one
--   trash.field(hash, field, value)        note a field that the script changes: put back where the hash has that field still
--   trash.word(hash, field, value, word)   note a word that the script takes out of a list with commas, and the whole list
--   trash.deferred(registry, id)           note that it waits for a job that has not finished
--   trash.keep()                           end what belongs to this id
--   trash.plain(id, set, score)            all of that for a job that is its hash, its results and its place in one sorted set.
--                                          False, and nothing is done, where this operation took something of that id before
--   trash.close()                          once, after the last
--
-- Keys that expire sooner than the trash keep their expiry; the others get it back. What is noted last is put back first.
-- The caller has made sure of all types, takes members out itself, and writes nothing of an id before `trash.of` said true.
-- A key in the trash is `<TQ>trashed-key:<operation>:<key>` (jobs/keys.py). The notes of an id are one list, packed: of each note
-- its kind, and what that says. Those of a plain job are no list but, one after the other, `plain`, the sorted set, the score in it,
-- and when the hash and the results expire.
-- Cost: O(1) for each call.

-- What each kind of note says, and of which type it is: a score is a text that is a number, a neighbour an id or false.
local SAYS = {
  main = { 'string', 'number' }, key = { 'string', 'number' }, absent = { 'string' },
  score = { 'string', 'string', 'score' }, member = { 'string', 'string' }, place = { 'string', 'string', 'neighbour', 'neighbour' },
  slot = { 'string', 'string', 'score', 'string', 'number', 'boolean' }, waiting = { 'string', 'string', 'score', 'string' },
  field = { 'string', 'string', 'string' }, word = { 'string', 'string', 'string', 'string' }, deferred = { 'string', 'string' },
}

local RESULTS = RQ .. ':results:'

-- The notes of an id, those of a plain job as those of any other.
local function unpacked(id, packed)
  local said, set, score, expiry, of_results = cmsgpack.unpack(packed)
  if said ~= 'plain' then return said end
  local notes = { 'main', job_key(id), expiry, 'score', set, id, score }
  if of_results ~= -2 then notes[8], notes[9], notes[10] = 'key', RESULTS .. id, of_results end
  return notes
end

-- When a key expires, in milliseconds: -1 for never, -2 where there is none. Servers before Redis 7 know only what is left.
local function expiry_of(key)
  local at = redis.pcall('PEXPIRETIME', key)
  if type(at) == 'number' then return at end
  local left, time = redis.call('PTTL', key), redis.call('TIME')
  return left < 0 and left or time[1] * 1000 + math.floor(time[2] / 1000) + left
end

for _, command in ipairs({ 'RENAME', 'ZREMRANGEBYSCORE' }) do NEEDED[#NEEDED + 1] = command end

local function trash_prefix(tq, operation) return tq .. 'trashed-key:' .. operation .. ':' end

local function open_trash(tq, operation, seconds, ids)
  -- The server's clock: a console whose own is behind would let at once expire what it takes.
  local time = redis.call('TIME')
  local till = time[1] * 1000 + math.floor(time[2] / 1000) + math.floor(tonumber(seconds) * 1000)
  local listed, places, prefix = tq .. 'trashed:' .. operation, tq .. 'trashed-place:' .. operation, trash_prefix(tq, operation)
  -- Where it is something else, this fails, before anything is taken.
  redis.call('ZCARD', tq .. 'trash')
  local last = redis.call('ZREVRANGE', listed, 0, 0, 'WITHSCORES')[2]
  local first, before = last and tonumber(last) + 1 or 0, {}
  if last then
    for n, packed in ipairs(redis.call('HMGET', places, unpack(ids))) do
      if packed then before[ids[n]] = packed end
    end
  end
  local order, packed = {}, {}
  local trash = {}
  -- One list for all, one after the other: what is made anew for each job takes as long as a command. `size` is how long it is.
  local id
  local notes, size = {}, 0

  -- By kind of key: whether all so far were there and never expire. The next one is then taken for such a key, with two commands
  -- in place of three, which tell where it is none. Servers before Redis 7 know no NX here.
  local lasting = {}
  -- Takes a key, and tells when it expires.
  local function renamed(what, key)
    local kept = prefix .. key
    local moved = lasting[what] and not redis.pcall('RENAME', key, kept).err
    if moved and redis.call('PEXPIREAT', kept, till, 'NX') == 1 then return -1 end
    local expiry = expiry_of(moved and kept or key)
    lasting[what] = lasting[what] == nil and expiry == -1 and redis.acl_check_cmd ~= nil
    if expiry == -2 then return expiry end
    if not moved then redis.call('RENAME', key, kept) end
    if expiry == -1 or expiry > till then redis.call('PEXPIREAT', kept, till) end
    return expiry
  end
  local function take(what, key)
    local expiry = renamed(what, key)
    if expiry == -2 then return end
    notes[size + 1], notes[size + 2], notes[size + 3] = what, key, expiry
    size = size + 3
  end
  local function note(what)
    return function(...)
      local said = { ... }
      notes[size + 1] = what
      for n = 1, #SAYS[what] do notes[size + 1 + n] = said[n] or false end
      size = size + 1 + #SAYS[what]
    end
  end
  local function keep(one, all)
    local n = #packed
    packed[n + 1], packed[n + 2] = one, all
    order[n + 1], order[n + 2] = first + n / 2, one
  end
  local function noted_before(earlier)
    notes = unpacked(id, earlier)
    size = #notes
    local at = 1
    while at <= size and notes[at] ~= 'main' do at = at + 1 + #SAYS[notes[at]] end
    return notes[at + 1]
  end

  function trash.refused()
    return not (may_write_all(prefix) and may_write(listed) and may_write(places) and may_write(tq .. 'trash'))
  end
  function trash.of(taken, key)
    id, size = taken, 0
    local earlier = before[taken]
    local main = earlier and noted_before(earlier)
    if main then
      if redis.call('EXISTS', prefix .. main) == 0 then
        size = 0
      elseif key then
        return false
      end
    end
    if key then take('main', key) end
    return true
  end
  function trash.key(key) take('key', key) end
  trash.absent = note('absent')
  function trash.score(zset, member, score)
    notes[size + 1], notes[size + 2], notes[size + 3], notes[size + 4] = 'score', zset, member, score
    size = size + 4
  end
  trash.member, trash.place, trash.slot, trash.waiting = note('member'), note('place'), note('slot'), note('waiting')
  trash.field, trash.word, trash.deferred = note('field'), note('word'), note('deferred')
  function trash.keep()
    for n = #notes, size + 1, -1 do notes[n] = nil end
    before[id] = cmsgpack.pack(notes)
    keep(id, before[id])
  end
  function trash.plain(taken, set, score)
    if before[taken] then return false end
    local expiry = renamed('main', job_key(taken))
    keep(taken, cmsgpack.pack('plain', set, score, expiry, renamed('key', RESULTS .. taken)))
    return true
  end
  function trash.close()
    if #order == 0 then return end
    redis.call('HSET', places, unpack(packed))
    redis.call('ZADD', listed, unpack(order))
    redis.call('PEXPIREAT', places, till)
    redis.call('PEXPIREAT', listed, till)
    -- Of an operation that goes on for longer, the time until which all of it can be undone, as long as any of it can.
    local all = tq .. 'trash'
    local undone_till = redis.call('ZSCORE', all, operation)
    if undone_till and tonumber(undone_till) > tonumber(time[1]) then return end
    redis.call('ZREMRANGEBYSCORE', all, '-inf', time[1])
    redis.call('ZADD', all, 'NX', till / 1000, operation)
    redis.call('PEXPIREAT', all, math.max(till, redis.call('ZREVRANGE', all, 0, 0, 'WITHSCORES')[2] * 1000))
  end
  return trash
end
