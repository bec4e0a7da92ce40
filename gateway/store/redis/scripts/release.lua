#!lua flags=allow-oom
-- Let a message that is held, or waits for a cause, be tried again: by staff, or as scheduled.
--
-- KEYS: 1 message  2 owners bucket
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 transaction id  4 who released it
--       5 owner field (12 bytes)  6 begin the waits anew: 1 | 0
--       7 class it is delivered in from now on, "" leaves it
-- Returns: 1 | 0 if it is neither held nor waiting for a cause
-- Invariants: what was ever sent is probed before any resend (`at` is set, long past if the last
--   attempt was closed by a refusal), because staff may have booked it in the ERP meanwhile; `rl`
--   says that the old refusal does not count. A message that had left its fifo joins its end.
local P, now = ARGV[1], clock(ARGV[2])
local message = redis.call('HMGET', KEYS[1], 's', 'o', 'n', 'at', 'cause')
local waits = message[1] == 'waiting' and (message[5] or '') ~= ''
if message[1] ~= 'held' and not waits then return 0 end
local object = message[2]
redis.call('HSET', KEYS[1], 's', 'waiting', 'cause', '', 'det', '', 'tk', 0)
if ARGV[6] == '1' then redis.call('HDEL', KEYS[1], 'wn') end
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'pr', ARGV[7]) end
if message[3] ~= '0' then
  redis.call('HSET', KEYS[1], 'rl', '1')
  if not message[4] or message[4] == '' then redis.call('HSET', KEYS[1], 'at', '1') end
end
redis.call('ZREM', P .. 'held', ARGV[3])
redis.call('ZREM', P .. 'waits', ARGV[3])
local fifo = P .. 'f:' .. object
local head = redis.call('LINDEX', fifo, 0)
if head == ARGV[3] then
  place(P, object, now)
else
  redis.call('RPUSH', fifo, ARGV[3])
  if not head then
    local owner = redis.call('HGET', KEYS[2], ARGV[5])
    if owner then redis.call('HSET', P .. 'b:' .. object, 'ow', owner, 'hs', '2') end
    place(P, object, now)
  end
end
emit(P, now, 'released', ARGV[3], 'by', ARGV[4])
return 1
