#!lua flags=allow-oom
-- Open a flip by compare-and-set: of two admins one wins.
--
-- KEYS: 1 book
-- ARGV: 1 newest epoch the caller saw (in force or pending)  2 version  3 by
--       4 take over an open flip: 1 | 0  5 kind: apply | rollback
-- Returns: the new epoch, or nil if the book has changed or a flip is open
-- Invariants: at most one flip is open; the new epoch is above every epoch ever used.
local book = redis.call('HMGET', KEYS[1], 'epoch', 'pending_epoch')
if book[2] and ARGV[4] ~= '1' then return nil end
local newest = math.max(tonumber(book[1] or '0'), tonumber(book[2] or '0'))
if newest ~= tonumber(ARGV[1]) then return nil end
redis.call('HSET', KEYS[1], 'pending_epoch', newest + 1, 'pending_version', ARGV[2],
  'by', ARGV[3], 'kind', ARGV[5])
return newest + 1
