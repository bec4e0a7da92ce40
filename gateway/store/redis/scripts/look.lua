#!lua flags=allow-oom
-- Look at what is in force as somebody who will read by it, and say so in the same step.
--
-- KEYS: 1 book  2 register of gateways: a hash of name → until (ms):epoch
-- ARGV: 1 now ("" = server's clock)  2 name  3 for how long (ms)  4 epoch it reads by until it says
--       otherwise
-- Returns: epoch, version, pending epoch, pending version, by, kind, backlog of the book
-- Invariants: whoever reads by what it saw here is in the register before a later flip looks there.
local book = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'pending_epoch', 'pending_version',
  'by', 'kind', 'backlog')
local until_ms = string.format('%d', clock(ARGV[1]) + ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], until_ms .. ':' .. ARGV[4])
return book
