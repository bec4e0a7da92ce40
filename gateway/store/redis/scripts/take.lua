#!lua flags=allow-oom
-- Take objects for delivery: the most urgent class first, in it the longest due first.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 erp  5 how many
-- Returns: {'fenced'} | {'ok', {object, tx, takes, attempts, open_ms or -1, payload,
--   released: 0 | 1 | 2, number}, …}
-- Invariants: the take is counted before anybody reads the content; a taken object is in `flight`
--   and nowhere else. `number` counts all takes of a message and is never reset: what settles
--   names it, so that a settlement repeated late cannot touch a later take.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return {'fenced'} end
local out, left = {'ok'}, tonumber(ARGV[5])
for priority = 0, 3 do
  if left <= 0 then break end
  local lane = P .. 'l:' .. ARGV[4] .. ':' .. priority
  for _, object in ipairs(redis.call('ZRANGEBYSCORE', lane, '-inf', now, 'LIMIT', 0, left)) do
    redis.call('ZREM', lane, object)
    redis.call('ZADD', P .. 'flight', now, object)
    redis.call('HSET', P .. 'b:' .. object, 'st', 'flight')
    local tx = redis.call('LINDEX', P .. 'f:' .. object, 0)
    local message = P .. 'm:' .. tx
    local takes = redis.call('HINCRBY', message, 'tk', 1)
    local number = redis.call('HINCRBY', message, 'tn', 1)
    local seen = redis.call('HMGET', message, 'n', 'at', 'p', 'rl')
    local open = (seen[2] and seen[2] ~= '') and (now - tonumber(seen[2])) or -1
    out[#out + 1] = {object, tx, takes, tonumber(seen[1] or '0'), open, seen[3],
      tonumber(seen[4]) or 0, number}
    left = left - 1
  end
end
return out
