#!lua flags=allow-oom
-- Prolong a lease, or end it (lease 0), if the token is still the newest.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 lease (ms)
-- Returns: 1 | 0
-- Invariants: a lease that another has taken is never touched; the token stays. A lease that ran
--   out is not revived: what it had in flight comes back when it is taken anew.
local now = clock(ARGV[2])
local lease = redis.call('HMGET', KEYS[1], 'token', 'until')
if lease[1] ~= ARGV[3] or tonumber(lease[2]) <= now then return 0 end
redis.call('HSET', KEYS[1], 'until', string.format('%d', now + ARGV[4]))
return 1
