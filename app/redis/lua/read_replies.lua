-- The replies to an inquiry. KEYS: the list. ARGV: how many of them are known already.
return redis.call('LRANGE', KEYS[1], ARGV[1], -1)
