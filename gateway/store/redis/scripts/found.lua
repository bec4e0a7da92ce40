#!lua flags=allow-oom
-- Needs: _lanes
-- Send on an object whose owner was sought, if the partition is still under the epoch asked under.
--
-- KEYS: 1 lease  2 rules  3 owners bucket
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 epoch  5 object  6 transaction id
--       7 owner that was found  8 owner field (12 bytes)  9 new payload, "" keeps it
--       10 its rules hold it: 1 | 0
-- Returns: 1 | 0
-- Invariants: an owner that is set stays; what was found elsewhere is in that ERP since before, so
--   the object is never moved; what the rules hold is parked, under its owner.
local P, now, object = ARGV[1], clock(ARGV[2]), ARGV[5]
if not holds(P, now, ARGV[3]) then return 0 end
if (redis.call('HGET', KEYS[2], 'epoch') or '0') ~= ARGV[4] then return 0 end
if not redis.call('ZSCORE', P .. 'sought', object) then return 0 end
if redis.call('LINDEX', P .. 'f:' .. object, 0) ~= ARGV[6] then return 0 end
local owner, message = redis.call('HGET', KEYS[3], ARGV[8]), P .. 'm:' .. ARGV[6]
if not owner then
  owner = ARGV[7]
  write('HSET', KEYS[3], ARGV[8], owner)
  emit(P, now, 'owned', ARGV[6], 'owner', owner, 'object', object, 'source', 'lookup')
end
write('HSET', P .. 'b:' .. object, 'ow', owner, 'hs', '2')
if ARGV[9] ~= '' then write('HSET', message, 'p', ARGV[9]) end
write('ZREM', P .. 'sought', object)
if ARGV[10] == '1' then
  write('HSET', message, 'rt', 'hold', 's', 'parked')
  write('ZADD', P .. 'parked', now, object)
  write('HSET', P .. 'b:' .. object, 'st', 'parked')
  emit(P, now, 'parked', ARGV[6])
else
  place(P, object, now, {owner = owner})
end
commit()
return 1
