-- Opens an insurer's circuit for all workers, unless another worker has done so already.
-- KEYS: the circuit, its trial, its row of jobs without an answer. ARGV: the first lasting and the longest (ms), the jitter (a
-- factor), for how long a circuit without trials is remembered (ms), whether only an answered job closes it (0 or 1), the
-- channel, the insurer.
-- Returns the time (microseconds) and the circuit: open until when, how often it had opened in a row before, and ARGV[5].
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local known, before = redis.call('GET', KEYS[1]), 0
if known then
  local till, openings = string.match(known, '(%d+) (%d+)')
  if tonumber(till) > now then
    return { now, known }
  end
  before = math.min(tonumber(openings) + 1, 30)
end
local lasting_ms = math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) * 2 ^ before) * tonumber(ARGV[3])
local circuit = string.format('%.0f %d %s', now + lasting_ms * 1000, before, ARGV[5])
redis.call('SET', KEYS[1], circuit, 'PX', math.ceil(lasting_ms + tonumber(ARGV[4])))
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('PUBLISH', ARGV[6], ARGV[7])
return { now, circuit }
