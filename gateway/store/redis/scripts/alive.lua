#!lua flags=allow-oom
-- List who lives by a register, and forget the dead.
--
-- KEYS: 1 register: a hash of name → until (ms):note
-- ARGV: 1 now ("" = server's clock)
-- Returns: {name, note, …}
-- Invariants: who says that it lives is never forgotten for what it said before.
local now, out = clock(ARGV[1]), {}
local register = redis.call('HGETALL', KEYS[1])
for i = 1, #register, 2 do
  local until_ms, note = string.match(register[i + 1], '^(%d+):(.*)$')
  if tonumber(until_ms) > now then
    out[#out + 1] = register[i]
    out[#out + 1] = note
  else
    redis.call('HDEL', KEYS[1], register[i])
  end
end
return out
