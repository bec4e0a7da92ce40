#!lua flags=no-writes,allow-oom
-- List messages that wait for a cause and are to be tried again now.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 how many
-- Returns: {'fenced'} | {'ok', tx, …}, the longest due first
-- Invariants: reads only.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return {'fenced'} end
local out = redis.call('ZRANGEBYSCORE', P .. 'waits', '-inf', now, 'LIMIT', 0, ARGV[4])
table.insert(out, 1, 'ok')
return out
