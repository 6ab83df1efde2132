-- Keeps what an insurer called with, the newest few of a job, and wakes the worker that waits for it. Run again after a lost
-- reply it keeps the call twice, which no worker minds.
-- KEYS: the list of the job's calls, how many bytes the insurer has called with lately.
-- ARGV: the call, how many are kept, when the list expires (ms), how many bytes an insurer has, for how long they count
-- (ms), the channel, the request. Returns 0 where the insurer has no bytes left: nothing is kept then.
local grown = #ARGV[1]
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then
  grown = grown - #redis.call('LINDEX', KEYS[1], 0)
end
if grown > 0 and tonumber(redis.call('GET', KEYS[2]) or '0') + grown > tonumber(ARGV[4]) then
  return 0
end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
redis.call('INCRBY', KEYS[2], grown)
if redis.call('PTTL', KEYS[2]) < 0 then
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
redis.call('PUBLISH', ARGV[6], ARGV[7])
return 1
