#!lua flags=allow-oom
-- Needs: _quota
-- Close an ERP's quota for a time; a longer closure stays.
--
-- KEYS: 1 state
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 for (ms)
-- Returns: until when it is closed (quota time, ms)
-- Invariants: a closure is never shortened.
local s = load(ARGV[1])
local now = clock(ARGV[2])
local q = math.max(now - (s.off or 0), s.last or 0)
local till = math.max(s.closed or 0, q + ARGV[3])
redis.call('HSET', KEYS[1], 'closed', string.format('%d', till))
return string.format('%d', till)
