#!lua flags=no-writes,allow-oom
-- Count the objects of a partition that could be taken for an ERP now.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 erp
-- Returns: {due polls, due objects of class 0, of 1, of 2, of 3}
-- Invariants: reads only.
local P, now = ARGV[1], clock(ARGV[2])
local out = {redis.call('ZCOUNT', P .. 'w:' .. ARGV[3], '-inf', now)}
for priority = 0, 3 do
  out[#out + 1] = redis.call('ZCOUNT', P .. 'l:' .. ARGV[3] .. ':' .. priority, '-inf', now)
end
return out
