-- Reserves slots of a rate limit: a GCRA without burst, with its slots on one grid of Redis's time for all workers.
-- KEYS: when the next slot is free. ARGV: the interval of the grid (microseconds, may have a fraction), how many slots,
-- from when, seen from now, they may be given (microseconds; negative: what is just over and was free, too).
-- Returns the time and the first slot; the others follow at the interval.
local interval, count, hold = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local free = tonumber(redis.call('GET', KEYS[1]) or '0')
if free > now + 3600000000 then
  free = now -- written before Redis's clock was set back
end
local first = math.ceil(math.max(free, now + hold) / interval)
free = math.floor((first + count) * interval)
redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', math.ceil((free - now) / 1000) + 1000)
return { now, string.format('%.0f', first * interval) }
