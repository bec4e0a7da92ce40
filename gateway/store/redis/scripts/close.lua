#!lua flags=allow-oom
-- Close an ERP's quota for a time; a longer closure stays.
--
-- KEYS: 1 closed until (ms)
-- ARGV: 1 now ("" = server's clock)  2 for (ms)
-- Returns: until when it is closed (ms)
-- Invariants: a closure is never shortened.
local now = clock(ARGV[1])
local till = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now + ARGV[2])
redis.call('SET', KEYS[1], string.format('%d', till), 'PX', math.max(1, till - now))
return till
