-- Keeps what a worker reports of itself, and drops the reports of workers that have no beat any more.
-- KEYS: the reports, the beats. ARGV: how long reports are kept without a new one (ms), this consumer, its report; empty: it leaves.
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[2])
  return
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if name ~= ARGV[2] and not redis.call('ZSCORE', KEYS[2], name) then
    redis.call('HDEL', KEYS[1], name)
  end
end
