-- Reads what the workers have reported of themselves, and when each was last alive.
-- KEYS: the reports, the beats. Returns the time (ms), the reports as pairs of consumer and JSON, and pairs of consumer and beat (ms).
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return { now_ms, redis.call('HGETALL', KEYS[1]), redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES') }
