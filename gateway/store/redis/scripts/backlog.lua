#!lua flags=no-writes,allow-oom
-- Count all that waits in a partition, and since when.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)
-- Returns: {objects in lanes and documents awaiting posting of legacy, of cloud; objects in flight,
--   parked or sought; messages held, waiting for a cause; events the ledger has not got; messages booked so
--   far; messages not booked of class 0, 1, 2, 3; for how long (ms) the longest due object of each
--   class has been waiting, 0 if none is due}
-- Invariants: reads only.
local P, now = ARGV[1], clock(ARGV[2])
local out, oldest = {}, {0, 0, 0, 0}
for _, erp in ipairs({'legacy', 'cloud'}) do
  local count = redis.call('ZCARD', P .. 'w:' .. erp)
  for _, field in ipairs(redis.call('HKEYS', P .. 'q:' .. erp)) do
    local class, channel = string.match(field, '^(%d)%1:(.*)$')
    if class then
      local lane, at = P .. 'l:' .. erp .. ':' .. class .. ':' .. channel, tonumber(class) + 1
      count = count + redis.call('ZCARD', lane)
      local first = redis.call('ZRANGE', lane, 0, 0, 'WITHSCORES')
      if first[2] then oldest[at] = math.max(oldest[at], now - first[2]) end
    end
  end
  out[#out + 1] = count
end
for _, name in ipairs({'flight', 'parked', 'held', 'waits'}) do
  out[#out + 1] = redis.call('ZCARD', P .. name)
end
out[4] = out[4] + redis.call('ZCARD', P .. 'sought')
out[#out + 1] = redis.call('XLEN', P .. 'e')
for _, count in ipairs(redis.call('HMGET', P .. 'n', 'd', 'w0', 'w1', 'w2', 'w3')) do
  out[#out + 1] = tonumber(count or '0')
end
for _, age in ipairs(oldest) do out[#out + 1] = math.floor(age) end
return out
