#!lua flags=allow-oom
-- Open a flip by compare-and-set: of two admins one wins.
--
-- KEYS: 1 book  2 duty
-- ARGV: 1 newest epoch the caller saw (in force or pending)  2 version  3 by
--       4 take over an open flip: 1 | 0  5 kind: apply | rollback | guardrail
--       6 backlog: drain | move  7 the caller's duty token, "" for a person
-- Returns: the new epoch; nil if the book has changed or a flip is open; -1 if somebody else is on
--   duty by now
-- Invariants: at most one flip is open; the new epoch is above every epoch ever used; whoever acts
--   on duty holds the newest token, however long they slept before.
if ARGV[7] ~= '' and redis.call('HGET', KEYS[2], 'token') ~= ARGV[7] then return -1 end
local book = redis.call('HMGET', KEYS[1], 'epoch', 'pending_epoch')
if book[2] and ARGV[4] ~= '1' then return nil end
local newest = math.max(tonumber(book[1] or '0'), tonumber(book[2] or '0'))
if newest ~= tonumber(ARGV[1]) then return nil end
redis.call('HSET', KEYS[1], 'pending_epoch', newest + 1, 'pending_version', ARGV[2],
  'by', ARGV[3], 'kind', ARGV[5], 'backlog', ARGV[6])
return newest + 1
