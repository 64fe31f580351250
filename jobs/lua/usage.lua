-- Prelude of the scripts that end attempts: `used`.
--
-- used(seconds_key, failures_key, user, seconds, failures, most, kept) adds what an attempt took to what its user took in this
-- hour. It is for people: where it cannot be kept, the attempt ends all the same. With more than `most` users in an hour those go
-- that took the least. Cost: O(log most).

local function add(key, user, amount, most, kept)
  local total = redis.pcall('ZINCRBY', key, amount, user)
  if type(total) == 'table' and total.err then return end
  redis.call('EXPIRE', key, kept)
  if redis.call('ZCARD', key) > tonumber(most) then redis.call('ZREMRANGEBYRANK', key, 0, 0) end
end

local function used(seconds_key, failures_key, user, seconds, failures, most, kept)
  if user == '' or #user > 500 then return end
  local amount = tonumber(seconds) or 0
  if amount > 0 and amount < 1e9 then add(seconds_key, user, string.format('%.3f', amount), most, kept) end
  if failures > 0 then add(failures_key, user, failures, most, kept) end
end
