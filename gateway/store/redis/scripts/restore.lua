#!lua flags=allow-oom
-- Needs: _lanes
-- Put a message back that the ledger has and the buffer lost.
--
-- KEYS: 1 lease  2 message  3 owners bucket
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 transaction id  5 object
--       6 owner field (12 bytes)  7 owner, "" if it has none  8 class  9 channel
--       10 pipelined: 1 | 0  11 attempts  12 payload  13 follow-up: 1 | 0
-- Returns: 1 | 0 if it is here or there is no telling its place | -1 if fenced
-- Invariants: it joins the end of its object's fifo (messages are restored in the order of
--   acceptance), its outcome counts as unknown, and it goes the way its owner says.
local P, now, tx, object = ARGV[1], clock(ARGV[2]), ARGV[4], ARGV[5]
if not holds(P, now, ARGV[3]) then return -1 end
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local owner = redis.call('HGET', KEYS[3], ARGV[6]) or (ARGV[7] ~= '' and ARGV[7]) or nil
local b, fifo, class = P .. 'b:' .. object, P .. 'f:' .. object, tonumber(ARGV[8])
local goes = owner or ARGV[13] == '1'
write('HSET', KEYS[2], 'p', ARGV[12], 'o', object, 's', goes and 'waiting' or 'parked',
  'rt', goes and '' or 'hold', 'pr', class, 'pl', ARGV[10], 'n', ARGV[11], 'ch', ARGV[9],
  'at', string.format('%d', now), 'tk', 0)
if owner then write('HSETNX', KEYS[3], ARGV[6], owner) end
write('HINCRBY', P .. 'n', 'w' .. class, 1)
if redis.call('LLEN', fifo) > 0 then
  join(P, object, tx, class)
  commit()
  return 1
end
write('RPUSH', fifo, tx)
write('HSET', b, 'c' .. class, 1, 'hs', '2')
if owner then
  write('HSET', b, 'ow', owner)
  into(P, object, owner, class, ARGV[9], now)
else
  local waits = goes and 'sought' or 'parked'
  write('ZADD', P .. waits, now, object)
  write('HSET', b, 'st', waits, 'sk', string.format('%d', now))
end
commit()
return 1
