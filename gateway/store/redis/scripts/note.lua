#!lua flags=allow-oom
-- Say in a register that somebody lives, or has left.
--
-- KEYS: 1 register: a hash of name → until (ms):note
-- ARGV: 1 now ("" = server's clock)  2 name  3 for how long (ms), 0: has left  4 note
-- Returns: 1
-- Invariants: a full server notes it too: who lives decides who drains it.
if tonumber(ARGV[3]) <= 0 then
  redis.call('HDEL', KEYS[1], ARGV[2])
else
  local until_ms = string.format('%d', clock(ARGV[1]) + ARGV[3])
  redis.call('HSET', KEYS[1], ARGV[2], until_ms .. ':' .. ARGV[4])
end
return 1
