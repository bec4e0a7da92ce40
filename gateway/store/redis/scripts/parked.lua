#!lua flags=no-writes,allow-oom
-- List objects that wait under a hold route, the longest parked first, a page at a time.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 parked since (ms)  5 first  6 how many
-- Returns: {'fenced'} | {'ok', {object, tx, owner or "", payload, since (ms)}, …}
-- Invariants: reads only.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return {'fenced'} end
local out = {'ok'}
local found = redis.call('ZRANGEBYSCORE', P .. 'parked', ARGV[4], '+inf', 'WITHSCORES',
  'LIMIT', ARGV[5], ARGV[6])
for i = 1, #found, 2 do
  local object = found[i]
  local tx = redis.call('LINDEX', P .. 'f:' .. object, 0)
  local owner = redis.call('HGET', P .. 'b:' .. object, 'ow')
  local payload = redis.call('HGET', P .. 'm:' .. tx, 'p')
  out[#out + 1] = {object, tx, owner or '', payload, found[i + 1]}
end
return out
