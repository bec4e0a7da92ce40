-- Shared by the scripts that move objects about: those that say `-- Needs: _lanes`.
--
-- KEYS: none of its own.
-- ARGV: none of its own.
-- Returns: nothing; defines local functions.
-- Invariants: all reads come before all writes, and the type of each key is looked at before the
--   first write: a script that uses `write` and `commit` does all of its work or none.
--   An object with waiting messages is in exactly one place: a lane, `flight`, `parked`, `sought`
--   (nobody knows its owner yet), waiting for its stored head to be posted, or blocked by its head
--   that is held or waits for a cause (b:OBJECT field `st` says which). Its lane is of its owner, of the most urgent class among its
--   waiting messages (fields `c0` to `c3` count them), and of its head's channel; `ln` names it.
--   A lane that has ever had an object is a field of q:ERP until take.lua finds it empty. `sk` is
--   since when it is parked or sought (ms), its place in `sought` when it is looked for next. `hs` of
--   an object is absent if no call about it was ever begun, 1 if one was, 2 if something of it is,
--   or may be, in an ERP.

local pending = {}
local LOOK = {H = 'HLEN', Z = 'ZCARD', L = 'LLEN', R = 'LLEN', X = 'XLEN', D = 'EXISTS'}

-- Write later, with everything else; a key of a wrong type fails here.
local function write(command, key, ...)
  redis.call(LOOK[string.sub(command, 1, 1)], key)
  pending[#pending + 1] = {command, key, ...}
end

local function commit()
  for _, it in ipairs(pending) do redis.call(unpack(it)) end
end

local function emit(P, now, kind, tx, ...)
  write('XADD', P .. 'e', '*', 'k', kind, 'tx', tx, 'at', string.format('%d', now), ...)
end

-- Is this take of the object's head still the one in somebody's hands?
local function in_hand(P, object, tx, number)
  return redis.call('HGET', P .. 'b:' .. object, 'st') == 'flight'
    and redis.call('LINDEX', P .. 'f:' .. object, 0) == tx
    and redis.call('HGET', P .. 'm:' .. tx, 'tn') == number
end

-- A message leaves its object's fifo before the ledger has it: until then it is listed here.
local function leave(P, object, tx)
  write('RPUSH', P .. 'u:' .. object, tx)
end

-- Put an object into a lane.
local function into(P, object, owner, class, channel, due)
  local lane = 'l:' .. owner .. ':' .. class .. ':' .. channel
  if redis.call('ZCARD', P .. lane) == 0 then
    write('HSETNX', P .. 'q:' .. owner, class .. class .. ':' .. channel, 0)
  end
  write('ZADD', P .. lane, due, object)
  write('HSET', P .. 'b:' .. object, 'st', 'ready', 'ln', lane)
end

-- When a message was accepted (ms): ten digits of its id, behind the partition.
local DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
local function accepted_ms(tx)
  local ms = 0
  for at = 4, 13 do
    ms = ms * 32 + string.find(DIGITS, string.sub(tx, at, at), 1, true) - 1
  end
  return ms
end

-- Put an object where its head belongs; `due` is when it may be taken (ms). A message that becomes
-- the head has waited since it was accepted: it stands in its lane by that time, not behind all that
-- came while it waited for those before it. What this script writes
-- but has not written yet is told by `but`: `left`, the class of a head that leaves; `owner`;
-- `sent_on`, the head is not under a hold route any more; `head`, a message that joins an empty
-- fifo; `class` of the head, and which one it `was`.
local function place(P, object, due, but)
  local head = but.head or redis.call('LINDEX', P .. 'f:' .. object, but.left and 1 or 0)
  if not head then return write('DEL', P .. 'b:' .. object) end
  local it = redis.call('HMGET', P .. 'm:' .. head, 'rt', 'pr', 'ch')
  local b = redis.call('HMGET', P .. 'b:' .. object, 'ow', 'c0', 'c1', 'c2', 'c3')
  local owner = but.owner or b[1]
  local under_hold = it[1] == 'hold' and not but.sent_on
  if under_hold or not owner then
    local waits = under_hold and 'parked' or 'sought'
    write('ZADD', P .. waits, due, object)
    return write('HSET', P .. 'b:' .. object, 'st', waits, 'sk', string.format('%d', due))
  end
  local class = but.class or tonumber(it[2])
  for lent = 0, class - 1 do
    local count = tonumber(b[lent + 2] or '0')
    if lent == but.left or lent == but.was then count = count - 1 end
    if count > 0 then class = lent break end
  end
  into(P, object, owner, class, it[3], but.left and math.min(due, accepted_ms(head)) or due)
end

-- Take an object out of wherever it is.
local function displace(P, object)
  local lane = redis.call('HGET', P .. 'b:' .. object, 'ln')
  if lane then write('ZREM', P .. lane, object) end
  write('ZREM', P .. 'flight', object)
  write('ZREM', P .. 'parked', object)
  write('ZREM', P .. 'sought', object)
end

-- A message joins the end of a fifo in which others wait, and lends them its class.
local function join(P, object, tx, class)
  write('RPUSH', P .. 'f:' .. object, tx)
  write('HINCRBY', P .. 'b:' .. object, 'c' .. class, 1)
  local b = redis.call('HMGET', P .. 'b:' .. object, 'st', 'ln')
  if b[1] ~= 'ready' then return end
  local owner, now_in, channel = string.match(b[2], '^l:(%a+):(%d):(.*)$')
  if class < tonumber(now_in) then
    local due = redis.call('ZSCORE', P .. b[2], object)
    write('ZREM', P .. b[2], object)
    into(P, object, owner, class, channel, due)
  end
end
