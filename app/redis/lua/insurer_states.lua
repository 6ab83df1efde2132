-- Reads what all processes share about insurers, and the live consumers, with Redis's time.
-- KEYS: the beats, then any keys of states. ARGV: the lease (ms).
-- Returns the time (microseconds), the consumers with a fresh beat, and the values.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_ms = math.floor(now / 1000)
local working = redis.call('ZRANGEBYSCORE', KEYS[1], now_ms - tonumber(ARGV[1]), now_ms)
local values = {}
for i = 2, #KEYS do
  values[i - 1] = redis.call('GET', KEYS[i])
end
return { now, working, values }
