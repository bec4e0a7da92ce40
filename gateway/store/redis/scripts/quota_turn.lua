#!lua flags=allow-oom
-- Needs: _quota
-- One turn at an ERP's quota: give permits back, ask for others, say who else may ask now.
--
-- KEYS: 1 state
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 limits (JSON)  4 who asks  5 quota time of its last
--       answer ("" = none)  6 ms since then, on its own clock  7 wants by kind ("3,0,0,…", "" = none
--       and its place in the line stays)  8 ms a place in the line is kept
--       9 units of each call asked for but by readers: operations of a batch that count one by one, else 1
--       10… permits given back: permit, how (unused | ok | busy | fail | none | gone | cut), ms from
--       the grant until it was on the wire at the latest ("" = unknown), ms it took, ms of silence
--       its answer asked for (0 = none)
-- Returns: {ms until what was not granted may be, quota time, permit, …}; a permit is `number:kind:cost:granted:lent`
-- Invariants: in no span of a window can more arrive than it allows; never are more calls in service
--   than places (and so much of the ERP's own queue as we use). What is lost counts as used: a key as
--   a full window, a permit nobody gives back as a call that arrived in its last moment, and all of it
--   if a turn ended in an error half-way, which `torn` tells the next.
local P, limits, who, units = ARGV[1], cjson.decode(ARGV[3]), ARGV[4], tonumber(ARGV[9])
local s = load(P)
local lost = is_lost(P, s)
redis.call('HSET', P .. 'state', 'torn', 1)
local q = quota_time(s, clock(ARGV[2]), tonumber(ARGV[5]), tonumber(ARGV[6]) or 0)
local out_ms = limits.use_ms + limits.call_ms
if lost then
  s = {off = s.off, last = q, n = s.n, closed = math.max(s.closed or 0, q + out_ms)}
  redis.call('DEL', P .. 'state', P .. 'flight', P .. 'line')
  for _, w in ipairs(limits.windows) do redis.call('DEL', P .. 'w:' .. string.format('%d', w.span)) end
end
local ws = windows(P, limits, s, q, true)
for _, w in ipairs(ws) do
  if w.lost then charge(w.key, w, q, w.max) end
end

-- ---------------------------------------------------------------- what comes back

local function settle(permit, at)
  local n, kind, cost, _, lent = string.match(permit, '^(%d+):(%d):(%d+):(%d+):([01]*)$')
  cost, kind = tonumber(cost), tonumber(kind)
  s['f' .. kind], s['c' .. kind] = s['f' .. kind] - 1, s['c' .. kind] - cost
  if tonumber(n) == s.probe then s.probe = 0 end
  for i, w in ipairs(ws) do
    local borrowed = string.sub(lent, i, i) == '1'
    if borrowed then s['l' .. w.span] = s['l' .. w.span] - cost end
    if at and bucket(w, at) * w.grain > q - w.span then
      charge(w.key, w, at, cost)
      if SIDES[kind] then charge(w.key .. SIDES[kind], w, at, cost) end
      if borrowed then charge(w.key .. ':lent', w, at, cost) end
    else
      w.used = w.used - cost
      if SIDES[kind] then w[kind] = w[kind] - cost end
      if borrowed then w.lent = w.lent - cost end
    end
  end
end

local function places()
  local cap = limits.adaptive and math.floor(s.cap or limits.adaptive.first) or limits.places
  return cap + queue_of(limits, s, cap) - limits.foreign_places
end

-- The limit nobody published: one more after as many good answers as it has places, if all were
-- taken meanwhile; a third less after a 429, a tenth less while answers take twice as long as they can; one cut per round trip.
local function adapt(how, granted, took)
  local a = limits.adaptive
  if not a then return end
  s.cap, s.cut = s.cap or a.first, s.cut or 0
  if how == 'ok' and took then
    s.ema = s.ema and s.ema * 0.9 + took * 0.1 or took
    s.base = (not s.base or took < s.base) and took or s.base + (took - s.base) * 0.0002
  end
  local slow = how == 'ok' and s.ema and s.ema > 2 * s.base
  if how == 'busy' or slow then
    if granted > s.cut then
      s.cap, s.cut = math.max(a.least, s.cap * (slow and 0.9 or 0.7)), q
    end
  elseif how == 'ok' and (s.tight or 0) >= granted then
    s.cap = math.min(a.most, s.cap + 1 / s.cap)
  end
end

local function judge(how, granted, took)
  adapt(how, granted, took)
  if how == 'ok' and took then s.took = s.took and s.took * 0.9 + took * 0.1 or took end
  if how == 'ok' then
    s.fails, s.open, s.trips, s.busy = 0, 0, 0, 0
  elseif how == 'busy' then  -- it lives, and asks for silence without saying how long
    s.fails, s.open, s.trips = 0, 0, 0
    if granted > (s.hushed or 0) then
      s.busy, s.hushed = (s.busy or 0) + 1, q
      s.closed = math.max(s.closed or 0, q + math.min(5000, 125 * 2 ^ math.min(s.busy, 6)))
    end
  elseif how == 'fail' or how == 'gone' then
    s.fails = (s.fails or 0) + 1
    local open = (s.open or 0) > 0
    if open and granted > s.tripped or not open and s.fails >= limits.failures then
      s.trips, s.tripped, s.probe = (s.trips or 0) + 1, q, 0
      s.open = q + math.min(limits.open_ms_max, limits.open_ms * 2 ^ math.min(s.trips - 1, 20))
    end
  end
end

local due = redis.call('ZRANGEBYSCORE', P .. 'flight', '-inf', q, 'WITHSCORES')
for i = 1, #due, 2 do
  redis.call('ZREM', P .. 'flight', due[i])
  settle(due[i], tonumber(due[i + 1]))
end
for i = 10, #ARGV, 5 do
  local permit, how, sent = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local granted = tonumber(string.match(permit, '^%d+:%d:%d+:(%d+):'))
  if granted and redis.call('ZSCORE', P .. 'flight', permit) then
    if how ~= 'gone' and how ~= 'cut' then  -- a call we gave up on is in service there until it runs out
      redis.call('ZREM', P .. 'flight', permit)
      if how == 'unused' then
        settle(permit)
      else
        settle(permit, sent and math.min(q, granted + sent + limits.network_ms) or q)
      end
    end
    if how ~= 'unused' then judge(how, granted, tonumber(ARGV[i + 3])) end
    local silence = tonumber(ARGV[i + 4])
    if silence > 0 then s.closed = math.max(s.closed or 0, q + silence) end
  end
end

-- ---------------------------------------------------------------- what may be had

local line = waiting(P, q)
local wants, reads = {}, false
for want in string.gmatch(ARGV[7], '%d+') do wants[#wants + 1] = tonumber(want) end
for _, row in ipairs(line) do reads = reads or row.kind == READ end
if reads or (wants[1] or 0) > 0 then s.seen = q end
local reading = s.seen and q - s.seen < limits.read_idle_ms

local function own(w) return w.max - w.reserve - (w.used - w[READ] - w.lent) end

-- How much of the readers' reserve may be lent now: none while somebody reads; and else spread over
-- the span, so that some of it always comes back soon.
local function lendable(w)
  local from = s['b' .. w.span] or 0
  if reading or w.reserve == 0 or q < from then return 0 end
  local spread = 1 + math.min(9, math.floor((q - from) / math.floor(w.span / w.reserve)))
  return math.max(0, math.min(spread, w.reserve - w[READ] - w.lent))
end

-- What a call of ours costs. Those of others who wait are in line with their units as calls.
local function price(kind) return limits.costs[kind + 1] * (kind == READ and 1 or units) end

local function room(kind, cost)
  local free = places() - flying(s)
  if kind ~= READ and reading then
    free = free - math.max(0, limits.read_places - (s.f0 or 0))
  end
  for _, w in ipairs(ws) do
    local left = w.max - w.used
    if kind ~= READ then
      left = math.min(left, math.max(0, own(w)) + lendable(w))
      local share = w.shares[tostring(kind)]
      if share then left = math.min(left, share - w[kind]) end
    end
    free = math.min(free, math.floor(left / cost))
  end
  if (s.open or 0) > 0 then free = math.min(free, (s.probe or 0) == 0 and 1 or 0) end
  return math.max(0, free)
end

local function ahead(kind, since)
  local others = 0
  for _, row in ipairs(line) do
    local first = row.since < since or row.since == since and row.who < who
    if row.who ~= who and (row.kind < kind or row.kind == kind and first) then
      others = others + math.min(row.count, room(row.kind, limits.costs[row.kind + 1]))
    end
  end
  return others
end

local function grant(kind)
  local cost, lent = price(kind), ''
  s.n = (s.n or 0) + 1
  for _, w in ipairs(ws) do
    local borrows = kind ~= READ and own(w) < cost
    if borrows then
      local step = math.floor(w.span / w.reserve)
      s['b' .. w.span] = math.max(s['b' .. w.span] or 0, q - 9 * step) + step * cost
      s['l' .. w.span] = (s['l' .. w.span] or 0) + cost
      w.lent = w.lent + cost
    end
    lent = lent .. (borrows and '1' or '0')
    w.used = w.used + cost
    if SIDES[kind] then w[kind] = w[kind] + cost end
  end
  s['f' .. kind], s['c' .. kind] = (s['f' .. kind] or 0) + 1, (s['c' .. kind] or 0) + cost
  if (s.open or 0) > 0 then s.probe = s.n end
  local permit = string.format('%d:%d:%d:%d:%s', s.n, kind, cost, q, lent)
  redis.call('ZADD', P .. 'flight', q + out_ms, permit)
  return permit
end

-- When asking again is worth it: for what is wanted most, and behind those who came first.
local function wait_for(kind, others)
  local cost, wait = price(kind), 0
  if places() - flying(s) <= others then return limits.poll_ms end
  for _, w in ipairs(ws) do
    local left = w.max - w.used
    if kind ~= READ then left = math.min(left, own(w)) end
    local need = cost * (others + 1) - left
    if need > 0 then
      local free = free_in(w.key, w, q, need) or limits.poll_ms
      if kind ~= READ and not reading and w.max - w.used >= cost and w.reserve > 0 then
        free = math.min(free, math.max(1, (s['b' .. w.span] or 0) - q))
      end
      wait = math.max(wait, free)
    end
  end
  return wait > 0 and wait or limits.poll_ms
end

local shut = math.max((s.closed or 0) - q, (s.open or 0) - q, 0)
local found, wait = {}, nil
for kind = 0, 6 do
  local want, name = wants[kind + 1], kind .. ':' .. who
  local since
  for _, row in ipairs(line) do
    if row.name == name then since = row.since end
  end
  if want and want > 0 then
    local got, others = 0, ahead(kind, since or q)
    while shut == 0 and got < want and room(kind, price(kind)) > others do
      found[#found + 1] = grant(kind)
      got = got + 1
    end
    if got < want then
      if got > 0 then since = q end
      redis.call('HSET', P .. 'line', name,
        string.format('%d:%d:%d', (want - got) * (kind == READ and 1 or units), since or q, q + tonumber(ARGV[8])))
      wait = wait or (shut > 0 and shut or wait_for(kind, others))
    elseif since then
      redis.call('HDEL', P .. 'line', name)
    end
  elseif want and since then
    redis.call('HDEL', P .. 'line', name)
  end
end
if line.expired then redis.call('HDEL', P .. 'line', line.expired) end
for _, row in ipairs(line) do
  if shut == 0 and row.who ~= who and room(row.kind, limits.costs[row.kind + 1]) > 0 then
    local bell = P .. 'bell:' .. row.who
    if redis.call('LLEN', bell) == 0 then
      redis.call('LPUSH', bell, '1')
      redis.call('PEXPIRE', bell, 1000)
    end
    break
  end
end
if places() <= flying(s) then s.tight = q end
save(P, s)
local answer = {wait and math.max(1, math.ceil(wait)) or 0, string.format('%d', q)}
for _, permit in ipairs(found) do answer[#answer + 1] = permit end
return answer
