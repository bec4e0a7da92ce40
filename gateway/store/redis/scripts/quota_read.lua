#!lua flags=no-writes,allow-oom
-- Needs: _quota
-- Read an ERP's quota, for people and for figures.
--
-- KEYS: 1 state
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 limits (JSON)
-- Returns: JSON: windows, flying by kind, waiting by kind, places, queue, closed_ms, open_ms, breaker, lost
-- Invariants: reads only.
local P, limits = ARGV[1], cjson.decode(ARGV[3])
local s = load(P)
local lost = s.off == nil or s.torn == 1
local q = quota_time(s, clock(ARGV[2]))
local out = {lost = lost, windows = {}, flying = {}, waiting = {}}
for _, w in ipairs(windows(P, limits, s, q, false)) do
  local used = {span_ms = w.span, max = w.max, used = w.used, read = w[0], lent = w.lent,
    replay = w[5], shadow = w[6], reserve = w.reserve}
  if used.used >= w.max then used.free_in_ms = free_in(w.key, w, q, used.used - w.max + 1) end
  out.windows[#out.windows + 1] = used
end
for kind = 0, 6 do
  out.flying[kind + 1], out.waiting[kind + 1] = s['f' .. kind] or 0, 0
end
for _, row in ipairs(waiting(P, q)) do
  out.waiting[row.kind + 1] = out.waiting[row.kind + 1] + row.count
end
out.places = limits.adaptive and math.floor(s.cap or limits.adaptive.first) or limits.places
out.queue = queue_of(limits, s, out.places)
out.closed_ms = math.max(0, (s.closed or 0) - q)
out.open_ms = math.max(0, (s.open or 0) - q)
out.breaker = (s.open or 0) == 0 and 'closed' or (s.open > q and 'open' or 'half-open')
out.failures = s.fails or 0
return cjson.encode(out)
