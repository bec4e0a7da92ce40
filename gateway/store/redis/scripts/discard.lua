#!lua flags=allow-oom
-- Needs: _lanes
-- Give up a message that is held, or waits for a cause: it is never booked, and its object goes on.
--
-- KEYS: 1 message  2 owners bucket
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 transaction id  4 revision the caller saw
--       5 who  6 why  7 it made the object that its followers are about: 1 | 0
--       8 since when the attempt was open that was found to be absent for good, "" if none (ms)
--       9 cause that holds a follower  10 what it is told  11 owner field (12 bytes)
--       12 the ERP that has the object from before, "" if it is not older than this message
-- Returns: {'ok', follower that is held now or ''} | {'gone'} | {'state', state}
--        | {'changed', revision} | {'open', since (ms)}
-- Invariants: nothing that may be booked is given up: an open attempt has to have been found absent,
--   and to be the one that was looked for. If it made the object, the message behind it is held
--   in its turn, and all others wait behind that one; else the next goes on. If the object was there
--   before, what follows goes to the ERP that has it, whatever pinned it since.
local P, now = ARGV[1], clock(ARGV[2])
local message = redis.call('HMGET', KEYS[1], 's', 'cause', 'at', 'ed', 'o', 'pr')
if not message[1] then return {'gone'} end
local waits = message[1] == 'waiting' and (message[2] or '') ~= ''
if message[1] ~= 'held' and not waits then return {'state', message[1]} end
local revision, open = message[4] or '0', message[3] or ''
if revision ~= ARGV[4] then return {'changed', revision} end
if open ~= '' and open ~= ARGV[8] then return {'open', open} end
local object, ms = message[5], string.format('%d', now)
local fifo, class = P .. 'f:' .. object, message[6]
write('HSET', KEYS[1], 's', 'discarded', 'at', '', 'cause', '', 'sm', ms)
write('ZREM', P .. 'held', ARGV[3])
write('ZREM', P .. 'waits', ARGV[3])
write('HINCRBY', P .. 'n', 'w' .. class, -1)
emit(P, now, 'discarded', ARGV[3], 'by', ARGV[5], 'reason', ARGV[6], 'cause', message[2] or '')
if redis.call('LINDEX', fifo, 0) ~= ARGV[3] then
  if redis.call('LPOS', fifo, ARGV[3]) then
    write('LREM', fifo, 1, ARGV[3])
    leave(P, object, ARGV[3])
    write('HINCRBY', P .. 'b:' .. object, 'c' .. class, -1)
  end
  commit()
  return {'ok', ''}
end
write('LPOP', fifo)
leave(P, object, ARGV[3])
write('HINCRBY', P .. 'b:' .. object, 'c' .. class, -1)
displace(P, object)
local follower, before = redis.call('LINDEX', fifo, 1), ARGV[12] ~= '' and ARGV[12] or nil
local pinned = redis.call('HGET', KEYS[2], ARGV[11])
if before and before ~= pinned then
  write('HSET', KEYS[2], ARGV[11], before)
  write('HSET', P .. 'b:' .. object, 'ow', before, 'hs', '2')
  emit(P, now, 'moved', ARGV[3], 'object', object, 'from', pinned or '', 'owner', before,
    'refused', '0', 'by', ARGV[5], 'epoch', '')
end
if before or ARGV[7] ~= '1' or not follower then
  place(P, object, now, {left = tonumber(class), owner = before})
  commit()
  return {'ok', ''}
end
write('HSET', P .. 'm:' .. follower, 's', 'held', 'cause', ARGV[9], 'det', ARGV[10],
  'tk', 0, 'sm', ms)
write('ZADD', P .. 'held', now, follower)
write('HSET', P .. 'b:' .. object, 'st', 'held')
emit(P, now, 'held', follower, 'cause', ARGV[9], 'detail', ARGV[10])
commit()
return {'ok', follower}
