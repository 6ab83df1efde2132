-- Keeps one process's reply to an inquiry for a moment. A second copy, after a lost reply of ours, is left out by its reader.
-- KEYS: the list. ARGV: how many at most, for how long (ms), the reply.
if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('RPUSH', KEYS[1], ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
