#!lua flags=allow-oom
-- Close a flip: its marker is in force everywhere.
--
-- KEYS: 1 book
-- ARGV: 1 epoch  2 version
-- Returns: 1 | 0 if another flip has taken over
-- Invariants: only the flip that is open can be closed; closing it twice changes nothing.
local book = redis.call('HMGET', KEYS[1], 'epoch', 'pending_epoch')
if book[1] == ARGV[1] and not book[2] then return 1 end
if book[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'version', ARGV[2])
redis.call('HDEL', KEYS[1], 'pending_epoch', 'pending_version')
return 1
