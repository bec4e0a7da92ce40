#!lua flags=allow-oom
-- Forget what was counted, because it is older than what was called: the next turn counts every
-- window as full, and lets nobody call before all permits that may be out have run out.
--
-- KEYS: 1 state
-- ARGV: 1 prefix  2 now ("" = server's clock; not used)
-- Returns: nothing
-- Invariants: after this the ledger is lost, as if its keys had been; permits given back are not known.
redis.call('DEL', KEYS[1])
