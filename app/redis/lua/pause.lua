-- Pauses an insurer's step for all workers; a longer pause that is known already stays.
-- KEYS: the pause. ARGV: how long (ms), the channel, the insurer.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local till = now + tonumber(ARGV[1]) * 1000
if till > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', math.ceil(tonumber(ARGV[1])))
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
