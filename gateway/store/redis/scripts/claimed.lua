#!lua flags=no-writes,allow-oom
-- Say under which transaction a claim was taken.
--
-- KEYS: 1 claims of this generation  2 of the previous  3 of the next
-- ARGV: 1 claim field (12 bytes)
-- Returns: transaction id, or '' if nobody has taken it
-- Invariants: writes nothing.
for i = 1, 3 do
  local claim = redis.call('HGET', KEYS[i], ARGV[1])
  if claim then return string.sub(claim, 1, 29) end
end
return ''
