#!lua flags=allow-oom
-- Needs: _lanes
-- Record that a message is booked. A booking is a fact, so no token is asked for.
--
-- KEYS: 1 message
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 transaction id  4 document  5 result
--       6 booked, or discarded: a recovery repeats what the ledger knows
-- Returns: 1, or 0 if that was known.
-- Invariants: a booked message is never waiting; the object goes on with its next message, and
--   its `hs` says that something of it is booked.
local P, now, tx = ARGV[1], clock(ARGV[2]), ARGV[3]
local message = redis.call('HMGET', KEYS[1], 's', 'o', 'pr')
if not message[1] or message[1] == 'booked' or message[1] == ARGV[6] then return 0 end
local object, class = message[2], message[3]
local b, fifo = P .. 'b:' .. object, P .. 'f:' .. object
write('HSET', KEYS[1], 's', ARGV[6], 'doc', ARGV[4], 'res', ARGV[5], 'at', '',
  'cause', '', 'sm', string.format('%d', now))
for _, name in ipairs({'w:legacy', 'w:cloud', 'held', 'waits'}) do write('ZREM', P .. name, tx) end
if message[1] ~= 'discarded' then write('HINCRBY', P .. 'n', 'w' .. class, -1) end
if ARGV[6] == 'booked' then write('HINCRBY', P .. 'n', 'd', 1) end
if redis.call('LINDEX', fifo, 0) == tx then
  write('LPOP', fifo)
  leave(P, object, tx)
  write('HINCRBY', b, 'c' .. class, -1)
  write('HSET', b, 'hs', '2')
  displace(P, object)
  place(P, object, now, {left = tonumber(class)})
elseif redis.call('LPOS', fifo, tx) then
  write('LREM', fifo, 1, tx)
  leave(P, object, tx)
  write('HINCRBY', b, 'c' .. class, -1)
end
if ARGV[6] == 'booked' then
  emit(P, now, 'booked', tx, 'document', ARGV[4], 'result', ARGV[5])
else
  emit(P, now, 'discarded', tx, 'by', 'recovery', 'reason', 'given up before', 'cause', '')
end
commit()
return 1
