#!lua flags=allow-oom
-- Needs: _lanes
-- Take a partition that is free, expired or already ours, under a new fencing token.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 holder  4 lease (ms)
-- Returns: the token, or nil while somebody else holds it.
-- Invariants: tokens only rise; what the last holder had in flight is back in its place, with its
--   open attempts still open, so that whoever takes it probes first.
local P, now = ARGV[1], clock(ARGV[2])
local lease = redis.call('HMGET', KEYS[1], 'holder', 'until')
if lease[1] and lease[1] ~= ARGV[3] and tonumber(lease[2]) > now then return nil end
local token = tonumber(redis.call('HGET', KEYS[1], 'token') or '0') + 1
write('HSET', KEYS[1], 'token', string.format('%d', token), 'holder', ARGV[3],
  'until', string.format('%d', now + ARGV[4]))
for _, object in ipairs(redis.call('ZRANGE', P .. 'flight', 0, -1)) do
  write('ZREM', P .. 'flight', object)
  place(P, object, now, {})
end
commit()
return token
