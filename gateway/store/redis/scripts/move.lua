#!lua flags=allow-oom
-- Needs: _lanes
-- Give an object that never reached its ERP to the other one, if the epoch is still the one asked.
--
-- KEYS: 1 rules  2 owners bucket
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 epoch  4 object  5 transaction id of its head
--       6 from  7 to: legacy | cloud  8 owner field (12 bytes)  9 refused: 1 | 0  10 who does it
-- Returns: 1 | 0 if it may not, or is not where it was seen
-- Invariants: nothing of the object was ever tried (no `hs`); with refused = 1, only its head was,
--   and the ERP's last word on it was no. An object in flight is never moved. One that waits stays
--   where it is, under its new owner; one that was refused starts anew there.
local P, now, object = ARGV[1], clock(ARGV[2]), ARGV[4]
local b, fifo, head = P .. 'b:' .. ARGV[4], P .. 'f:' .. ARGV[4], P .. 'm:' .. ARGV[5]
if (redis.call('HGET', KEYS[1], 'epoch') or '0') ~= ARGV[3] then return 0 end
if redis.call('HGET', KEYS[2], ARGV[8]) ~= ARGV[6] then return 0 end
local seen = redis.call('HMGET', b, 'st', 'hs', 'ow')
if seen[3] ~= ARGV[6] or seen[1] == 'flight' then return 0 end
local waiting = redis.call('LRANGE', fifo, 0, -1)
if waiting[1] ~= ARGV[5] then return 0 end
local refused = ARGV[9] == '1'
if refused then
  local told = redis.call('HMGET', head, 'at', 'cause')
  if seen[2] ~= '1' or seen[1] ~= 'held' then return 0 end
  if (told[1] or '') ~= '' or (told[2] or '') == '' or told[2] == 'poison' then return 0 end
  for i = 2, #waiting do
    if redis.call('HGET', P .. 'm:' .. waiting[i], 'n') ~= '0' then return 0 end
  end
elseif seen[2] then
  return 0
end

write('HSET', KEYS[2], ARGV[8], ARGV[7])
write('HSET', b, 'ow', ARGV[7])
if refused then
  write('HSET', head, 's', 'waiting', 'cause', '', 'det', '', 'tk', 0)
  write('HDEL', head, 'wn', 'rl')
  write('HDEL', b, 'hs')
  write('ZREM', P .. 'held', ARGV[5])
  write('ZREM', P .. 'waits', ARGV[5])
  place(P, object, now, {owner = ARGV[7]})
elseif seen[1] == 'ready' then
  local due = redis.call('ZSCORE', P .. redis.call('HGET', b, 'ln'), object)
  displace(P, object)
  place(P, object, due, {owner = ARGV[7]})
end
emit(P, now, 'moved', ARGV[5], 'object', object, 'from', ARGV[6], 'owner', ARGV[7],
  'refused', ARGV[9], 'by', ARGV[10], 'epoch', ARGV[3])
commit()
return 1
