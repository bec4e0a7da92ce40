#!lua flags=no-writes,allow-oom
-- List objects nobody knows the owner of that are to be looked for now, the longest due first.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 how many
-- Returns: {'fenced'} | {'ok', {object, tx, payload, for how long it has waited (ms)}, …}
-- Invariants: reads only.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return {'fenced'} end
local out = {'ok'}
for _, object in ipairs(redis.call('ZRANGEBYSCORE', P .. 'sought', '-inf', now,
    'LIMIT', 0, ARGV[4])) do
  local tx = redis.call('LINDEX', P .. 'f:' .. object, 0)
  local since = redis.call('HGET', P .. 'b:' .. object, 'sk')
  out[#out + 1] = {object, tx, redis.call('HGET', P .. 'm:' .. tx, 'p'), now - since}
end
return out
