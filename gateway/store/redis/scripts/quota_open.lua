#!lua flags=allow-oom
-- Needs: _quota
-- Say that an ERP has seen no call within its windows: a new installation, or staff know better.
--
-- KEYS: 1 state
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 limits (JSON)  4 over what is there: 1 | 0
-- Returns: 1 | 0 if there is a ledger and it was not to be replaced
-- Invariants: permits that are out stay out, and count as used when they come back or run out.
local P, limits = ARGV[1], cjson.decode(ARGV[3])
local s = load(P)
if s.off ~= nil and ARGV[4] ~= '1' then return 0 end
if s.off == nil then redis.call('DEL', P .. 'flight', P .. 'line') end
local q = quota_time(s, clock(ARGV[2]))
for _, w in ipairs(limits.windows) do
  w.grain = math.max(1, math.floor(w.span / 2000))
  local key = P .. 'w:' .. string.format('%d', w.span)
  redis.call('DEL', key, key .. ':read', key .. ':lent', key .. ':replay', key .. ':shadow')
  redis.call('HSET', key, 'sum', 0, 'low', string.format('%d', bucket(w, q)))
end
s.closed, s.open, s.fails, s.trips, s.probe, s.busy = 0, 0, 0, 0, 0, 0
save(P, s)
return 1
