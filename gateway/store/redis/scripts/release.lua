#!lua flags=allow-oom
-- Needs: _lanes
-- Let a message that is held, or waits for a cause, be tried again: by staff, or as scheduled.
--
-- KEYS: 1 message  2 owners bucket
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 transaction id  4 who released it
--       5 owner field (12 bytes)  6 begin the waits anew: 1 | 0
--       7 class it is delivered in from now on, "" leaves it
-- Returns: 1 | 0 if it is neither held nor waiting for a cause
-- Invariants: what was ever sent is probed before any resend (`at` is set, long past if the last
--   attempt was closed by a refusal), because staff may have booked it in the ERP meanwhile; `rl`
--   says that the old refusal does not count, or (3) that nothing was tried when it was let go. A
--   message that had left its fifo joins its end.
local P, now = ARGV[1], clock(ARGV[2])
local message = redis.call('HMGET', KEYS[1], 's', 'o', 'n', 'at', 'cause', 'pr')
local waits = message[1] == 'waiting' and (message[5] or '') ~= ''
if message[1] ~= 'held' and not waits then return 0 end
local object, was = message[2], tonumber(message[6])
local class = ARGV[7] == '' and was or tonumber(ARGV[7])
write('HSET', KEYS[1], 's', 'waiting', 'cause', '', 'det', '', 'tk', 0, 'pr', class)
if ARGV[6] == '1' then write('HDEL', KEYS[1], 'wn') end
if class ~= was then
  write('HINCRBY', P .. 'n', 'w' .. was, -1)
  write('HINCRBY', P .. 'n', 'w' .. class, 1)
end
if message[3] ~= '0' then
  write('HSET', KEYS[1], 'rl', '1')
  if not message[4] or message[4] == '' then write('HSET', KEYS[1], 'at', '1') end
else
  write('HSET', KEYS[1], 'rl', '3')
end
write('ZREM', P .. 'held', ARGV[3])
write('ZREM', P .. 'waits', ARGV[3])
local head = redis.call('LINDEX', P .. 'f:' .. object, 0)
if head == ARGV[3] then
  if class ~= was then
    write('HINCRBY', P .. 'b:' .. object, 'c' .. was, -1)
    write('HINCRBY', P .. 'b:' .. object, 'c' .. class, 1)
  end
  place(P, object, now, {class = class, was = was})
elseif head then
  join(P, object, ARGV[3], class)
else
  local owner = redis.call('HGET', KEYS[2], ARGV[5])
  write('RPUSH', P .. 'f:' .. object, ARGV[3])
  write('HSET', P .. 'b:' .. object, 'ow', owner, 'hs', '2', 'c' .. class, 1)
  place(P, object, now, {head = ARGV[3], owner = owner, class = class})
end
emit(P, now, 'released', ARGV[3], 'by', ARGV[4])
commit()
return 1
