#!lua flags=no-writes,allow-oom
-- List objects that wait under a hold route, a page at a time.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 first  5 how many
-- Returns: {'fenced'} | {'ok', {object, tx, owner or "", payload}, …}
-- Invariants: reads only.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return {'fenced'} end
local out = {'ok'}
for _, object in ipairs(redis.call('ZRANGE', P .. 'parked', ARGV[4], ARGV[4] + ARGV[5] - 1)) do
  local tx = redis.call('LINDEX', P .. 'f:' .. object, 0)
  local owner = redis.call('HGET', P .. 'b:' .. object, 'ow')
  out[#out + 1] = {object, tx, owner or '', redis.call('HGET', P .. 'm:' .. tx, 'p')}
end
return out
