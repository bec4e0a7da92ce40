-- Shared by every script of a quota (`quota_*.lua`): put in front of each, behind the prelude.
--
-- KEYS: none of its own.
-- ARGV: none of its own.
-- Returns: nothing; defines local functions.
-- Invariants: P is the prefix of one ERP's keys, all under one hash tag: `state` (a hash of
--   numbers), `flight` (zset: permits out, by when each counts as used), `line` (hash: who waits for
--   what), `w:SPAN` (one hash a window: cost by bucket of time, `sum`, `low`), with `:read`, `:lent`,
--   `:replay`, `:shadow` beside it for what these kinds have of it.
--   A unit of a window is taken from the grant until SPAN after the latest moment the call can have
--   arrived. Buckets round that moment up, never down.

local READ, SIDES = 0, {[0] = ':read', [5] = ':replay', [6] = ':shadow'}

local function load(P)
  local s, raw = {}, redis.call('HGETALL', P .. 'state')
  for i = 1, #raw, 2 do s[raw[i]] = tonumber(raw[i + 1]) end
  return s
end

local function save(P, s)
  s.torn = 0
  local flat = {}
  for name, value in pairs(s) do
    flat[#flat + 1] = name
    flat[#flat + 1] = string.format('%.17g', value)
  end
  redis.call('HSET', P .. 'state', unpack(flat))
end

-- The quota's own time: the server's clock with its steps taken out. Time passes at least as fast
-- as the asker saw it pass since its last answer (q0, `passed` ms ago), and hardly faster.
local SLACK = 250
local function quota_time(s, wall, q0, passed)
  local q = wall - (s.off or 0)
  if q0 and s.off then
    local least = q0 + passed
    if q > least + SLACK then q = least end
    q = math.max(q, least)
  end
  q = math.max(q, s.last or 0)
  s.off, s.last = wall - q, q
  return q
end

local function bucket(w, at) return math.ceil(at / w.grain) end

-- Charge `cost` to a window until a span after `at`. Of one that was empty this is the lowest bucket:
-- whoever went through all buckets since it was last used would be busy for long after a quiet night.
local function charge(key, w, at, cost)
  local b = bucket(w, at)
  local low = tonumber(redis.call('HGET', key, 'low') or b)
  redis.call('HINCRBY', key, string.format('%d', b), cost)
  local empty = redis.call('HINCRBY', key, 'sum', cost) == cost
  if empty or b <= low then redis.call('HSET', key, 'low', string.format('%d', b)) end
end

-- Cost per bucket from `first` to `last`, 200 at a time, to a function that may end it.
local function each(key, first, last, act)
  for start = first, last, 200 do
    local names = {}
    for b = start, math.min(last, start + 199) do names[#names + 1] = string.format('%d', b) end
    local costs = redis.call('HMGET', key, unpack(names))
    for i, cost in ipairs(costs) do
      if cost and act(start + i - 1, tonumber(cost), names[i]) then return end
    end
  end
end

-- What a window still counts at q, or nil if the key is lost; forgets what is over if `trim`.
local function counted(key, w, q, trim)
  local head = redis.call('HMGET', key, 'sum', 'low')
  if not head[1] then return nil end
  local sum, low = tonumber(head[1]), tonumber(head[2] or '0')
  local over = math.floor((q - w.span) / w.grain)
  if low > over or sum == 0 then return sum end
  if over - low > 4000 then  -- long idle: nothing of it can count any more but the newest buckets
    for _, name in ipairs(redis.call('HKEYS', key)) do
      local b = tonumber(name)
      if b and b <= over then
        sum = sum - tonumber(redis.call('HGET', key, name))
        if trim then redis.call('HDEL', key, name) end
      end
    end
  else
    each(key, low, over, function(_, cost, name)
      sum = sum - cost
      if trim then redis.call('HDEL', key, name) end
    end)
  end
  if trim then redis.call('HSET', key, 'sum', sum, 'low', string.format('%d', over + 1)) end
  return sum
end

-- In how many ms `need` units of a window will have come free, or nil if calls out hold them.
local function free_in(key, w, q, need)
  local found
  local low = tonumber(redis.call('HGET', key, 'low') or bucket(w, q))
  each(key, low, bucket(w, q) + 1, function(b, cost)
    need = need - cost
    if need <= 0 then found = b * w.grain + w.span - q end
    return need <= 0
  end)
  return found
end

local function flying(s)
  local calls, cost = 0, 0
  for kind = 0, 6 do
    calls = calls + (s['f' .. kind] or 0)
    cost = cost + (s['c' .. kind] or 0)
  end
  return calls, cost
end

-- Is what is known of the permits that are out of no use?
local function is_lost(P, s)
  return s.off == nil or s.torn == 1 or redis.call('ZCARD', P .. 'flight') ~= flying(s)
end

-- How many calls may wait in the ERP's own queue: what its places serve in `queue_ms`, by the time
-- answers take now (which has that wait in it, so it settles below). A slow ERP gets few: whoever
-- is urgent waits behind them.
local function queue_of(limits, s, cap)
  if not s.took then return limits.queue end
  return math.min(limits.queue, math.ceil(cap * limits.queue_ms / math.max(1, s.took)))
end

-- Read the windows of the limits in force, with what each kind has of them.
local function windows(P, limits, s, q, trim)
  local _, out = flying(s)
  for _, w in ipairs(limits.windows) do
    w.key, w.grain = P .. 'w:' .. string.format('%d', w.span), math.max(1, math.floor(w.span / 2000))
    local sum = counted(w.key, w, q, trim)
    w.lost = sum == nil
    w.used = (sum or w.max) + out
    w.lent = (counted(w.key .. ':lent', w, q, trim) or 0) + (s['l' .. w.span] or 0)
    for kind, side in pairs(SIDES) do
      w[kind] = (counted(w.key .. side, w, q, trim) or 0) + (s['c' .. kind] or 0)
    end
  end
  return limits.windows
end

-- Who waits for what: {kind, who, count, since}, the first in line first; the expired are left out.
local function waiting(P, q)
  local line, raw = {}, redis.call('HGETALL', P .. 'line')
  for i = 1, #raw, 2 do
    local kind, who = string.match(raw[i], '^(%d):(.*)$')
    local count, since, till = string.match(raw[i + 1], '^(%d+):(%d+):(%d+)$')
    local row = {name = raw[i], kind = tonumber(kind), who = who, count = tonumber(count),
      since = tonumber(since)}
    if tonumber(till) > q then line[#line + 1] = row else line.expired = raw[i] end
  end
  table.sort(line, function(a, b)
    if a.kind ~= b.kind then return a.kind < b.kind end
    if a.since ~= b.since then return a.since < b.since end
    return a.who < b.who
  end)
  return line
end
