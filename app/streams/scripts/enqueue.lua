-- Adds the jobs of requests, each at most once: what is done, or still in its stream, is skipped.
-- KEYS: the job streams, then one hash per request.
-- ARGV: how many streams; the insurer of each stream; then per request its id, its expiry (ms) and the numbers of its
-- streams, separated by commas. Returns how many jobs were added.
local streams = tonumber(ARGV[1])
local added = 0
for r = 1, #KEYS - streams do
  local hash = KEYS[streams + r]
  local first = 1 + streams + (r - 1) * 3
  local request, expires_ms = ARGV[first + 1], ARGV[first + 2]
  for number in string.gmatch(ARGV[first + 3], '%d+') do
    local stream, insurer = KEYS[tonumber(number)], ARGV[1 + tonumber(number)]
    local known = redis.call('HMGET', hash, 'done:' .. insurer, 'job:' .. insurer, 'end')
    local there = known[1] or known[3] or (known[2] and redis.call('XRANGE', stream, known[2], known[2])[1])
    if not there then
      redis.call('HSET', hash, 'job:' .. insurer, redis.call('XADD', stream, '*', 'request', request))
      added = added + 1
    end
  end
  redis.call('PEXPIREAT', hash, expires_ms)
end
return added
