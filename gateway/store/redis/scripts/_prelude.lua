-- Shared by every script of a partition: put in front of each when it is loaded.
--
-- KEYS: none of its own.
-- ARGV: none of its own.
-- Returns: nothing; defines local functions.
-- Invariants: P is the partition's key prefix; all keys built from it share its hash tag.

local function clock(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Only the newest token of a lease that has not run out may write.
local function holds(P, now, token)
  local lease = redis.call('HMGET', P .. 'lease', 'token', 'until')
  return lease[1] == token and lease[2] and tonumber(lease[2]) > now
end
