-- Shared by every script of a partition: put in front of each when it is loaded.
--
-- KEYS: none of its own.
-- ARGV: none of its own.
-- Returns: nothing; defines local functions.
-- Invariants: an object with waiting messages is in exactly one place: a lane, `flight`, `parked`,
--   waiting for its stored head to be posted, or blocked by its head that is held or waits for a
--   cause (b:OBJECT field `st` says which). Its field `hs` is absent if no call about the object
--   was ever begun, 1 if one was, 2 if something of it is, or may be, in an ERP. P is the
--   partition's key prefix; all keys built from it share its hash tag.

local function clock(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function emit(P, now, kind, tx, ...)
  redis.call('XADD', P .. 'e', '*', 'k', kind, 'tx', tx, 'at', string.format('%d', now), ...)
end

-- Only the newest token of a lease that has not run out may write.
local function holds(P, now, token)
  local lease = redis.call('HMGET', P .. 'lease', 'token', 'until')
  return lease[1] == token and lease[2] and tonumber(lease[2]) > now
end

-- Is this take of the object's head still the one in somebody's hands?
local function in_hand(P, object, tx, number)
  return redis.call('HGET', P .. 'b:' .. object, 'st') == 'flight'
    and redis.call('LINDEX', P .. 'f:' .. object, 0) == tx
    and redis.call('HGET', P .. 'm:' .. tx, 'tn') == number
end

-- Put an object where its head message belongs; `due` is when it may be taken (ms).
local function place(P, object, due)
  local head = redis.call('LINDEX', P .. 'f:' .. object, 0)
  if not head then
    redis.call('DEL', P .. 'b:' .. object)
    return
  end
  local message = redis.call('HMGET', P .. 'm:' .. head, 'rt', 'pr')
  local owner = redis.call('HGET', P .. 'b:' .. object, 'ow')
  if message[1] == 'hold' or not owner then
    redis.call('ZADD', P .. 'parked', due, object)
    redis.call('HSET', P .. 'b:' .. object, 'st', 'parked')
  else
    local lane = P .. 'l:' .. owner .. ':' .. message[2]
    redis.call('ZADD', lane, due, object)
    redis.call('HSET', P .. 'b:' .. object, 'st', 'ready', 'ln', lane)
  end
end

-- Take an object out of wherever it is.
local function displace(P, object)
  local lane = redis.call('HGET', P .. 'b:' .. object, 'ln')
  if lane then redis.call('ZREM', lane, object) end
  redis.call('ZREM', P .. 'flight', object)
  redis.call('ZREM', P .. 'parked', object)
end
