#!lua
-- Needs: _lanes
-- Replace the content of a message that is held, or waits for a cause, if nobody changed it since.
-- `early`: also of one that waits for its turn or under a hold route, unless it is in a worker's hands.
--
-- KEYS: 1 message
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 transaction id  4 revision the caller saw
--       5 new payload  6 its body  7 who  8 why  9 what they changed, as a JSON merge patch
--       10 early: 1 | 0
-- Returns: {'ok', revision} | {'gone'} | {'state', state} | {'changed', revision}
--        | {'open'}, also if it is in somebody's hands
-- Invariants: claim, digest, place and owner stay; the payload as accepted is kept beside the new
--   one; of two who saw one revision one wins; what may be booked already (an attempt is open) is
--   not changed under it, nor what a worker has taken and may be translating: it would settle what
--   it read before.
local P, now = ARGV[1], clock(ARGV[2])
local message = redis.call('HMGET', KEYS[1], 's', 'cause', 'at', 'ed', 'p', 'p0', 'o')
if not message[1] then return {'gone'} end
local waits = message[1] == 'waiting' and (message[2] or '') ~= ''
local early = ARGV[10] == '1' and not waits and (message[1] == 'waiting' or message[1] == 'parked')
if message[1] ~= 'held' and not waits and not early then return {'state', message[1]} end
local revision = message[4] or '0'
if revision ~= ARGV[4] then return {'changed', revision} end
if (message[3] or '') ~= '' then return {'open'} end
if early and redis.call('HGET', P .. 'b:' .. message[7], 'st') == 'flight'
    and redis.call('LINDEX', P .. 'f:' .. message[7], 0) == ARGV[3] then
  return {'open'}
end
local newer = string.format('%d', revision + 1)
write('HSET', KEYS[1], 'p', ARGV[5], 'ed', newer)
if not message[6] then write('HSET', KEYS[1], 'p0', message[5]) end
emit(P, now, 'edited', ARGV[3], 'revision', newer, 'by', ARGV[7], 'reason', ARGV[8],
  'patch', ARGV[9], 'body', ARGV[6])
commit()
return {'ok', newer}
