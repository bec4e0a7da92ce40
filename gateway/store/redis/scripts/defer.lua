#!lua flags=allow-oom
-- Needs: _lanes
-- Put an object back for later.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 object  5 transaction id
--       6 delay (ms)  7 unknown: 1 | 0  8 reason  9 has an outcome: 1 | 0
--       10 number of the take
-- Returns: 1 | 0 if fenced or the take is over
-- Invariants: with unknown = 1 the attempt stays open and the next worker probes; with 0 the
--   attempt is closed, because the ERP certainly did not book it.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return 0 end
if not in_hand(P, ARGV[4], ARGV[5], ARGV[10]) then return 0 end
local message = P .. 'm:' .. ARGV[5]
-- Takes without an outcome add up, so that a poison message is found.
if ARGV[9] == '1' then write('HSET', message, 'tk', 0) end
if ARGV[7] == '0' then write('HSET', message, 'at', '', 's', 'waiting') end
write('ZREM', P .. 'flight', ARGV[4])
place(P, ARGV[4], now + ARGV[6], {})
emit(P, now, 'deferred', ARGV[5], 'reason', ARGV[8], 'unknown', ARGV[7])
commit()
return 1
