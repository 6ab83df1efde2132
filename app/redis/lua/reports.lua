-- Reads the reports of all processes, and which workers beat. KEYS: the moments, the reports, the beats of one shard.
-- Returns Redis's time (ms), then for each process its name, the moment of its report, and the report; the workers that beat
-- with the moments of their beats.
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local moments, found = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), {}
for i = 1, #moments, 2 do
  local report = redis.call('HGET', KEYS[2], moments[i])
  if report then
    found[#found + 1] = { moments[i], moments[i + 1], report }
  end
end
return { now_ms, found, redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES') }
