#!lua flags=allow-oom
-- Needs: _lanes
-- Hold a message, or let it wait: it blocks its object if it is the head.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 object  5 transaction id
--       6 cause  7 detail  8 first retry in (ms), "" holds until staff act  9 longest wait (ms)
--       10 number of the take  11 how it was met: 0 in hand, 1 by a poll, 2 sought for an owner
-- Returns: 1 | 0 if fenced, the take is over, or it is not awaited (1) or sought (2) any more
-- Invariants: no other object is touched. A pipelined message whose posting failed has left the
--   fifo already and is held by itself. A refusal closes the attempt (the ERP said no); a poison
--   message's attempt stays open. What waits is in `waits` by when it is due, each time twice as
--   long as before; both end by release.lua.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return 0 end
local message = P .. 'm:' .. ARGV[5]
local polled = redis.call('HMGET', message, 's', 'tn')
if ARGV[11] == '1' then
  if polled[1] ~= 'stored' or polled[2] ~= ARGV[10] then return 0 end
elseif ARGV[11] == '2' then
  if not redis.call('ZSCORE', P .. 'sought', ARGV[4]) then return 0 end
  if redis.call('LINDEX', P .. 'f:' .. ARGV[4], 0) ~= ARGV[5] then return 0 end
elseif not in_hand(P, ARGV[4], ARGV[5], ARGV[10]) then
  return 0
end
local waits = ARGV[8] ~= ''
write('HSET', message, 's', waits and 'waiting' or 'held', 'cause', ARGV[6],
  'det', ARGV[7], 'tk', 0, 'sm', string.format('%d', now))
if ARGV[6] ~= 'poison' then write('HSET', message, 'at', '') end
if waits then
  local times = tonumber(redis.call('HGET', message, 'wn') or '0') + 1
  local longer = ARGV[8] * 2 ^ math.min(times - 1, 30)
  local retry = math.floor(math.min(tonumber(ARGV[9]), longer))
  write('HSET', message, 'wn', times)
  write('ZADD', P .. 'waits', now + retry, ARGV[5])
  emit(P, now, 'waits', ARGV[5], 'cause', ARGV[6], 'detail', ARGV[7],
    'retry', string.format('%d', retry))
else
  write('ZADD', P .. 'held', now, ARGV[5])
  emit(P, now, 'held', ARGV[5], 'cause', ARGV[6], 'detail', ARGV[7])
end
write('ZREM', P .. 'w:legacy', ARGV[5])
write('ZREM', P .. 'w:cloud', ARGV[5])
if redis.call('LINDEX', P .. 'f:' .. ARGV[4], 0) == ARGV[5] then
  displace(P, ARGV[4])
  write('HSET', P .. 'b:' .. ARGV[4], 'st', 'held')
end
commit()
return 1
