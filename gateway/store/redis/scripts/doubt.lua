#!lua flags=allow-oom
-- Needs: _lanes
-- Let the outcome of what waits count as unknown: it is probed before anything is sent.
--
-- KEYS: 1 lease  2 owners bucket
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 object  5 owner field (12 bytes)
--       6 owner by the ledger, "" if it knows none  7 a message that has left its fifo, or ""
-- Returns: how many messages were put in doubt, or -1 if fenced
-- Invariants: an attempt counts as begun now, because one that is not known here may have been; the
--   object is never moved to the other ERP any more. The ledger's owner counts: it is newer.
local P, now, object = ARGV[1], clock(ARGV[2]), ARGV[4]
if not holds(P, now, ARGV[3]) then return -1 end
local waiting, count = redis.call('LRANGE', P .. 'f:' .. object, 0, -1), 0
if ARGV[7] ~= '' then waiting[#waiting + 1] = ARGV[7] end
for _, tx in ipairs(waiting) do
  local state = redis.call('HGET', P .. 'm:' .. tx, 's')
  if state and state ~= 'stored' and state ~= 'booked' and state ~= 'discarded' then
    write('HSET', P .. 'm:' .. tx, 'at', string.format('%d', now), 'tk', 0)
    count = count + 1
  end
end
local b = redis.call('HMGET', P .. 'b:' .. object, 'st', 'ow', 'ln')
if b[1] then
  write('HSET', P .. 'b:' .. object, 'hs', '2')
  if ARGV[6] ~= '' and b[2] ~= ARGV[6] then
    write('HSET', KEYS[2], ARGV[5], ARGV[6])
    write('HSET', P .. 'b:' .. object, 'ow', ARGV[6])
    if b[1] == 'ready' then
      displace(P, object)
      place(P, object, now, {owner = ARGV[6]})
    end
  end
end
commit()
return count
