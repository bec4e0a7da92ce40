#!lua flags=allow-oom
-- Forget who owns an object, because the ledger knows it and nothing of the object is here.
--
-- KEYS: 1 owners bucket  2 object  3 fifo  4 unprojected
-- ARGV: 1 prefix  2 now ("" = server's clock)  3 owner field (12 bytes)  4 owner in the ledger
-- Returns: 1 | 0 if it is not known here, is owned otherwise, or has messages here
-- Invariants: an owner is only forgotten if the ledger has the same, so that whoever asks next is
--   told the same; an object with messages in the buffer keeps its owner.
if redis.call('HGET', KEYS[1], ARGV[3]) ~= ARGV[4] then return 0 end
if redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4]) > 0 then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[3])
