#!lua flags=allow-oom
-- Look for the owner of an object later.
--
-- KEYS: 1 sought
-- ARGV: 1 now ("" = server's clock)  2 object  3 in (ms)
-- Returns: 1 | 0
-- Invariants: what is not sought any more is not touched.
if not redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], clock(ARGV[1]) + ARGV[3], ARGV[2])
return 1
