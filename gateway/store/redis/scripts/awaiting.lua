#!lua flags=allow-oom
-- Needs: _lanes
-- Return stored documents due for a poll, and put their next poll ahead.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 erp  5 how many  6 next poll in (ms)
-- Returns: {'fenced'} | {'ok', {tx, object, document, number of its take}, …}
-- Invariants: a document stays awaited until it is booked or held.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return {'fenced'} end
local awaited, out = P .. 'w:' .. ARGV[4], {'ok'}
for _, tx in ipairs(redis.call('ZRANGEBYSCORE', awaited, '-inf', now, 'LIMIT', 0, ARGV[5])) do
  write('ZADD', awaited, now + ARGV[6], tx)
  local message = redis.call('HMGET', P .. 'm:' .. tx, 'o', 'doc', 'tn')
  out[#out + 1] = {tx, message[1], message[2], message[3]}
end
commit()
return out
