#!lua flags=allow-oom
-- Needs: _lanes
-- Record that the ERP keeps a document but has not posted it; poll it from now on.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 erp  5 object  6 transaction id
--       7 document  8 first poll in (ms)  9 number of the take
-- Returns: 1 | 0 if fenced or the take is over
-- Invariants: a pipelined message leaves the fifo here, so that the next may follow; any other
--   stays the head until it is posted.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return 0 end
if not in_hand(P, ARGV[5], ARGV[6], ARGV[9]) then return 0 end
local b, message = P .. 'b:' .. ARGV[5], P .. 'm:' .. ARGV[6]
local seen = redis.call('HMGET', message, 'pl', 'pr')
write('HSET', message, 's', 'stored', 'doc', ARGV[7], 'at', '', 'tk', 0)
write('ZADD', P .. 'w:' .. ARGV[4], now + ARGV[8], ARGV[6])
write('ZREM', P .. 'flight', ARGV[5])
write('HSET', b, 'hs', '2')
if seen[1] == '1' then
  write('LPOP', P .. 'f:' .. ARGV[5])
  leave(P, ARGV[5], ARGV[6])
  write('HINCRBY', b, 'c' .. seen[2], -1)
  place(P, ARGV[5], now, {left = tonumber(seen[2])})
else
  write('HSET', b, 'st', 'stored')
end
emit(P, now, 'stored', ARGV[6], 'document', ARGV[7])
commit()
return 1
