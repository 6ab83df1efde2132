-- Remembers the insurers' own application ids. KEYS: the requests' hashes. ARGV: per hash insurer, id, expiry (ms).
for i, hash in ipairs(KEYS) do
  redis.call('HSET', hash, 'at:' .. ARGV[i * 3 - 2], ARGV[i * 3 - 1])
  redis.call('PEXPIREAT', hash, ARGV[i * 3])
end
