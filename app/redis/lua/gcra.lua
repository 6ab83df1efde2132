-- The generic cell rate algorithm over several cells at once: all of them give, or none does.
-- KEYS: the cells. ARGV: the units that are wanted; then per cell the microseconds that one unit takes to come back and
-- the units that there are at once. Returns the microseconds to wait (0: taken) and the number of the cell to wait for.
-- Not idempotent: after a lost reply the units are counted twice, which costs this caller a moment and no other.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local units, wait, slowest, full_at = tonumber(ARGV[1]), 0, 0, {}
for i, cell in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[i * 2]), tonumber(ARGV[i * 2 + 1])
  -- When the cell will be full again; a moment too far ahead was written before Redis's clock was set back.
  local known = math.min(tonumber(redis.call('GET', cell) or now), now + burst * interval)
  full_at[i] = math.max(known, now) + units * interval
  local early = full_at[i] - burst * interval - now
  if early > wait then
    wait, slowest = early, i
  end
end
if wait > 0 then
  return { math.ceil(wait), slowest }
end
for i, cell in ipairs(KEYS) do
  redis.call('SET', cell, string.format('%.3f', full_at[i]), 'PX', math.ceil((full_at[i] - now) / 1000) + 1)
end
return { 0, 0 }
