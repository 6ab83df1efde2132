-- Keeps what an insurer called with, the newest few of a job, and wakes whoever waits for it.
-- KEYS: the list of the job's calls. ARGV: the call, how many are kept, the expiry (ms), the channel, the request.
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
