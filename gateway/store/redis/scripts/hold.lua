#!lua flags=allow-oom
-- Hold a message until staff act: it blocks its object if it is the head.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 object  5 transaction id
--       6 cause  7 detail
-- Returns: 1 | 0 if fenced or settled meanwhile
-- Invariants: no other object is touched. A pipelined message whose posting failed has left the
--   fifo already and is held by itself. A refusal closes the attempt (the ERP said no); a poison
--   message's attempt stays open.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return 0 end
local message = P .. 'm:' .. ARGV[5]
local state = redis.call('HGET', message, 's')
if not state or state == 'booked' or state == 'held' then return 0 end
redis.call('HSET', message, 's', 'held', 'cause', ARGV[6], 'det', ARGV[7], 'tk', 0,
  'sm', string.format('%d', now))
if ARGV[6] ~= 'poison' then redis.call('HSET', message, 'at', '') end
redis.call('ZADD', P .. 'held', now, ARGV[5])
redis.call('ZREM', P .. 'w:legacy', ARGV[5])
redis.call('ZREM', P .. 'w:cloud', ARGV[5])
if redis.call('LINDEX', P .. 'f:' .. ARGV[4], 0) == ARGV[5] then
  displace(P, ARGV[4])
  redis.call('HSET', P .. 'b:' .. ARGV[4], 'st', 'held')
end
emit(P, now, 'held', ARGV[5], 'cause', ARGV[6], 'detail', ARGV[7])
return 1
