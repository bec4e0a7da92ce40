#!lua flags=allow-oom
-- Needs: _quota
-- Close an ERP's quota for a time; a longer closure stays.
--
-- KEYS: 1 state
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 for (ms)
--       4 quota time of the asker's last answer ("" = none)  5 ms since then, on its own clock
-- Returns: until when it is closed (quota time, ms)
-- Invariants: a closure is never shortened; a step of the server's clock lengthens none.
local s = load(ARGV[1])
local q = quota_time(s, clock(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5]))
local till = math.max(s.closed or 0, q + ARGV[3])
redis.call('HSET', KEYS[1], 'closed', string.format('%d', till))
return string.format('%d', till)
