#!lua
-- Accept one message: marker, claim, owner, enqueue, event. All or nothing.
--
-- KEYS: 1 rules  2 claims of this generation  3 of the previous  4 of the next  5 owners bucket
--       6 object  7 fifo  8 message  9 events
--       10 where it waits without a lane: parked, or sought if it was undecided and not held
--       11 legacy lane of its class and channel  12 cloud lane  13 counters
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 epoch decided under  4 transaction id
--       5 claim field (12 bytes)  6 digest (16 bytes)  7 object key  8 owner field (12 bytes)
--       9 target: legacy | cloud | hold | owner
--       10 follow-up: 1 | 0, or 2: it is taken though nobody can say who owns its object
--       11 priority  12 payload
--       13 pipelined: 1 | 0  14 owner found elsewhere or ""  15 when these claims expire (ms)
--       16 channel
-- Returns: {'ok', tx, ms} | {'replay', tx, ms} | {'clash', tx} | {'stale', epoch, version}
--        | {'ownerless'}
-- Invariants: no write before the last check; a claim, its message and its event exist together;
--   an owner, once set, is never changed here. What waits behind others lends the object its
--   class. A create goes before what came without an owner and is about the object it begins. The
--   state of objects and lanes is that of _lanes.lua, spelled out because it is hot.
local call = redis.call
local P, now = ARGV[1], clock(ARGV[2])
local marker = call('HMGET', KEYS[1], 'epoch', 'version')
if (marker[1] or '0') ~= ARGV[3] then return {'stale', marker[1] or '0', marker[2] or ''} end

for i = 2, 4 do
  local claim = call('HGET', KEYS[i], ARGV[5])
  if claim then
    local tx = string.sub(claim, 1, 29)
    local digest = string.sub(claim, 30, 45)
    -- A claim that was restored from the ledger has no digest: any repeat is taken for equal.
    if digest ~= ARGV[6] and digest ~= string.rep('\0', 16) then return {'clash', tx} end
    return {'replay', tx, string.sub(claim, 46)}
  end
end

local owner = call('HGET', KEYS[5], ARGV[8])
local waiting = call('LLEN', KEYS[7])
local target, pinned, routed = ARGV[9], false, false
if not owner then
  if target == 'legacy' or target == 'cloud' then
    owner, pinned, routed = target, true, true
  elseif ARGV[14] ~= '' then
    owner, pinned = ARGV[14], true
  elseif ARGV[10] == '1' and waiting == 0 then
    return {'ownerless'}
  end
end
local held = target == 'hold'
local place_at = KEYS[10]
if owner and not held then place_at = owner == 'legacy' and KEYS[11] or KEYS[12] end

-- Each key to be written is read with a command of its type first: a wrong type fails here.
local b = call('HMGET', KEYS[6], 'st', 'ln')
call('HEXISTS', KEYS[8], 's')
call('XLEN', KEYS[9])
local crowd, class, channel = call('ZCARD', place_at), ARGV[11], ARGV[16]
local lane, lender, due = string.sub(place_at, #P + 1), waiting == 0, now
local lane_class, first = class, waiting > 0 and b[1] == 'sought' and ARGV[10] == '0'
if first then
  call('ZCARD', P .. 'sought')
  lender = true
  if not held then
    for lent = class - 1, 0, -1 do
      if tonumber(call('HGET', KEYS[6], 'c' .. lent) or '0') > 0 then
        lane_class = string.format('%d', lent)
      end
    end
    lane = 'l:' .. owner .. ':' .. lane_class .. ':' .. channel
    place_at = P .. lane
    crowd = call('ZCARD', place_at)
  end
elseif waiting > 0 and b[1] == 'ready' then
  local erp, now_in, of = string.match(b[2], '^l:(%a+):(%d):(.*)$')
  if class < now_in then
    lender, lane, channel = true, 'l:' .. erp .. ':' .. class .. ':' .. of, of
    place_at, owner, due = P .. lane, erp, call('ZSCORE', P .. b[2], ARGV[7])
    crowd = call('ZCARD', place_at)
  end
end
local queue, flow = P .. 'q:' .. (owner or ''), lane_class .. lane_class .. ':' .. channel
local new = lender and crowd == 0 and place_at ~= KEYS[10] and call('HEXISTS', queue, flow) == 0

local ms = string.format('%d', now)
call('HINCRBY', KEYS[13], 'w' .. class, 1)
if call('HSET', KEYS[2], ARGV[5], ARGV[4] .. ARGV[6] .. ms) == 1
    and call('HLEN', KEYS[2]) == 1 then
  call('PEXPIREAT', KEYS[2], ARGV[15])
end
if pinned then call('HSET', KEYS[5], ARGV[8], owner) end
call('HSET', KEYS[8], 'p', ARGV[12], 'o', ARGV[7], 's', held and 'parked' or 'waiting',
  'rt', held and 'hold' or '', 'pr', ARGV[11], 'pl', ARGV[13], 'n', 0, 'ch', ARGV[16])
call(first and 'LPUSH' or 'RPUSH', KEYS[7], ARGV[4])
if lender then call('ZADD', place_at, due, ARGV[7]) end
if new then call('HSETNX', queue, flow, 0) end
local state = place_at ~= KEYS[10] and 'ready' or held and 'parked' or 'sought'
if waiting == 0 then
  if owner then
    call('HSET', KEYS[6], 'st', state, 'ln', lane, 'ow', owner, 'c' .. class, 1)
    -- It has an owner and nothing waits: earlier messages of it are in that ERP.
    if not routed then call('HSET', KEYS[6], 'hs', '2') end
  else
    call('HSET', KEYS[6], 'st', state, 'c' .. class, 1, 'sk', ms)
  end
else
  call('HINCRBY', KEYS[6], 'c' .. class, 1)
  if first then
    call('ZREM', P .. 'sought', ARGV[7])
    call('HSET', KEYS[6], 'st', state)
    if state == 'ready' then call('HSET', KEYS[6], 'ln', lane, 'ow', owner) end
  elseif lender then
    call('ZREM', P .. b[2], ARGV[7])
    call('HSET', KEYS[6], 'ln', lane)
  end
  if pinned then
    call('HSET', KEYS[6], 'ow', owner)
    if not routed then call('HSET', KEYS[6], 'hs', '2') end
  end
end
call('XADD', KEYS[9], '*', 'k', 'accepted', 'tx', ARGV[4], 'at', ms, 'owner', owner or '',
  'route', target, 'epoch', ARGV[3])
if first and owner then
  call('XADD', KEYS[9], '*', 'k', 'owned', 'tx', ARGV[4], 'at', ms, 'owner', owner,
    'object', ARGV[7])
end
return {'ok', ARGV[4], ms}
