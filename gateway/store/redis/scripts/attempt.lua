#!lua flags=allow-oom
-- Needs: _lanes
-- Record that a send begins, if this worker may still send it.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 erp  5 object  6 transaction id
--       7 number of the take  8 crosswalk versions that shaped what is sent ("" = none)
-- Returns: the number of the attempt, or 0 if it is not ours to send any more.
-- Invariants: from here until a settle the outcome counts as unknown (`at` is set); `hs` of the
--   object says from now on that something of it was tried.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return 0 end
local object = redis.call('HMGET', P .. 'b:' .. ARGV[5], 'ow', 'hs')
if object[1] ~= ARGV[4] or not in_hand(P, ARGV[5], ARGV[6], ARGV[7]) then return 0 end
local message = P .. 'm:' .. ARGV[6]
local seen = redis.call('HMGET', message, 'n', 'rl')
local attempt = tonumber(seen[1] or '0') + 1
if not object[2] then write('HSET', P .. 'b:' .. ARGV[5], 'hs', '1') end
write('HSET', message, 'n', attempt, 'at', string.format('%d', now), 's', 'sent')
-- 1: staff let it go after a refusal; 2: and it was sent again since.
if seen[2] == '1' then write('HSET', message, 'rl', '2') end
if ARGV[8] == '' then emit(P, now, 'attempted', ARGV[6], 'attempt', attempt)
else emit(P, now, 'attempted', ARGV[6], 'attempt', attempt, 'shaped_by', ARGV[8]) end
commit()
return attempt
