#!lua flags=no-writes,allow-oom
-- Count the objects of a partition that could be taken for an ERP now.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 erp
--       4 what waits for so long rises a class (ms, 0: never)  5 first class that is paused (4: none)
-- Returns: {due polls, due objects of class 0, of 1, of 2, of 3}, each in the class it has risen to
-- Invariants: reads only.
local P, now, age, paused = ARGV[1], clock(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local counts = {[0] = 0, 0, 0, 0}
for _, field in ipairs(redis.call('HKEYS', P .. 'q:' .. ARGV[3])) do
  local class, channel = string.match(field, '^(%d)%1:(.*)$')
  if class and tonumber(class) < paused then
    local lane, at = P .. 'l:' .. ARGV[3] .. ':' .. class .. ':' .. channel, tonumber(class)
    local due = redis.call('ZCOUNT', lane, '-inf', now)
    while due > 0 and at > 1 and age > 0 do
      local risen = redis.call('ZCOUNT', lane, '-inf', now - (tonumber(class) - at + 1) * age)
      counts[at], due, at = counts[at] + due - risen, risen, at - 1
    end
    counts[at] = counts[at] + due
  end
end
return {redis.call('ZCOUNT', P .. 'w:' .. ARGV[3], '-inf', now), counts[0], counts[1], counts[2],
  counts[3]}
