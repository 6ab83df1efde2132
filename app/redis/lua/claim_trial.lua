-- Makes a job the trial of a half-open circuit, or keeps it the trial for longer: there is one in the whole cluster.
-- KEYS: the trial. ARGV: the job's token, for how long without another call (ms).
-- Returns 1 if it is the trial. Repeating it changes nothing but the time.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
