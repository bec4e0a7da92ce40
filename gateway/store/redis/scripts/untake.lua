#!lua flags=allow-oom
-- Needs: _lanes
-- Put an object back that nobody has looked at: as if it had not been taken.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 object  5 transaction id
--       6 number of the take
-- Returns: 1 | 0 if fenced or the take is over
-- Invariants: an attempt that is open stays open; the take does not count, but for its number.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return 0 end
if not in_hand(P, ARGV[4], ARGV[5], ARGV[6]) then return 0 end
local message = P .. 'm:' .. ARGV[5]
write('HSET', message, 'tk', math.max(0, tonumber(redis.call('HGET', message, 'tk') or '0') - 1))
write('ZREM', P .. 'flight', ARGV[4])
place(P, ARGV[4], now, {})
commit()
return 1
