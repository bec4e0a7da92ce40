#!lua flags=allow-oom
-- Bring the rule book to what the ledger knows to be in force.
--
-- KEYS: 1 book
-- ARGV: 1 epoch  2 version
-- Returns: 1 | 0 if the book is as new
-- Invariants: the epoch never falls; a flip that was open at an epoch used since is closed.
local book = redis.call('HMGET', KEYS[1], 'epoch', 'pending_epoch')
if tonumber(book[1] or '0') >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'version', ARGV[2])
if book[2] and tonumber(book[2]) <= tonumber(ARGV[1]) then
  redis.call('HDEL', KEYS[1], 'pending_epoch', 'pending_version')
end
return 1
