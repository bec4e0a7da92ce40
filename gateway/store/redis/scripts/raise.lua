#!lua flags=allow-oom
-- Raise the epoch of one partition; epochs only rise.
--
-- KEYS: 1 rules  2 events
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 epoch  4 version
-- Returns: {epoch, version} in force afterwards
-- Invariants: a lower or equal epoch changes nothing.
local now = clock(ARGV[2])
local marker = redis.call('HMGET', KEYS[1], 'epoch', 'version')
if tonumber(marker[1] or '0') >= tonumber(ARGV[3]) then return {marker[1], marker[2]} end
redis.call('XLEN', KEYS[2])  -- a wrong type fails here, before the first write
redis.call('HSET', KEYS[1], 'epoch', ARGV[3], 'version', ARGV[4])
redis.call('XADD', KEYS[2], '*', 'k', 'marker', 'tx', '', 'at', string.format('%d', now),
  'epoch', ARGV[3], 'version', ARGV[4])
return {ARGV[3], ARGV[4]}
