#!lua flags=allow-oom
-- Record that a send begins, if this worker may still send it.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 erp  5 object  6 transaction id
-- Returns: the number of the attempt, or 0 if it is not ours to send any more.
-- Invariants: from here until a settle the outcome counts as unknown (`at` is set).
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return 0 end
local object = redis.call('HMGET', P .. 'b:' .. ARGV[5], 'ow', 'st')
if object[1] ~= ARGV[4] or object[2] ~= 'flight' then return 0 end
if redis.call('LINDEX', P .. 'f:' .. ARGV[5], 0) ~= ARGV[6] then return 0 end
local message = P .. 'm:' .. ARGV[6]
local attempt = redis.call('HINCRBY', message, 'n', 1)
redis.call('HSET', message, 'at', string.format('%d', now), 's', 'sent')
-- 1: staff let it go after a refusal; 2: and it was sent again since.
if redis.call('HGET', message, 'rl') == '1' then redis.call('HSET', message, 'rl', '2') end
emit(P, now, 'attempted', ARGV[6], 'attempt', attempt)
return attempt
