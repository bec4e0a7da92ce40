#!lua
-- Bind an idempotency key to a transaction id and a body.
--
-- KEYS: 1 claims of this generation  2 of the previous  3 of the next
-- ARGV: 1 now ("" = server's clock)  2 claim field (12 bytes)  3 transaction id
--       4 digest (16 bytes)  5 when these claims expire (ms)
-- Returns: {'ok', tx, ms} | {'replay', tx, ms} | {'clash', tx}
-- Invariants: a key is bound once; later calls only read it.
local now = clock(ARGV[1])
for i = 1, 3 do
  local claim = redis.call('HGET', KEYS[i], ARGV[2])
  if claim then
    local tx = string.sub(claim, 1, 29)
    if string.sub(claim, 30, 45) ~= ARGV[4] then return {'clash', tx} end
    return {'replay', tx, string.sub(claim, 46)}
  end
end
local ms = string.format('%d', now)
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ARGV[4] .. ms)
if redis.call('HLEN', KEYS[1]) == 1 then redis.call('PEXPIREAT', KEYS[1], ARGV[5]) end
return {'ok', ARGV[3], ms}
