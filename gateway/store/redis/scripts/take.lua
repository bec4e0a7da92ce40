#!lua flags=allow-oom
-- Needs: _lanes
-- Take objects for delivery: the most urgent class first, in it each channel by its weight, of each
-- channel the longest due first.
--
-- KEYS: 1 lease
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 token  4 erp  5 how many
--       6 what waits for so long rises a class (ms, 0: never)  7 first class that is paused (4: none)
--       8 share of its channel's weight that what has risen gets  9… channel, weight
-- Returns: {'fenced'} | {'ok', {object, tx, takes, attempts, open_ms or -1, payload,
--   released: 0 | 1 | 2, number}, …}
-- Invariants: the take is counted before anybody reads the content; a taken object is in `flight`
--   and nowhere else. `number` counts all takes of a message and is never reset: what settles
--   names it, so that a settlement repeated late cannot touch a later take. Nothing rises to class
--   0. Fair queueing: q:ERP has, by class served and lane, at which virtual time a lane's last turn
--   ends, and in v0 to v3 the virtual time of each class; a turn takes 1 / weight, and the lane
--   whose turn begins first is next. A lane that had nothing due for a while begins at the virtual
--   time, so it neither loses its share nor saves it up.
local P, now, erp = ARGV[1], clock(ARGV[2]), ARGV[4]
if not holds(P, now, ARGV[3]) then return {'fenced'} end
local left, age, paused = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local q, weights, tags, lanes = P .. 'q:' .. erp, {}, {}, {}
for i = 9, #ARGV, 2 do weights[ARGV[i]] = tonumber(ARGV[i + 1]) end
local flat = redis.call('HGETALL', q)
for i = 1, #flat, 2 do
  tags[flat[i]] = tonumber(flat[i + 1])
  local class, channel = string.match(flat[i], '^(%d)%1:(.*)$')
  if class then
    local name = 'l:' .. erp .. ':' .. class .. ':' .. channel
    lanes[#lanes + 1] = {class = tonumber(class), channel = channel, key = P .. name, taken = 0}
  end
end
table.sort(lanes, function(a, b) return a.key < b.key end)

local chosen, moved, gone = {}, {}, {}
for served = 0, 3 do
  if left <= 0 then break end
  local from, flows = tags['v' .. served] or 0, {}
  for _, lane in ipairs(lanes) do
    local up = lane.class - served
    if lane.class < paused and (up == 0 or (up > 0 and served > 0 and age > 0)) then
      local due = redis.call('ZRANGEBYSCORE', lane.key, '-inf', now - up * age,
        'LIMIT', lane.taken, left)
      local field = served .. lane.class .. ':' .. lane.channel
      local weight = (weights[lane.channel] or 1) * (up > 0 and tonumber(ARGV[8]) or 1)
      if #due > 0 then
        flows[#flows + 1] = {lane = lane, due = due, next = 1, field = field, step = 1 / weight,
          tag = math.max(from, tags[field] or 0)}
      elseif up == 0 and (tags[field] or 0) <= from and redis.call('ZCARD', lane.key) == 0 then
        for above = 1, 3 do gone[#gone + 1] = above .. lane.class .. ':' .. lane.channel end
        gone[#gone + 1] = field
      end
    end
  end
  while left > 0 and #flows > 0 do
    local best = 1
    for i = 2, #flows do if flows[i].tag < flows[best].tag then best = i end end
    local flow = flows[best]
    chosen[#chosen + 1] = {object = flow.due[flow.next], lane = flow.lane.key}
    from, flow.tag, flow.next = flow.tag, flow.tag + flow.step, flow.next + 1
    flow.lane.taken, left = flow.lane.taken + 1, left - 1
    moved[flow.field], moved['v' .. served] = flow.tag, from
    if flow.next > #flow.due then table.remove(flows, best) end
  end
end

local out = {'ok'}
for _, it in ipairs(chosen) do
  local tx = redis.call('LINDEX', P .. 'f:' .. it.object, 0)
  local message = P .. 'm:' .. tx
  local seen = redis.call('HMGET', message, 'n', 'at', 'p', 'rl', 'tk', 'tn')
  local takes, number = tonumber(seen[5] or '0') + 1, tonumber(seen[6] or '0') + 1
  local open = (seen[2] and seen[2] ~= '') and (now - tonumber(seen[2])) or -1
  write('ZREM', it.lane, it.object)
  write('ZADD', P .. 'flight', now, it.object)
  write('HSET', P .. 'b:' .. it.object, 'st', 'flight')
  write('HSET', message, 'tk', takes, 'tn', number)
  out[#out + 1] = {it.object, tx, takes, tonumber(seen[1] or '0'), open, seen[3],
    tonumber(seen[4]) or 0, number}
end
for field, tag in pairs(moved) do write('HSET', q, field, string.format('%.6f', tag)) end
for _, field in ipairs(gone) do write('HDEL', q, field) end
commit()
return out
