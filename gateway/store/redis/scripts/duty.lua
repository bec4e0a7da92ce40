#!lua flags=allow-oom
-- Go on duty: of all processes one looks after schedules and guardrails.
--
-- KEYS: 1 duty
-- ARGV: 1 now ("" = server's clock)  2 holder  3 for how long (ms)
-- Returns: the fencing token, or nil while somebody else is on duty
-- Invariants: tokens only rise; who renews in time keeps theirs.
local now = clock(ARGV[1])
local duty = redis.call('HMGET', KEYS[1], 'holder', 'until', 'token')
local lasts = duty[2] and tonumber(duty[2]) > now
if lasts and duty[1] ~= ARGV[2] then return nil end
local token = duty[3]
if not lasts then token = redis.call('HINCRBY', KEYS[1], 'token', 1) end
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'until', string.format('%d', now + ARGV[3]))
return tonumber(token)
