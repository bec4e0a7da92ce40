#!lua flags=no-writes,allow-oom
-- Count the objects of a partition that could be taken for an ERP now.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 erp
--       4 what waits for so long rises a class (ms, 0: never)  5 first class that is paused (4: none)
-- Returns: {due polls, due objects of class 0, of 1, of 2, of 3, since when the first of class 0 is
--   due (ms; -1 if none is), of 1, of 2, of 3}, each in the class it has risen to
-- Invariants: reads only. Below the class to which the first of a lane has risen, that one's time
--   stands for the lane's: how old the others are is not looked up.
local P, now, age, paused = ARGV[1], clock(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local counts, since = {[0] = 0, 0, 0, 0}, {[0] = -1, -1, -1, -1}
local function count(class, due, first)
  counts[class] = counts[class] + due
  if due > 0 and (since[class] == -1 or first < since[class]) then since[class] = first end
end
for _, field in ipairs(redis.call('HKEYS', P .. 'q:' .. ARGV[3])) do
  local class, channel = string.match(field, '^(%d)%1:(.*)$')
  if class and tonumber(class) < paused then
    local lane, at = P .. 'l:' .. ARGV[3] .. ':' .. class .. ':' .. channel, tonumber(class)
    local due = redis.call('ZCOUNT', lane, '-inf', now)
    local first = due > 0 and tonumber(redis.call('ZRANGE', lane, 0, 0, 'WITHSCORES')[2])
    while due > 0 and at > 1 and age > 0 do
      local risen = redis.call('ZCOUNT', lane, '-inf', now - (tonumber(class) - at + 1) * age)
      count(at, due - risen, first)
      due, at = risen, at - 1
    end
    count(at, due, first)
  end
end
return {redis.call('ZCOUNT', P .. 'w:' .. ARGV[3], '-inf', now), counts[0], counts[1], counts[2],
  counts[3], since[0], since[1], since[2], since[3]}
