-- Keeps a process's report. Repeating it changes nothing but the moment.
-- KEYS: the moments (a sorted set), the reports (a hash). ARGV: the process, its report, for how long reports are kept (ms),
-- how many at most.
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], now_ms, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms - tonumber(ARGV[3]), 'LIMIT', 0, 100)
local excess = redis.call('ZCARD', KEYS[1]) - #gone - tonumber(ARGV[4])
if excess > 0 then
  for _, process in ipairs(redis.call('ZRANGE', KEYS[1], #gone, #gone + math.min(excess, 100) - 1)) do
    gone[#gone + 1] = process
  end
end
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('HDEL', KEYS[2], unpack(gone))
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
