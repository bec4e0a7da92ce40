#!lua flags=allow-oom
-- Needs: _lanes
-- Send a parked object on, if the partition is still under the epoch it was decided under.
--
-- KEYS: 1 lease  2 rules  3 owners bucket
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 epoch  5 object  6 transaction id
--       7 target: legacy | cloud | owner  8 owner field (12 bytes)
-- Returns: 1 | 0
-- Invariants: an owner that is set stays; the head alone is released, those behind it follow by
--   their own routes. One that goes to its owner, and has none yet, waits until that is found.
local P, now = ARGV[1], clock(ARGV[2])
if not holds(P, now, ARGV[3]) then return 0 end
if (redis.call('HGET', KEYS[2], 'epoch') or '0') ~= ARGV[4] then return 0 end
if not redis.call('ZSCORE', P .. 'parked', ARGV[5]) then return 0 end
if redis.call('LINDEX', P .. 'f:' .. ARGV[5], 0) ~= ARGV[6] then return 0 end
local owner = redis.call('HGET', KEYS[3], ARGV[8])
if not owner and ARGV[7] ~= 'owner' then
  owner = ARGV[7]
  write('HSET', KEYS[3], ARGV[8], owner)
  emit(P, now, 'owned', ARGV[6], 'owner', owner, 'object', ARGV[5])
end
if owner then write('HSET', P .. 'b:' .. ARGV[5], 'ow', owner) end
write('HSET', P .. 'm:' .. ARGV[6], 'rt', '', 's', 'waiting')
write('ZREM', P .. 'parked', ARGV[5])
place(P, ARGV[5], now, {owner = owner, sent_on = true})
emit(P, now, 'released', ARGV[6], 'by', 'rules')
commit()
return 1
