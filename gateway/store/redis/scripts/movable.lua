#!lua flags=no-writes,allow-oom
-- List objects that could be given to the other ERP (move.lua), a page at a time.
--
-- KEYS: 1 rules
-- ARGV: 1 prefix  2 erp  3 refused: 1 | 0  4 which set, "" at first  5 its cursor  6 how many, about
-- Returns: {next set, next cursor, {object, tx, payload, messages waiting}, …}; the next set is ""
--   at the end
-- Invariants: reads only. What is in its place from the first page to the last is listed at least
--   once; what is listed may have changed since, and is looked at again by move.lua.
local P, refused = ARGV[1], ARGV[3] == '1'
local sets = {'held', 'waits'}
if not refused then
  sets[3] = 'parked'
  for _, field in ipairs(redis.call('HKEYS', P .. 'q:' .. ARGV[2])) do
    local class, channel = string.match(field, '^(%d)%1:(.*)$')
    if class then sets[#sets + 1] = 'l:' .. ARGV[2] .. ':' .. class .. ':' .. channel end
  end
end
table.sort(sets)
local function following(name)
  for _, it in ipairs(sets) do if it > name then return it end end
  return ''
end
local set = ARGV[4] == '' and sets[1] or ARGV[4]
local page = redis.call('ZSCAN', P .. set, ARGV[5], 'COUNT', ARGV[6])
local out = {page[1] == '0' and following(set) or set, page[1]}
for i = 1, #page[2], 2 do
  local object = page[2][i]
  if set == 'held' or set == 'waits' then object = redis.call('HGET', P .. 'm:' .. object, 'o') end
  local seen = object and redis.call('HMGET', P .. 'b:' .. object, 'st', 'hs', 'ow') or {}
  local right = seen[3] == ARGV[2] and seen[1] ~= 'flight'
  if right and ((refused and seen[2] == '1') or (not refused and not seen[2])) then
    local tx = redis.call('LINDEX', P .. 'f:' .. object, 0)
    out[#out + 1] = {object, tx, redis.call('HGET', P .. 'm:' .. tx, 'p'),
      redis.call('LLEN', P .. 'f:' .. object)}
  end
end
return out
