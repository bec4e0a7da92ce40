#!lua flags=allow-oom
-- Needs: _lanes
-- Begin (or resume) the recovery of a partition that is behind the ledger.
--
-- KEYS: 1 lease  2 rules  3 events
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 newest event here
--       5 first event id behind the ledger's checkpoint, "" if ours are  6 epoch  7 version
-- Returns: {new token, newest event that was here when the recovery began}, or nil if fenced
-- Invariants: events written from now on are behind the ledger's checkpoint; the epoch never falls;
--   the new token is above all that were ever given out, as one a second would have been too many.
--   `rec` of the rules says that the recovery is not done.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return nil end
local rules = redis.call('HMGET', KEYS[2], 'epoch', 'rec')
local token = math.max(tonumber(ARGV[3]) + 1, math.floor(now / 1000))
local from = rules[2] or ARGV[4]
write('HSET', KEYS[1], 'token', string.format('%d', token))
write('HSET', KEYS[2], 'rec', from)
if tonumber(rules[1] or '0') < tonumber(ARGV[6]) then
  write('HSET', KEYS[2], 'epoch', ARGV[6], 'version', ARGV[7])
end
if ARGV[5] ~= '' then
  write('XADD', KEYS[3], ARGV[5], 'k', 'recovering', 'tx', '', 'at', string.format('%d', now),
    'from', from)
end
commit()
return {token, from}
