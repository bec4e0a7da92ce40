#!lua flags=no-writes,allow-oom
-- List objects that could be given to the other ERP (move.lua), a page at a time.
--
-- KEYS: 1 rules
-- ARGV: 1 prefix  2 erp  3 refused: 1 | 0  4 which set  5 its cursor  6 how many, about
-- Returns: {next set, next cursor, {object, tx, payload, messages waiting}, …}; the next set is -1
--   at the end
-- Invariants: reads only. What is there from the first page to the last is listed at least once;
--   what is listed may have changed since, and is looked at again by move.lua.
local P = ARGV[1]
local sets = {'held', 'waits'}
if ARGV[3] ~= '1' then
  sets[3] = 'parked'
  for priority = 0, 3 do sets[#sets + 1] = 'l:' .. ARGV[2] .. ':' .. priority end
end
local at = tonumber(ARGV[4]) + 1
local set = sets[at]
if not set then return {-1, '0'} end
local page = redis.call('ZSCAN', P .. set, ARGV[5], 'COUNT', ARGV[6])
local out = {at - 1, page[1]}
if page[1] == '0' then out[1] = at end
if not sets[out[1] + 1] then out[1] = -1 end
for i = 1, #page[2], 2 do
  local object = page[2][i]
  if at <= 2 then object = redis.call('HGET', P .. 'm:' .. object, 'o') end
  if object then
    local seen = redis.call('HMGET', P .. 'b:' .. object, 'st', 'hs', 'ow')
    local right = seen[3] == ARGV[2] and seen[1] ~= 'flight'
    if ARGV[3] == '1' then right = right and seen[2] == '1' else right = right and not seen[2] end
    if right then
      local tx = redis.call('LINDEX', P .. 'f:' .. object, 0)
      out[#out + 1] = {object, tx, redis.call('HGET', P .. 'm:' .. tx, 'p'),
        redis.call('LLEN', P .. 'f:' .. object)}
    end
  end
end
return out
