#!lua flags=allow-oom
-- Lease permits for calls to one ERP: sliding window, concurrency, closed key.
--
-- KEYS: 1 window (zset of calls ended, by ms)  2 in flight (zset of permits, by the ms at which
--       they count as used)  3 closed until (ms)  4 counter
-- ARGV: 1 now ("" = server's clock)  2 want  3 concurrent_max  4 calls_max  5 window_ms
--       6 call_ms_max
-- Returns: {wait_ms, permit, …}
-- Invariants: calls ended within the window + calls in flight never exceed calls_max; in flight
--   never exceeds concurrent_max. A call counts in the window from its END: the ERP saw it
--   arrive between permit and end, so it cannot count it for longer than we do. A permit nobody
--   gave back counts as used when it runs out.
local now, want = clock(ARGV[1]), tonumber(ARGV[2])
local concurrent, calls, window = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local closed = tonumber(redis.call('GET', KEYS[3]) or '0')
if closed > now then return {closed - now} end
local lost = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES')
for i = 1, #lost, 2 do
  redis.call('ZADD', KEYS[1], lost[i + 1], lost[i])
  redis.call('ZREM', KEYS[2], lost[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local flying, used = redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[1])
local free = math.min(want, concurrent - flying, calls - used - flying)
if free <= 0 then
  if used + flying < calls or used == 0 then return {20} end
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return {math.max(1, tonumber(oldest[2]) + window - now)}
end
local out = {0}
local last = redis.call('INCRBY', KEYS[4], free)
for i = last - free + 1, last do
  local permit = string.format('%d', i)
  redis.call('ZADD', KEYS[2], now + ARGV[6], permit)
  out[#out + 1] = permit
end
redis.call('PEXPIRE', KEYS[1], window + ARGV[6])
return out
