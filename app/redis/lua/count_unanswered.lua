-- Counts a job that an insurer has left without an answer, after others in a row, over all workers.
-- KEYS: the row. ARGV: for how long the row is remembered (ms), the channel, the insurer.
-- Returns the length of the row. Not idempotent: a repeat after a lost reply counts one job twice, which opens a circuit a job
-- too early.
local count = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return count
