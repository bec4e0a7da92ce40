#!lua flags=allow-oom
-- Give permits back after their calls ended, or unused.
--
-- KEYS: 1 window  2 in flight
-- ARGV: 1 now ("" = server's clock)  2 was called: 1 | 0  3 window_ms  4… permits
-- Returns: how many were still out
-- Invariants: a permit is given back once.
local now, back = clock(ARGV[1]), 0
for i = 4, #ARGV do
  if redis.call('ZREM', KEYS[2], ARGV[i]) == 1 then
    back = back + 1
    if ARGV[2] == '1' then redis.call('ZADD', KEYS[1], now, ARGV[i]) end
  end
end
if back > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3] * 2) end
return back
