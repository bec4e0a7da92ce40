#!lua flags=allow-oom
-- Record that a message is booked. A booking is a fact, so no token is asked for.
--
-- KEYS: 1 message
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 transaction id  4 document  5 result
-- Returns: 1, or 0 if that was known.
-- Invariants: a booked message is never waiting; the object goes on with its next message, and
--   its `hs` says that something of it is booked.
local P, now = ARGV[1], clock(ARGV[2])
local message = redis.call('HMGET', KEYS[1], 's', 'o')
if not message[1] or message[1] == 'booked' then return 0 end
local object = message[2]
redis.call('HSET', KEYS[1], 's', 'booked', 'doc', ARGV[4], 'res', ARGV[5], 'at', '',
  'cause', '', 'sm', string.format('%d', now))
redis.call('ZREM', P .. 'w:legacy', ARGV[3])
redis.call('ZREM', P .. 'w:cloud', ARGV[3])
redis.call('ZREM', P .. 'held', ARGV[3])
redis.call('ZREM', P .. 'waits', ARGV[3])
if redis.call('LINDEX', P .. 'f:' .. object, 0) == ARGV[3] then
  redis.call('LPOP', P .. 'f:' .. object)
  displace(P, object)
  redis.call('HSET', P .. 'b:' .. object, 'hs', '2')
  place(P, object, now)
else
  redis.call('LREM', P .. 'f:' .. object, 1, ARGV[3])
end
emit(P, now, 'booked', ARGV[3], 'document', ARGV[4], 'result', ARGV[5])
return 1
